"""Which honest questions must the guard let through, and what are the answers, by hand?"""

# ruff: noqa: E501, ISC004 - a query reads best as it is written

from __future__ import annotations

ORDERS = """
    SELECT * FROM (VALUES
        (1, 'ann', 'north', 10.0::DOUBLE, DATE '2024-01-05', ['a', 'b'], '{"x": 1}'),
        (2, 'bob', 'north', 20.0, DATE '2024-01-20', ['a'],      '{"x": 2}'),
        (3, 'ann', 'south', 30.0, DATE '2024-02-10', [],         '{"x": 3}'),
        (4, 'cid', 'south', 40.0, DATE '2024-02-11', ['c'],      '{"x": null}'),
        (5, 'bob', 'north', 50.0, DATE '2024-03-01', ['b', 'c'], '{"y": 5}'),
        (6, 'ann', 'south', NULL, DATE '2024-03-15', NULL,       NULL)
    ) t(id, customer, region, amount, ordered, tags, info)
"""

LEGITIMATE = {
    "one number": ("SELECT count(*) FROM orders", [(6,)]),
    "sum and mean skip nulls": ("SELECT sum(amount), avg(amount) FROM orders", [(150.0, 30.0)]),
    "group by": (
        "SELECT region, count(*) n FROM orders GROUP BY region ORDER BY region",
        [("north", 3), ("south", 3)],
    ),
    "group by all, having": (
        "SELECT customer, sum(amount) s FROM orders GROUP BY ALL HAVING s > 40 ORDER BY ALL",
        [("bob", 70.0)],
    ),
    "count distinct": ("SELECT count(DISTINCT customer) FROM orders", [(3,)]),
    "filter clause": (
        "SELECT count(*) FILTER (region = 'north'), sum(amount) FILTER (id > 3) FROM orders",
        [(3, 90.0)],
    ),
    "case": (
        "SELECT CASE WHEN amount >= 30 THEN 'big' WHEN amount IS NULL THEN 'none' ELSE 'small' END "
        "size, count(*) FROM orders GROUP BY size ORDER BY size",
        [("big", 3), ("none", 1), ("small", 2)],
    ),
    "running total": (
        "SELECT id, sum(amount) OVER (ORDER BY ordered) FROM orders ORDER BY id LIMIT 3",
        [(1, 10.0), (2, 30.0), (3, 60.0)],
    ),
    "moving average over rows": (
        "SELECT avg(amount) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders "
        "ORDER BY id LIMIT 3",
        [(10.0,), (15.0,), (25.0,)],
    ),
    "moving sum over a range of days": (
        "SELECT id, sum(amount) OVER (ORDER BY ordered RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND "
        "CURRENT ROW) FROM orders ORDER BY id OFFSET 2 LIMIT 2",
        [(3, 30.0), (4, 70.0)],
    ),
    "lag and lead": (
        "SELECT lag(id) OVER w, lead(id, 2, -1) OVER w FROM orders WINDOW w AS (ORDER BY id) "
        "ORDER BY id LIMIT 2",
        [(None, 3), (1, 4)],
    ),
    "ranks": (
        "SELECT id, rank() OVER w, dense_rank() OVER w, row_number() OVER w, ntile(2) OVER w "
        "FROM orders WINDOW w AS (ORDER BY region) ORDER BY region, id LIMIT 4",
        [(1, 1, 1, 1, 1), (2, 1, 1, 2, 1), (5, 1, 1, 3, 1), (3, 4, 2, 4, 2)],
    ),
    "first and last in a partition": (
        "SELECT DISTINCT region, first_value(id) OVER w, last_value(id) OVER w FROM orders WINDOW w "
        "AS (PARTITION BY region ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED "
        "FOLLOWING) ORDER BY region",
        [("north", 1, 5), ("south", 3, 6)],
    ),
    "qualify": (
        "SELECT region, id FROM orders QUALIFY row_number() OVER (PARTITION BY region ORDER BY "
        "amount DESC NULLS LAST) = 1 ORDER BY region",
        [("north", 5), ("south", 4)],
    ),
    "share of the total": (
        "SELECT region, sum(amount) / sum(sum(amount)) OVER () FROM orders GROUP BY 1 ORDER BY 1",
        [("north", 80 / 150), ("south", 70 / 150)],
    ),
    "CTEs": (
        "WITH big AS (SELECT * FROM orders WHERE amount > 15), by_region AS (SELECT region, count(*) "
        "n FROM big GROUP BY region) SELECT max(n) FROM by_region",
        [(2,)],
    ),
    "recursive CTE": (
        "WITH RECURSIVE months AS (SELECT DATE '2024-01-01' m UNION ALL SELECT m + INTERVAL 1 MONTH "
        "FROM months WHERE m < DATE '2024-03-01') SELECT count(*), max(m)::DATE FROM months",
        [(3, "2024-03-01")],
    ),
    "calendar with gaps filled": (
        "SELECT m::DATE, count(id) FROM range(DATE '2024-01-01', DATE '2024-05-01', INTERVAL 1 MONTH) "
        "c(m) LEFT JOIN orders ON date_trunc('month', ordered) = m GROUP BY m ORDER BY m",
        [("2024-01-01", 2), ("2024-02-01", 2), ("2024-03-01", 2), ("2024-04-01", 0)],
    ),
    "rollup": (
        "SELECT region, sum(amount), grouping(region) FROM orders GROUP BY ROLLUP (region) "
        "ORDER BY region NULLS LAST",
        [("north", 80.0, 0), ("south", 70.0, 0), (None, 150.0, 1)],
    ),
    "cube": (
        "SELECT count(*) FROM (SELECT 1 FROM orders GROUP BY CUBE (region, customer))",
        # 4 pairs that occur + 2 regions + 3 customers + everything
        [(10,)],
    ),
    "grouping sets": (
        "SELECT region, customer, count(*) FROM orders GROUP BY GROUPING SETS ((region), (customer)) "
        "ORDER BY ALL NULLS LAST",
        [
            ("north", None, 3),
            ("south", None, 3),
            (None, "ann", 3),
            (None, "bob", 2),
            (None, "cid", 1),
        ],
    ),
    "pivot": (
        "PIVOT orders ON region IN ('north', 'south') USING sum(amount) GROUP BY customer "
        "ORDER BY customer",
        [("ann", 10.0, 30.0), ("bob", 70.0, None), ("cid", None, 40.0)],
    ),
    "pivot in a subquery, standard SQL": (
        "SELECT north FROM (SELECT region, id FROM orders) PIVOT (count(id) FOR region IN ('north'))",
        [(3,)],
    ),
    "unpivot": (
        "SELECT name, sum(value) FROM (UNPIVOT (SELECT id::DOUBLE a, amount b FROM orders) ON a, b) "
        "GROUP BY name ORDER BY name",
        [("a", 21.0), ("b", 150.0)],
    ),
    "quantiles": (
        "SELECT median(amount), quantile_cont(amount, 0.25), quantile_disc(amount, 0.5) FROM orders",
        [(30.0, 20.0, 30.0)],
    ),
    "several quantiles at once": (
        "SELECT unnest(quantile_cont(amount, [0.0, 0.5, 1.0])) FROM orders",
        [(10.0,), (30.0,), (50.0,)],
    ),
    "date arithmetic": (
        "SELECT date_diff('day', min(ordered), max(ordered)), max(ordered) - min(ordered), "
        "(min(ordered) + INTERVAL 1 MONTH)::DATE FROM orders",
        [(70, 70, "2024-02-05")],
    ),
    "parts of dates": (
        "SELECT extract(year FROM ordered), month(ordered), strftime(ordered, '%Y-%m'), "
        "dayname(ordered), last_day(ordered) FROM orders WHERE id = 3",
        [(2024, 2, "2024-02", "Saturday", "2024-02-29")],
    ),
    "time zones": (
        "SELECT (TIMESTAMP '2024-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin') t, "
        "TIMESTAMP '2024-07-01 12:00:00.5'",
        [("2024-07-01T10:00:00+00", "2024-07-01T12:00:00.5")],
    ),
    "list aggregates": (
        "SELECT list(id ORDER BY id DESC), string_agg(customer, ',' ORDER BY id) FROM orders "
        "WHERE region = 'north'",
        [("[5, 2, 1]", "ann,bob,bob")],
    ),
    "unnested lists": (
        "SELECT tag, count(*) FROM (SELECT unnest(tags) tag FROM orders) GROUP BY tag ORDER BY tag",
        [("a", 2), ("b", 2), ("c", 2)],
    ),
    "list functions and lambdas": (
        "SELECT len(tags), list_contains(tags, 'a'), list_transform(tags, lambda x: upper(x)) FROM orders "
        "WHERE id = 1",
        [(2, True, "[A, B]")],
    ),
    "list comprehension": ("SELECT list_sum([x * 2 for x in [1, 2, 3] if x > 1])", [(10,)]),
    "maxima by another column": (
        "SELECT arg_max(customer, amount), max_by(id, ordered), mode(customer) FROM orders",
        [("bob", 6, "ann")],
    ),
    "regular expressions": (
        "SELECT regexp_extract('order-123', '(\\d+)', 1), regexp_replace('a b', '\\s', '_'), "
        "count(*) FROM orders WHERE regexp_matches(customer, '^[ab]')",
        [("123", "a_b", 5)],
    ),
    "strings": (
        "SELECT upper(customer) || '-' || lpad(id::VARCHAR, 3, '0'), customer[1:2], length(customer), "
        "split_part('a/b/c', '/', 2), trim('  x '), replace('aa', 'a', 'b') FROM orders WHERE id = 4",
        [("CID-004", "ci", 3, "b", "x", "bb")],
    ),
    "like and ilike": (
        "SELECT count(*) FROM orders WHERE customer ILIKE 'A%' AND customer NOT LIKE '%z'",
        [(3,)],
    ),
    "JSON": (
        "SELECT info::JSON ->> '$.x', json_extract(info, '$.x')::INT, info->>'y' FROM orders "
        "WHERE id IN (1, 5) ORDER BY id",
        [("1", 1, None), (None, None, "5")],
    ),
    "joins": (
        "SELECT a.id, b.id FROM orders a JOIN orders b USING (customer, region) WHERE a.id < b.id "
        "ORDER BY ALL",
        [(2, 5), (3, 6)],
    ),
    "anti join": (
        "SELECT id FROM orders a WHERE NOT EXISTS (FROM orders b WHERE b.customer = a.customer AND "
        "b.id <> a.id)",
        [(4,)],
    ),
    "asof join": (
        "SELECT q.d::DATE, o.id FROM (VALUES (DATE '2024-02-01'), (DATE '2024-03-02')) q(d) ASOF JOIN "
        "orders o ON q.d >= o.ordered ORDER BY 1",
        [("2024-02-01", 2), ("2024-03-02", 5)],
    ),
    "set operations": (
        "(SELECT customer FROM orders WHERE region = 'north' INTERSECT SELECT customer FROM orders "
        "WHERE region = 'south') UNION ALL SELECT 'z' ORDER BY 1",
        [("ann",), ("z",)],
    ),
    "correlation and regression": (
        "SELECT round(corr(id, amount), 6), regr_slope(amount, id) FROM orders",
        [(1.0, 10.0)],
    ),
    "spread": ("SELECT stddev_samp(amount) ** 2, var_pop(amount) FROM orders", [(250.0, 200.0)]),
    "nulls": (
        "SELECT count(*) - count(amount), coalesce(max(amount) FILTER (id = 6), -1), "
        "nullif(1, 1), ifnull(NULL, 2), 1 IS DISTINCT FROM NULL FROM orders",
        [(1, -1.0, None, 2, True)],
    ),
    "columns by pattern": ("SELECT min(COLUMNS('^(id|amount)$')) FROM orders", [(1, 10.0)]),
    "exclude and replace": (
        "SELECT * EXCLUDE (tags, info, ordered) REPLACE (amount * 2 AS amount) FROM orders LIMIT 1",
        [(1, "ann", "north", 20.0)],
    ),
    "distinct on": (
        "SELECT DISTINCT ON (region) region, id FROM orders ORDER BY region, id DESC",
        [("north", 5), ("south", 6)],
    ),
    "FROM first": ("FROM orders SELECT id WHERE amount > 45", [(5,)]),
    "time buckets": (
        "SELECT time_bucket(INTERVAL 1 MONTH, ordered) b, count(*) FROM orders GROUP BY b ORDER BY b "
        "LIMIT 1",
        [("2024-01-01", 2)],
    ),
    "retention in one query": (
        "WITH firsts AS (SELECT customer, min(date_trunc('month', ordered)) c FROM orders GROUP BY 1) "
        "SELECT date_diff('month', c, date_trunc('month', ordered)) age, count(DISTINCT customer) "
        "FROM orders JOIN firsts USING (customer) GROUP BY age ORDER BY age",
        # month 0: ann, bob, cid; month 1: ann; month 2: ann, bob
        [(0, 3), (1, 1), (2, 2)],
    ),
}
