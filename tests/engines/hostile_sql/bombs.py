"""Which harmless-looking queries eat all the time or memory they are given?"""

# ruff: noqa: E501 - a query reads best as it is written

from __future__ import annotations

BOMBS = {
    "list_sort ignores interrupt": "SELECT list_sort(range(100_000_000))",
    "list_sort in many small pieces": (
        "SELECT sum(len(list_sort(list_transform(range(50000), lambda x: hash(x + i))))) "
        "FROM range(100000) t(i)"
    ),
    "list_reverse_sort": "SELECT list_reverse_sort(range(100_000_000))",
    "lpad": "SELECT lpad('x', 2_000_000_000, 'ab')",
    "rpad": "SELECT rpad('x', 2_000_000_000, 'ab')",
    "lpad of each row": "SELECT max(lpad(i::VARCHAR, 10_000_000, 'ab')) FROM range(1_000_000) t(i)",
    "levenshtein is quadratic": "SELECT levenshtein(repeat('a', 200_000), repeat('b', 200_000))",
    "damerau_levenshtein": (
        "SELECT damerau_levenshtein(repeat('ab', 100_000), repeat('ba', 100_000))"
    ),
    "jaccard": "SELECT sum(jaccard(repeat('ab', 1_000_000), i::VARCHAR)) FROM range(1_000_000) t(i)",
    "format": "SELECT format('{:>2000000000}', 1)",
    "printf": "SELECT printf('%2000000000d', 1)",
    "repeat": "SELECT repeat('x', 4_000_000_000)",
    "repeat of repeat": "SELECT repeat(repeat('x', 60_000), 60_000)",
    "replace grows": "SELECT replace(repeat('a', 10_000_000), 'a', repeat('b', 1000))",
    "regular expression": "SELECT regexp_replace(repeat('a', 50_000_000), '(a*)*b', 'x', 'g')",
    "cross join": "SELECT count(*) FROM range(10_000_000) a, range(10_000_000) b WHERE hash(a) = hash(b) + 1",
    "count of a huge range": "SELECT sum(hash(i)) FROM range(100_000_000_000) t(i)",
    "collect into a list": "SELECT list(i) FROM range(1_000_000_000) t(i)",
    "collect into a string": "SELECT string_agg(i::VARCHAR, ',') FROM range(1_000_000_000) t(i)",
    "histogram of everything": "SELECT histogram(i) FROM range(1_000_000_000) t(i)",
    "exact median": "SELECT median(hash(i)) FROM range(1_000_000_000) t(i)",
    "endless recursion": (
        "WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"
    ),
    "doubling recursion": (
        "WITH RECURSIVE r AS (SELECT 'x' s UNION ALL SELECT s || s FROM r) SELECT max(len(s)) FROM r"
    ),
    "window over everything": (
        "SELECT max(m) FROM (SELECT median(i) OVER (ORDER BY hash(i) ROWS BETWEEN 100000 PRECEDING "
        "AND CURRENT ROW) m FROM range(1_000_000_000) t(i))"
    ),
    "big rows": "SELECT repeat('x', 1_000_000) FROM range(1000)",
    "array of arrays": "SELECT [range(1_000_000) for x in range(1_000_000)]",
    "factorials": "SELECT sum(len(list_transform(range(1_000_000), lambda x: x ** i))) FROM range(10_000) t(i)",
    "JSON": "SELECT json_array_length(to_json(range(100_000_000)))",
    "long in-list of rows": "SELECT count(*) FROM range(3_000_000) a(i) JOIN range(3_000_000) b(j) ON i < j",
}
