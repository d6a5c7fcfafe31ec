-- The tables that generators get wrong, each for a reason. Every one is deterministic.

-- empty: columns, but no rows.
CREATE TABLE "empty" (id BIGINT, name VARCHAR, amount DOUBLE, "at" TIMESTAMP);

-- one_row: no spread, no pairs.
CREATE TABLE one_row AS
SELECT 1::BIGINT AS id, 'a' AS name, 1.5::DOUBLE AS amount, TIMESTAMP '2024-01-01 00:00:00' AS "at";

-- all_null: rows, but not one value.
CREATE TABLE all_null AS
SELECT NULL::BIGINT AS number, NULL::VARCHAR AS text, NULL::DOUBLE AS share, NULL::DATE AS day
FROM range(10);

-- constant: one value, again and again.
CREATE TABLE constant AS
SELECT 7::INTEGER AS number, 'x' AS text, 0.0::DOUBLE AS zero, true AS yes, DATE '2024-02-29' AS day
FROM range(40);

-- not_finite: NaN and the infinities, among numbers and alone.
CREATE TABLE not_finite AS
SELECT
  CASE i % 4 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'Infinity'::DOUBLE
             WHEN 2 THEN '-Infinity'::DOUBLE ELSE i END AS mixed,
  'NaN'::DOUBLE AS only_nan,
  'Infinity'::FLOAT AS only_infinity
FROM range(40) AS t(i);

-- wide: 300 columns, and more pairs of numbers among them than anyone wants to correlate. Most are
-- yes or no, which an engine measures faster.
CREATE TABLE wide AS
SELECT
  COLUMNS('^column_..0$'),
  (COLUMNS('^column_..[1-9]$') = 0) AS '\0'
FROM (PIVOT (
  SELECT 'column_' || lpad(c::VARCHAR, 3, '0') AS name, r, (c * r) % 11 AS cell
  FROM range(300) AS a(c), range(40) AS b(r)
) ON name USING first(cell) ORDER BY r);

-- Names and values that try to leave a page, a path or a query.
CREATE TABLE "say ""hi"" <voyant-hostile>; DROP TABLE x; --" AS
SELECT
  i AS "select",
  i AS " ",
  i AS "with space",
  i AS "it's ""quoted""",
  i AS "../../etc/passwd",
  i AS "🦊 naïve",
  i AS "<voyant-hostile>",
  i AS "<script><voyant-hostile>alert(1)</script>",
  CASE i % 6
    WHEN 0 THEN '<voyant-hostile onclick="x()">'
    WHEN 1 THEN '</script><voyant-hostile>'
    WHEN 2 THEN '{{ 7 * 7 }} ${x} %s {0}'
    WHEN 3 THEN chr(8238) || 'reversed' || chr(8236)
    WHEN 4 THEN '"><img src=x onerror=alert(1)>'
    ELSE '=cmd|'' /C calc''!A0' END AS "value",
  repeat('long ', 400) || i AS long_text
FROM range(40) AS t(i);

-- decimals: more digits than a double holds.
CREATE TABLE decimals AS
SELECT
  (i || '.01')::DECIMAL(38, 2) AS amount,
  '99999999999999999999999999999999999999'::DECIMAL(38, 0) - i AS large,
  '170141183460469231731687303715884105727'::HUGEINT - i AS huge,
  9007199254740993::BIGINT + i AS above_double
FROM range(40) AS t(i);

-- times: zones, far ends, a day that a clock change skips, gaps.
CREATE TABLE times AS
SELECT
  TIMESTAMPTZ '2024-03-31 00:30:00+00' + to_minutes(i * 30) AS zoned,
  TIMESTAMP '1969-12-31 23:59:59.999999' + to_days((i * i)::INTEGER) AS gaps,
  CASE i WHEN 0 THEN DATE '0001-01-01' WHEN 1 THEN DATE '9999-12-31'
         ELSE DATE '2024-02-27' + i::INTEGER END AS far,
  TIME '23:59:59.5' AS clock,
  to_days(i::INTEGER) AS span
FROM range(40) AS t(i);

-- nested: values that hold several, and types without an order anyone expects.
CREATE TABLE nested AS
SELECT
  [i, NULL, i + 1] AS list,
  {'a': i, 'b': {'c': 'x' || i}} AS struct,
  MAP {'k' || i: i} AS map,
  ('00000000-0000-0000-0000-' || lpad(i::VARCHAR, 12, '0'))::UUID AS uuid,
  (CASE i % 2 WHEN 0 THEN 'red' ELSE 'blue' END)::ENUM ('red', 'green', 'blue') AS choice
FROM range(40) AS t(i);

-- blobs: bytes that are no text.
CREATE TABLE blobs AS
SELECT
  CASE i % 3 WHEN 0 THEN '\x00\xFF\xFE'::BLOB WHEN 1 THEN ''::BLOB ELSE NULL END AS bytes,
  CASE i % 2 WHEN 0 THEN '' ELSE '   ' END AS blank
FROM range(40) AS t(i);

-- duplicates: rows and keys that repeat.
CREATE TABLE duplicates AS
SELECT i % 3 AS id, 'same' AS name FROM range(40) AS t(i);

-- orders: an ordinary one, so that a generator cannot pass by doing nothing.
CREATE TABLE orders AS
SELECT
  i AS order_id,
  i % 7 AS customer_id,
  (i % 13) * 1.25 AS amount,
  ['new', 'paid', 'sent'][1 + i % 3] AS status,
  DATE '2024-01-01' + (i // 2)::INTEGER AS ordered_on
FROM range(400) AS t(i);
