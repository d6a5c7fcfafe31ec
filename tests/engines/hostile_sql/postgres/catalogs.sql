--! password hashes
SELECT rolname, rolpassword FROM pg_authid
--! the same, with its schema
SELECT * FROM pg_catalog.pg_authid
--! the same by the older view
SELECT * FROM pg_shadow
--! roles
SELECT * FROM pg_roles
--! settings
SELECT * FROM pg_settings
--! most common values of other tables
SELECT most_common_vals FROM pg_stats WHERE tablename = 'secrets'
--! sessions and the SQL they run
SELECT query FROM pg_stat_activity
--! subscriptions hold passwords
SELECT subconninfo FROM pg_subscription
--! foreign servers' passwords
SELECT umoptions FROM pg_user_mappings
--! source code of functions
SELECT prosrc FROM pg_proc
--! large objects
SELECT data FROM pg_largeobject
--! information_schema
SELECT * FROM information_schema.tables
--! a table of the same database that the job does not name
SELECT * FROM secrets
--! with its schema
SELECT * FROM public.secrets
--! with its catalog
SELECT * FROM postgres.public.secrets
--! with quotes
SELECT * FROM "public"."secrets"
--! without SELECT
TABLE secrets
--! ONLY
SELECT * FROM ONLY secrets
--! a CTE of the same name does not see itself
WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets
--! nor does that of a catalog's
WITH pg_authid AS (SELECT * FROM pg_authid) SELECT * FROM pg_authid
--! the first half of a recursive CTE
WITH RECURSIVE secrets AS (SELECT secret FROM secrets UNION ALL SELECT secret FROM secrets WHERE false) SELECT * FROM secrets
--! a CTE that comes later
WITH a AS (SELECT * FROM pg_shadow), pg_shadow AS (SELECT 1) SELECT * FROM a
--! an object's name becomes its number
SELECT 'secrets'::regclass
--! and the other way round
SELECT CAST(16384 AS regclass)
--! a function's name
SELECT 'pg_sleep'::regproc
--! a role's name
SELECT 'postgres'::regrole
--! to_regclass tells whether a table is there
SELECT to_regclass('secrets')
--! sizes of other tables
SELECT pg_relation_size('secrets')
--! privileges
SELECT has_table_privilege('secrets', 'SELECT')
--! a view's text
SELECT pg_get_viewdef('orders')
--! a function's text
SELECT pg_get_functiondef(1)
--! comments
SELECT obj_description(1, 'pg_class')
--! who we are
SELECT current_user
--! who logged in
SELECT session_user
--! the database
SELECT current_database()
--! the schema
SELECT current_schema
--! the schemas searched
SELECT current_schemas(true)
--! the catalog
SELECT current_catalog
--! the version
SELECT version()
--! the server's address
SELECT inet_server_addr()
--! our process
SELECT pg_backend_pid()
--! transaction numbers are used up
SELECT pg_current_xact_id()
--! a function called as if it were a column: of the whole row
SELECT o.leak FROM orders o
--! the same in brackets
SELECT (o).leak FROM orders o
--! the same by the table's name
SELECT orders.leak FROM orders
--! the same hidden behind an alias used twice
SELECT (SELECT o.leak FROM (SELECT 1 AS leak) x) FROM orders o
--! a column with a path that is none
SELECT x.orders.leak FROM orders
--! the same behind a join in brackets
SELECT o.leak FROM (orders o CROSS JOIN orders p)
--! the same in a lateral subquery
SELECT t.x FROM orders o, LATERAL (SELECT o.leak AS x) t
