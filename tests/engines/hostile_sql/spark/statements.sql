--! calls any Java method
SELECT reflect('java.lang.System', 'getenv', 'HOME')
--! by its other name
SELECT java_method('java.lang.System', 'exit', 1)
--! in a way that does not fail
SELECT try_reflect('java.lang.Runtime', 'getRuntime')
--! with quotes
SELECT `reflect`('java.lang.System', 'getenv', 'HOME')
--! with the schema of built-in functions
SELECT system.builtin.reflect('java.lang.System', 'getenv', 'HOME')
--! an environment variable
SELECT '${{env:HOME}}'
--! a property of the Java machine
SELECT '${{system:user.home}}'
--! a setting
SELECT '${{spark:spark.app.id}}'
--! a variable that would be SQL
SELECT ${{hiveconf:x}}
--! a variable outside of quotes
SELECT * FROM ${{env:VOYANT_CANARY}}
--! in a name
SELECT 1 AS `${{env:HOME}}`
--! a file as a table
SELECT * FROM parquet.`{canary_parquet}`
--! a text file
SELECT * FROM text.`{canary}`
--! a CSV file
SELECT * FROM csv.`{canary}`
--! a JSON file
SELECT * FROM json.`{canary}`
--! a binary file
SELECT * FROM binaryFile.`{canary}`
--! an Avro file
SELECT * FROM avro.`{canary}`
--! a Delta table
SELECT * FROM delta.`{folder}`
--! the same in a join
SELECT * FROM orders JOIN text.`{canary}` ON true
--! the same in a subquery
SELECT (SELECT max(value) FROM text.`{canary}`)
--! the same in a CTE
WITH c AS (SELECT * FROM text.`{canary}`) SELECT * FROM c
--! a reader of files
SELECT * FROM read_files('{canary}')
--! a reader of Kafka
SELECT * FROM read_kafka('x')
--! the file that a row is from
SELECT input_file_name() FROM orders
--! its first byte
SELECT input_file_block_start() FROM orders
--! its length
SELECT input_file_block_length() FROM orders
--! the hidden column of files
SELECT o._metadata.file_path FROM orders o, hidden
--! who we are
SELECT current_user()
--! the same without brackets
SELECT current_user
--! by another name
SELECT session_user()
--! the operating system's user
SELECT user()
--! the catalog
SELECT current_catalog()
--! the database
SELECT current_database()
--! the version
SELECT version()
--! the partition
SELECT spark_partition_id() FROM orders
--! numbers that depend on the partition
SELECT monotonically_increasing_id() FROM orders
--! raises an error with text of one's own
SELECT raise_error('x')
--! asserts
SELECT assert_true(false)
--! calls a model
SELECT ai_query('model', 'prompt')
--! generates
SELECT ai_gen('prompt')
--! searches
SELECT * FROM vector_search(index => 'i', query => 'q')
--! opens an address
SELECT http_request(conn => 'c', method => 'GET', path => '/')
--! a secret
SELECT secret('scope', 'key')
--! a query of another database
SELECT * FROM remote_query('c', query => 'SELECT 1')
--! events
SELECT * FROM event_log('x')
--! reads an Avro schema from a registry
SELECT from_avro(customer, 'x', map('schema.registry.url', 'http://x')) FROM orders
--! reads a descriptor file
SELECT from_protobuf(customer, 'x', '{canary}') FROM orders
--! a script for each row
SELECT TRANSFORM(id) USING 'cat' AS (x) FROM orders
--! the same by its older names
FROM orders MAP id USING 'cat' AS x
--! reduce with a script
FROM orders REDUCE id USING 'cat' AS x
--! a hint
SELECT /*+ BROADCAST(hidden) */ * FROM orders
--! a hint with a number that makes a million files
SELECT /*+ REPARTITION(1000000) */ * FROM orders
--! a table by text
SELECT * FROM IDENTIFIER('hidden')
--! a function by text
SELECT IDENTIFIER('reflect')('java.lang.System', 'getenv', 'HOME')
--! a column by text
SELECT IDENTIFIER('id') FROM hidden
--! EXECUTE IMMEDIATE
EXECUTE IMMEDIATE 'SELECT * FROM hidden'
--! a script
BEGIN SELECT 1; END
--! insert
INSERT INTO hidden VALUES (1)
--! insert before SELECT
FROM orders INSERT OVERWRITE TABLE hidden SELECT *
--! overwrite a folder
INSERT OVERWRITE DIRECTORY '{folder}/new' USING csv SELECT * FROM orders
--! create a table at a path
CREATE TABLE x USING csv LOCATION '{folder}/new' AS SELECT 1
--! a temporary view over a file
CREATE TEMPORARY VIEW v USING csv OPTIONS (path '{canary}')
--! a function of a jar
CREATE FUNCTION f AS 'x.Y' USING JAR '{folder}/x.jar'
--! a jar
ADD JAR '{folder}/x.jar'
--! a file
ADD FILE '{canary}'
--! the files added
LIST FILES
--! a setting
SET spark.sql.runSQLOnFiles = true
--! all settings
SET -v
--! reset
RESET
--! a variable
DECLARE VARIABLE x INT DEFAULT 1
--! a variable's value
SET VAR x = 2
--! cache
CACHE TABLE orders
--! uncache
UNCACHE TABLE orders
--! clear the cache of everybody
CLEAR CACHE
--! refresh a path
REFRESH '{folder}'
--! load data
LOAD DATA LOCAL INPATH '{canary}' INTO TABLE hidden
--! analyze
ANALYZE TABLE hidden COMPUTE STATISTICS
--! show
SHOW TABLES
--! describe
DESCRIBE EXTENDED orders
--! explain
EXPLAIN CODEGEN SELECT 1
--! the catalog's other tables
SELECT * FROM default.hidden
--! with the catalog
SELECT * FROM spark_catalog.default.hidden
--! a global temporary view
SELECT * FROM global_temp.hidden
--! the plain name
SELECT * FROM hidden
--! an old version
SELECT * FROM orders VERSION AS OF 1
--! an old time
SELECT * FROM orders TIMESTAMP AS OF '2024-01-01'
--! an old version behind the name
SELECT * FROM `orders@v1`
--! a CTE does not see itself
WITH hidden AS (SELECT * FROM hidden) SELECT * FROM hidden
--! recursion that Spark 4.0 does not know reads the table
WITH RECURSIVE hidden AS (SELECT 1 AS i UNION ALL SELECT i FROM hidden) SELECT * FROM hidden
--! a table as an argument
SELECT * FROM udtf(TABLE(hidden))
--! a table with partitioning as an argument
SELECT * FROM udtf(TABLE(SELECT * FROM hidden) PARTITION BY id)
--! a table function behind LATERAL VIEW
SELECT * FROM orders LATERAL VIEW reflect('a', 'b') r AS x
--! a user's function with a schema
SELECT default.leak(id) FROM orders
--! a user's function
SELECT leak(id) FROM orders
--! a forbidden function in a lambda
SELECT transform(array(1), x -> reflect('java.lang.System', 'getenv', 'HOME'))
--! pipes
FROM hidden |> SELECT secret
--! pipes that write a filter
SELECT * FROM orders |> WHERE reflect('a', 'b') = 'c'
--! a parameter
SELECT :x
--! a question mark
SELECT ?
--! a string that ends later than it seems
SELECT 'x\' , reflect("java.lang.System", "getenv", "HOME") , \''
--! a string in double quotes
SELECT "x\" , reflect('java.lang.System', 'getenv', 'HOME') , \""
--! raw strings
SELECT r'x\', reflect('java.lang.System', 'getenv', 'HOME'), r'\'
--! a name in quotes that holds quotes
SELECT `x``, reflect('a', 'b') AS ``y` FROM hidden
--! a full-width letter
SELECT ｒeflect('java.lang.System', 'getenv', 'HOME')
--! time travel by option
SELECT * FROM orders WITH (versionAsOf = 1)
--! options of a table
SELECT * FROM hidden WITH (x = 'y')
