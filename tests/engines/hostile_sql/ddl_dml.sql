--! create a table
CREATE TABLE x AS SELECT 1
--! create a table from a file
CREATE TABLE x AS FROM '{canary}'
--! create a temporary table
CREATE TEMP TABLE x (i INTEGER)
--! replace a job's table
CREATE OR REPLACE TEMP VIEW orders AS SELECT 1
--! create a view over a file
CREATE VIEW x AS SELECT * FROM '{canary}'
--! create a macro
CREATE MACRO leak() AS (SELECT max(secret) FROM '{canary}')
--! create a table macro
CREATE MACRO leak() AS TABLE SELECT * FROM '{canary}'
--! replace a built-in function by a macro
CREATE OR REPLACE MACRO sum(x) AS (SELECT max(secret) FROM '{canary}')
--! create a type
CREATE TYPE mood AS ENUM ('a')
--! create a type from a query
CREATE TYPE mood AS ENUM (SELECT secret FROM '{canary}')
--! create a sequence
CREATE SEQUENCE s
--! create a schema
CREATE SCHEMA s
--! create an index
CREATE INDEX i ON orders (id)
--! create a secret
CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
--! create a persistent secret, which is a file
CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'b')
--! drop a view
DROP VIEW orders
--! drop a table
DROP TABLE IF EXISTS hidden
--! drop a schema
DROP SCHEMA main CASCADE
--! alter a view
ALTER VIEW orders RENAME TO x
--! alter a table
ALTER TABLE hidden ADD COLUMN x INTEGER
--! insert
INSERT INTO hidden VALUES (1)
--! insert and return
INSERT INTO hidden SELECT 1 RETURNING *
--! insert inside a CTE (a SELECT statement in DuckDB 2.0)
WITH x AS (INSERT INTO hidden VALUES ('x') RETURNING *) SELECT * FROM x
--! update inside a CTE
WITH x AS (UPDATE hidden SET secret = 'x' RETURNING *) SELECT * FROM x
--! delete inside a CTE
WITH x AS (DELETE FROM hidden RETURNING *) SELECT * FROM x
--! update
UPDATE hidden SET secret = 'x'
--! delete
DELETE FROM hidden
--! truncate
TRUNCATE hidden
--! merge
MERGE INTO hidden USING orders ON true WHEN MATCHED THEN DELETE
--! select into
SELECT * INTO x FROM orders
--! comment on
COMMENT ON VIEW orders IS 'x'
--! vacuum
VACUUM
--! analyze
ANALYZE
--! begin
BEGIN TRANSACTION
--! commit
COMMIT
--! rollback
ROLLBACK
--! checkpoint
CHECKPOINT
--! checkpoint as a function
SELECT * FROM force_checkpoint()
--! explain
EXPLAIN SELECT 1
--! explain analyze runs the statement
EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1
