--! a file named in FROM is read by a replacement scan
SELECT * FROM '{canary}'
--! the same, quoted as an identifier
SELECT * FROM "{canary}"
--! the same, without SELECT
FROM '{canary}'
--! TABLE is short for SELECT * FROM
TABLE '{canary}'
--! in a subquery
SELECT * FROM (SELECT * FROM '{canary}')
--! in a scalar subquery
SELECT (SELECT max(secret) FROM '{canary}')
--! in EXISTS
SELECT 1 WHERE EXISTS (FROM '{canary}')
--! in IN
SELECT * FROM orders WHERE customer IN (SELECT secret FROM '{canary}')
--! in a join
SELECT * FROM orders JOIN '{canary}' c ON true
--! in a lateral join
SELECT * FROM orders, LATERAL (SELECT * FROM '{canary}')
--! in a CTE
WITH c AS (SELECT * FROM '{canary}') SELECT * FROM c
--! in the second half of a UNION
SELECT customer FROM orders UNION ALL SELECT secret FROM '{canary}'
--! in ORDER BY
SELECT 1 ORDER BY (SELECT max(secret) FROM '{canary}')
--! in LIMIT
SELECT * FROM orders LIMIT (SELECT count(*) FROM '{canary}')
--! in HAVING
SELECT customer FROM orders GROUP BY customer HAVING max(amount) < (SELECT count(*) FROM '{canary}')
--! in QUALIFY
SELECT customer FROM orders QUALIFY row_number() OVER () < (SELECT count(*) FROM '{canary}')
--! in a FILTER
SELECT count(*) FILTER ((SELECT true FROM '{canary}')) FROM orders
--! in a window's ORDER BY
SELECT sum(amount) OVER (ORDER BY (SELECT max(secret) FROM '{canary}')) FROM orders
--! in a CASE
SELECT CASE WHEN true THEN (SELECT max(secret) FROM '{canary}') END
--! in a function argument
SELECT upper((SELECT max(secret) FROM '{canary}'))
--! in a lambda
SELECT list_transform([1], lambda x: (SELECT max(secret) FROM '{canary}'))
--! in VALUES
VALUES ((SELECT max(secret) FROM '{canary}'))
--! in the source of a PIVOT
PIVOT '{canary}' ON secret IN ('a') USING count(*)
--! in the source of an UNPIVOT
UNPIVOT '{canary}' ON secret
--! in REPLACE of a star
SELECT * REPLACE ((SELECT max(secret) FROM '{canary}') AS customer) FROM orders
--! in the argument of a table function
SELECT * FROM range((SELECT count(*) FROM '{canary}'))
--! in a recursive CTE
WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r, '{canary}' WHERE i < 2) FROM r
--! inside a struct
SELECT {{'a': (SELECT max(secret) FROM '{canary}')}}
--! inside a list comprehension
SELECT [(SELECT max(secret) FROM '{canary}') for x in [1]]
--! in DISTINCT ON
SELECT DISTINCT ON ((SELECT max(secret) FROM '{canary}')) 1
--! in GROUP BY
SELECT count(*) FROM orders GROUP BY (SELECT max(secret) FROM '{canary}')
--! in a join condition
SELECT * FROM orders a JOIN orders b ON a.id = (SELECT count(*) FROM '{canary}')
--! a glob pattern in FROM
SELECT * FROM '{folder}/*.csv'
--! read_csv
SELECT * FROM read_csv('{canary}')
--! read_csv_auto
SELECT * FROM read_csv_auto('{canary}')
--! read_text
SELECT content FROM read_text('{canary}')
--! read_blob
SELECT content FROM read_blob('{canary}')
--! read_parquet of another file
SELECT * FROM read_parquet('{canary_parquet}')
--! parquet_scan
SELECT * FROM parquet_scan('{canary_parquet}')
--! parquet_metadata shows minima and maxima
SELECT * FROM parquet_metadata('{canary_parquet}')
--! parquet_schema
SELECT * FROM parquet_schema('{canary_parquet}')
--! parquet_kv_metadata
SELECT * FROM parquet_kv_metadata('{canary_parquet}')
--! parquet_file_metadata
SELECT * FROM parquet_file_metadata('{canary_parquet}')
--! parquet_bloom_probe tells whether a value is in a file
SELECT * FROM parquet_bloom_probe('{canary_parquet}', 'secret', 'x')
--! read_json
SELECT * FROM read_json('{canary}')
--! read_json_objects
SELECT * FROM read_json_objects('{canary}')
--! read_ndjson
SELECT * FROM read_ndjson('{canary}')
--! read_ndjson_objects
SELECT * FROM read_ndjson_objects('{canary}')
--! sniff_csv (CVE-2024-41672 went this way)
SELECT * FROM sniff_csv('{canary}')
--! glob lists folders
SELECT * FROM glob('{folder}/*')
--! glob of the root
SELECT * FROM glob('/*')
--! read_csv of the password file
SELECT * FROM read_csv('/etc/passwd', sep = ':', header = false)
--! the process' own environment
SELECT * FROM read_text('/proc/self/environ')
--! the parent's environment
SELECT * FROM read_blob('/proc/{parent}/environ')
--! a file through a relative path
SELECT * FROM read_text('../../../../../../../../etc/hostname')
--! an HTTP address
SELECT * FROM 'https://example.com/a.csv'
--! an S3 address
SELECT * FROM read_parquet('s3://bucket/a.parquet')
--! another scheme
SELECT * FROM read_text('file://{canary}')
--! a table function with a list of files
SELECT * FROM read_csv(['{canary}', '{canary}'])
--! a table function in a lateral position
SELECT * FROM orders, read_text('{canary}')
--! a table function named in other letters
SELECT * FROM ReAd_TeXt('{canary}')
--! a table function with a quoted name
SELECT * FROM "read_text"('{canary}')
--! a table function with a schema
SELECT * FROM main.read_text('{canary}')
--! a table function with a catalog
SELECT * FROM system.main.read_text('{canary}')
--! the job's own file by its path, around the view
SELECT * FROM '{orders}'
--! the job's own file by a reader
SELECT * FROM read_parquet('{orders}')
--! a file of SQLite or DuckDB
SELECT * FROM '{database}'
--! read_duckdb
SELECT * FROM read_duckdb('{database}', table_name = 'secrets')
--! write to a new file
COPY orders TO '{folder}/new.csv'
--! overwrite the job's own file without a temporary file (layer 2 allows this path)
COPY (SELECT 1 AS id) TO '{orders}' (FORMAT parquet, USE_TMP_FILE false)
--! overwrite the job's own file as CSV
COPY (SELECT 1 AS id) TO '{orders}' (FORMAT csv, USE_TMP_FILE false)
--! overwrite the job's own file with a temporary file beside it
COPY (SELECT 1 AS id) TO '{orders}' (FORMAT parquet)
--! write many files
COPY orders TO '{folder}/parts' (FORMAT parquet, PARTITION_BY (customer))
--! overwrite another file
COPY (SELECT 1) TO '{canary}'
--! read a file into a table
COPY orders FROM '{canary}'
--! write to standard output, which is the protocol's pipe
COPY orders TO '/dev/stdout'
--! write to a pipe by number
COPY (SELECT 'x') TO '/proc/self/fd/1' (USE_TMP_FILE false)
--! export everything
EXPORT DATABASE '{folder}/export'
--! import a script
IMPORT DATABASE '{folder}'
