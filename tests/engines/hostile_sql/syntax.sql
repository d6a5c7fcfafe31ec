--! two statements
SELECT 1; SELECT 2
--! a harmless statement, then a harmful one
SELECT 1; COPY orders TO '{folder}/new.csv'
--! the harmful one hidden after a comment
SELECT 1; /* nothing to see */ DROP VIEW orders
--! the harmful one after a line comment
SELECT 1; -- nothing to see
ATTACH '{database}' AS d
--! the harmful one first
DROP VIEW orders; SELECT 1
--! nothing
;
--! nothing but a comment
/* SELECT 1 */
--! an unclosed comment
SELECT 1 /* FROM
--! an unclosed string
SELECT 'x
--! an unclosed identifier
SELECT * FROM "orders
--! a comment that does not nest as it seems
SELECT /* /* */ 1 */ FROM '{canary}'
--! dollar quotes
SELECT $$a$$ FROM $$orders$$, '{canary}'
--! an escape string as a file name
SELECT * FROM E'{canary}'
--! a Unicode escape as a name
SELECT * FROM U&"\0068idden"
--! a no-break space as white space
SELECT{NBSP}*{NBSP}FROM{NBSP}hidden
--! an ideographic space as white space
SELECT{IDEOGRAPHIC}*{IDEOGRAPHIC}FROM{IDEOGRAPHIC}hidden
--! a zero-width space in a function name
SELECT * FROM read_{ZWSP}text('{canary}')
--! full-width letters in a function name
SELECT * FROM ｒead_text('{canary}')
--! the Kelvin sign, which Python lower-cases to k and DuckDB does not
SELECT * FROM {KELVIN}pis
--! a NUL byte that could end the text early
SELECT 1 {NUL}; DROP VIEW orders
--! a NUL byte in a file name
SELECT * FROM '{canary}{NUL}.parquet'
--! half a surrogate pair
SELECT '{SURROGATE}'
--! a right-to-left override
SELECT * FROM {RLO}neddih
--! a byte-order mark, then a harmful statement
{BOM}DROP VIEW orders
--! prepare
PREPARE p AS SELECT * FROM '{canary}'
--! execute
EXECUTE p
--! deallocate
DEALLOCATE p
--! a parameter
SELECT ?
--! a numbered parameter
SELECT $1
--! a named parameter
SELECT $name
--! a PIVOT whose columns come from the data creates a type
PIVOT orders ON customer USING sum(amount)
--! the same in a subquery
SELECT * FROM (PIVOT orders ON customer USING sum(amount))
--! the same in a CTE
WITH p AS (PIVOT orders ON customer USING sum(amount)) FROM p
--! a PIVOT over an enum type
PIVOT orders ON customer IN mood USING sum(amount)
--! a script of the command line shell
.read {canary}
--! a shell command of the command line shell
.shell id
--! a psql command
\copy orders TO 'x'
--! EXECUTE IMMEDIATE
EXECUTE IMMEDIATE 'SELECT 1'
--! a DO block
DO $$ BEGIN END $$
--! LOAD DATA
LOAD DATA INFILE '{canary}' INTO TABLE orders
--! SELECT INTO OUTFILE
SELECT * FROM orders INTO OUTFILE '{folder}/new.csv'
--! a language that is not SQL
import os; os.system('id')
--! a union that seems to end the statement
SELECT 1) UNION ALL (SELECT secret FROM hidden
--! the same, to escape the brackets around a query
SELECT 1) AS t; DROP VIEW orders; SELECT * FROM (SELECT 1
--! an alias does not make a table
SELECT * FROM hidden AS orders
--! a column list does not either
SELECT * FROM hidden orders(id)
--! a join in brackets
SELECT * FROM (orders CROSS JOIN hidden)
--! a positional join
SELECT * FROM orders POSITIONAL JOIN hidden
--! an ASOF join
SELECT * FROM orders ASOF JOIN hidden ON orders.id >= hidden.id
--! a semi join tells whether a value is there
SELECT * FROM orders SEMI JOIN hidden USING (id)
