--! reads a file of the server
SELECT pg_read_file('/etc/passwd')
--! reads a file as bytes
SELECT pg_read_binary_file('/etc/passwd')
--! lists a folder
SELECT * FROM pg_ls_dir('/')
--! lists the log folder
SELECT * FROM pg_ls_logdir()
--! lists the write-ahead log
SELECT * FROM pg_ls_waldir()
--! tells size and times of a file
SELECT * FROM pg_stat_file('postgresql.conf')
--! shows where a table's file is
SELECT pg_relation_filepath('orders')
--! shows the log's file
SELECT pg_current_logfile()
--! makes a large object of a file
SELECT lo_import('/etc/passwd')
--! writes a large object to a file
SELECT lo_export(16400, '{folder}/new.txt')
--! makes a large object of bytes
SELECT lo_from_bytea(0, 'x')
--! creates a large object
SELECT lo_create(4242)
--! writes into one
SELECT lo_put(4242, 0, 'x')
--! reads one
SELECT lo_get(4242)
--! deletes one
SELECT lo_unlink(4242)
--! connects to another database
SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS t(i int)
--! runs a command in another database
SELECT dblink_exec('host=127.0.0.1', 'DROP TABLE secrets')
--! opens a connection that lasts
SELECT dblink_connect('host=127.0.0.1')
--! runs SQL and returns XML
SELECT query_to_xml('SELECT * FROM secrets', true, false, '')
--! runs SQL and returns a schema
SELECT query_to_xmlschema('SELECT * FROM secrets', true, false, '')
--! the same with both
SELECT query_to_xml_and_xmlschema('SELECT 1', true, false, '')
--! reads a table by its name in text
SELECT table_to_xml('secrets', true, false, '')
--! reads a schema by its name
SELECT schema_to_xml('public', true, false, '')
--! reads the database
SELECT database_to_xml(true, false, '')
--! reads a cursor
SELECT cursor_to_xml('voyant', 1, true, false, '')
--! runs SQL for text statistics
SELECT * FROM ts_stat('SELECT to_tsvector(secret) FROM secrets')
--! runs SQL to rewrite a text query
SELECT ts_rewrite('a'::tsquery, 'SELECT a, b FROM secrets')
--! crosstab runs SQL
SELECT * FROM crosstab('SELECT 1, 2, 3') AS t(a int, b int)
--! sleeps
SELECT pg_sleep(100)
--! sleeps for an interval
SELECT pg_sleep_for('5 minutes')
--! sleeps until
SELECT pg_sleep_until('tomorrow')
--! sleeps, with its schema
SELECT pg_catalog.pg_sleep(100)
--! sleeps, quoted
SELECT "pg_sleep"(100)
--! sleeps, in another case
SELECT Pg_SLEEP(100)
--! sleeps, in FROM
SELECT * FROM pg_sleep(100)
--! sleeps, in a lateral join
SELECT * FROM orders, LATERAL pg_sleep(id)
--! sleeps, in ROWS FROM
SELECT * FROM ROWS FROM (pg_sleep(1), pg_sleep(2))
--! ends another session
SELECT pg_terminate_backend(1)
--! cancels another session's query
SELECT pg_cancel_backend(1)
--! reloads the configuration
SELECT pg_reload_conf()
--! rotates the log
SELECT pg_rotate_logfile()
--! promotes a standby
SELECT pg_promote()
--! switches the write-ahead log
SELECT pg_switch_wal()
--! makes a restore point
SELECT pg_create_restore_point('x')
--! makes a replication slot, which fills the disk
SELECT pg_create_physical_replication_slot('x')
--! drops a replication slot
SELECT pg_drop_replication_slot('x')
--! writes to the write-ahead log
SELECT pg_logical_emit_message(false, 'x', 'y')
--! starts a backup
SELECT pg_backup_start('x')
--! takes a lock that outlives the query
SELECT pg_advisory_lock(1)
--! takes one that lasts as long as the transaction
SELECT pg_advisory_xact_lock(1)
--! tries to
SELECT pg_try_advisory_lock(1)
--! unlocks all
SELECT pg_advisory_unlock_all()
--! notifies whoever listens
SELECT pg_notify('channel', 'payload')
--! logs memory contexts
SELECT pg_log_backend_memory_contexts(1)
--! resets statistics
SELECT pg_stat_reset()
--! exports a snapshot
SELECT pg_export_snapshot()
--! imports collations
SELECT pg_import_system_collations('pg_catalog')
--! marks an extension's table for dumps
SELECT pg_extension_config_dump('orders', '')
--! reads a sequence and moves it
SELECT nextval('orders_id_seq')
--! moves a sequence
SELECT setval('orders_id_seq', 1000)
--! the last value of a sequence
SELECT lastval()
--! changes a setting
SELECT set_config('transaction_read_only', 'off', false)
--! changes the search path
SELECT set_config('search_path', 'public', false)
--! changes a setting by an update of a view
UPDATE pg_settings SET setting = '0' WHERE name = 'statement_timeout'
--! reads a setting
SELECT current_setting('data_directory')
--! reads all settings with a file's name
SELECT * FROM pg_show_all_settings()
--! reads the configuration files
SELECT * FROM pg_show_all_file_settings()
--! reads who may log in
SELECT * FROM pg_hba_file_rules()
