--! set
SET memory_limit = '100GB'
--! set global
SET GLOBAL threads = 64
--! switch file access on again
SET enable_external_access = true
--! unlock
SET lock_configuration = false
--! allow a folder
SET allowed_directories = ['/']
--! allow a file
SET allowed_paths = ['{canary}']
--! move the folder for spilling
SET temp_directory = '{folder}'
--! log queries to a file
SET log_query_path = '{folder}/log'
--! profile to a file
PRAGMA profiling_output = '{folder}/profile.json'
--! read Python variables
SET python_enable_replacements = true
--! search path
SET search_path = 'warehouse'
--! session variable
SET VARIABLE x = 1
--! session variable from a file
SET VARIABLE x = (SELECT max(secret) FROM '{canary}')
--! reset
RESET memory_limit
--! use
USE memory
--! pragma
PRAGMA enable_profiling
--! pragma that writes
PRAGMA force_checkpoint
--! pragma with a table
PRAGMA table_info('orders')
--! pragma that shows paths
PRAGMA database_list
--! pragma version
PRAGMA version
--! call of a table function
CALL duckdb_tables()
--! call of a reader
CALL read_text('{canary}')
--! current_setting
SELECT current_setting('allowed_paths')
--! current_setting of the folder
SELECT current_setting('temp_directory')
--! set_config as in PostgreSQL
SELECT set_config('memory_limit', '100GB', false)
--! enable_logging
SELECT * FROM enable_logging()
--! enable_logging with a storage path
CALL enable_logging(storage = 'file', storage_config = {{'path': '{folder}'}})
--! enable_profiling
SELECT * FROM enable_profiling()
--! write_log
SELECT write_log('x')
--! getvariable
SELECT getvariable('x')
--! current_query
SELECT current_query()
--! in_search_path
SELECT in_search_path('memory', 'main')
--! current_schemas
SELECT current_schemas(true)
--! setseed changes later results
SELECT setseed(0.5)
--! txid_current
SELECT txid_current()
