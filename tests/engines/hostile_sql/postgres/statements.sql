--! copy to a program
COPY orders TO PROGRAM 'id > {folder}/new.txt'
--! copy to a file
COPY (SELECT 1) TO '{folder}/new.txt'
--! copy from a program
COPY orders FROM PROGRAM 'id'
--! an anonymous block
DO $$ BEGIN PERFORM pg_sleep(1); END $$
--! call
CALL leak()
--! a function
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
--! an extension
CREATE EXTENSION dblink
--! a setting that lasts
ALTER SYSTEM SET log_min_messages = 'debug5'
--! a role's setting
ALTER ROLE postgres SET statement_timeout = 0
--! another role
SET ROLE postgres
--! another role for the session
SET SESSION AUTHORIZATION postgres
--! leave read-only
SET TRANSACTION READ WRITE
--! leave read-only for the session
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
--! end the transaction, then write
COMMIT; DELETE FROM secrets
--! end the transaction inside of what looks like a string
SELECT 'x\'; COMMIT; DELETE FROM secrets; --'
--! an escape string that ends later than it seems
SELECT E'x\'; COMMIT; DELETE FROM secrets; --'
--! grants
GRANT ALL ON secrets TO PUBLIC
--! listen
LISTEN channel
--! load a library
LOAD 'auto_explain'
--! lock a table
LOCK TABLE orders
--! security label
SECURITY LABEL ON TABLE orders IS 'x'
--! a cursor of one's own
DECLARE c CURSOR FOR SELECT * FROM secrets
--! fetch from the guard's cursor
FETCH ALL FROM voyant
--! close the guard's cursor
CLOSE voyant
--! discard
DISCARD ALL
--! explain runs with ANALYZE
EXPLAIN (ANALYZE) SELECT pg_sleep(1)
--! select into
SELECT * INTO x FROM orders
--! select into temporary
SELECT * INTO TEMP x FROM orders
--! create table as
CREATE TABLE x AS SELECT * FROM orders
--! lock rows
SELECT * FROM orders FOR UPDATE
--! lock rows, of a table
SELECT * FROM orders FOR NO KEY UPDATE OF orders NOWAIT
--! lock rows in a subquery
SELECT * FROM (SELECT * FROM orders FOR SHARE) t
--! writes in WITH
WITH x AS (DELETE FROM secrets RETURNING *) SELECT * FROM x
--! writes in WITH, unused
WITH x AS (UPDATE orders SET amount = 0) SELECT 1
--! merge in WITH
WITH x AS (MERGE INTO secrets USING orders ON true WHEN MATCHED THEN DELETE RETURNING *) SELECT * FROM x
--! a hint for pg_hint_plan
/*+ Set(transaction_read_only off) */ SELECT * FROM secrets
--! a parameter
SELECT $1
--! a psql variable
SELECT :secret
--! a psql command
\! id
--! a Unicode-escaped identifier
SELECT * FROM U&"\0073ecrets"
--! the same with another escape
SELECT * FROM U&"s!0065crets" UESCAPE '!'
--! a Unicode-escaped string
SELECT U&'\0027 || pg_sleep(1) || \0027'
--! dollar quotes
SELECT $a$ $$ $a$, pg_sleep(1)
--! a dollar-quoted name hides a comment
SELECT $x$ /* $x$, pg_sleep(1) /* */
--! nested comments end later here than in other engines
SELECT 1 /* /* */ , pg_sleep(1) */
--! an operator with its schema
SELECT 1 OPERATOR(public.+) 1
--! a user's type
SELECT 'x'::leaky
--! a user's type with its schema
SELECT CAST('x' AS public.leaky)
--! XML, whose parser reads what documents point to
SELECT xmlparse(document '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>')
--! XMLTABLE
SELECT * FROM xmltable('/a' PASSING '<a/>' COLUMNS x text)
--! a composite value's star
SELECT (leak(o)).* FROM orders o
--! a function of another schema
SELECT public.leak(o) FROM orders o
--! a function of another schema in an aggregate's FILTER
SELECT count(*) FILTER (WHERE public.leak(o) = '') FROM orders o
--! a forbidden function in a window frame
SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN pg_backend_pid() PRECEDING AND CURRENT ROW) FROM orders
--! a forbidden function in LIMIT
SELECT 1 LIMIT pg_backend_pid()
--! a forbidden function in GROUPING SETS
SELECT count(*) FROM orders GROUP BY GROUPING SETS ((pg_backend_pid()))
--! a forbidden function in TABLESAMPLE
SELECT * FROM orders TABLESAMPLE bernoulli (pg_backend_pid())
--! a sampling method of an extension
SELECT * FROM orders TABLESAMPLE leak (1)
--! a forbidden function in VALUES
SELECT * FROM (VALUES (pg_backend_pid())) v(x)
--! a search clause
WITH RECURSIVE r AS (SELECT 1 AS i) SEARCH DEPTH FIRST BY i SET o SELECT * FROM r
--! setseed changes later results
SELECT setseed(0.5)
