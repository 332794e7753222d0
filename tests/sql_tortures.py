"""Queries that would take all of the machine's time or memory; each is a SELECT that the rules let pass."""
# ruff: noqa: E501, S608 a query is one line, and these are all ours

from __future__ import annotations

from typing import Final

TORTURES: Final = {
    "cross join": "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c WHERE a.range * b.range % 7 = c.range",
    "cross join of sums": "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
    "recursion without an end": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "recursion that doubles": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r, range(2)) SELECT count(*) FROM r",
    "recursion of text": "WITH RECURSIVE r(t) AS (SELECT 'x' UNION ALL SELECT t || t FROM r) SELECT max(length(t)) FROM r",
    "large sum": "SELECT sum(range) FROM range(1000000000000)",
    "sum of series": "SELECT sum(i * i) FROM generate_series(1, 100000000000) t(i)",
    "list of everything": "SELECT len(list(range)) FROM range(10000000000)",
    "text of everything": "SELECT length(string_agg(range::VARCHAR, ',')) FROM range(10000000000)",
    "repeated text": "SELECT length(repeat('x', 2000000000)) FROM range(1000000)",
    "repeated repetition": "SELECT length(repeat(repeat(repeat('x', 10000), 10000), 10000))",
    "padded text": "SELECT sum(length(lpad('x', 1000000000, 'y') || range)) FROM range(1000)",
    "large rows": "SELECT range, repeat('x', 1000000) FROM range(1000000)",
    "endless rows": "SELECT a.range, b.range, md5(a.range::VARCHAR) FROM range(10000000) a, range(10000000) b WHERE b.range < 0 AND md5(a.range::VARCHAR) = ''",
    "sort of billions": "SELECT * FROM (SELECT hash(range) h FROM range(10000000000) ORDER BY h) OFFSET 9000000000",
    "distinct billions": "SELECT count(DISTINCT hash(range)) FROM range(10000000000)",
    "groups of billions": "SELECT max(n) FROM (SELECT hash(range) h, count(*) n FROM range(10000000000) GROUP BY h)",
    "join of hashes": "SELECT count(*) FROM range(1000000000) a JOIN range(1000000000) b ON hash(a.range) = hash(b.range)",
    "window over billions": "SELECT max(s) FROM (SELECT sum(range) OVER (ORDER BY hash(range)) s FROM range(10000000000))",
    "expression that explodes": "SELECT regexp_replace(repeat('a', 50000000), '(a*)*b', 'x', 'g') FROM range(1000)",
    "expression of alternatives": "SELECT count(*) FROM range(100000000) WHERE regexp_matches(repeat('ab', 10000) || range, '(a|b|ab)*c')",
    "list of lists": "SELECT list_aggregate(list_transform(range(100000), lambda x: list_sum(range(x))), 'sum') FROM range(100000)",
    "list product": "SELECT list_transform(range(100000), lambda x: list_transform(range(100000), lambda y: x * y))",
    "large list": "SELECT len(range(100000000000))",
    "factorials": "SELECT count(*) FROM (SELECT factorial(33) FROM range(100000000000))",
    "editing distances": "SELECT sum(levenshtein(repeat('ab', 50000), repeat('ba', 50000) || range)) FROM range(10000)",
    "median of billions": "SELECT median(hash(range)) FROM range(10000000000)",
    "deep nesting": "SELECT " + "(" * 20000 + "1" + ")" * 20000,
    "deep subqueries": "SELECT * FROM " + "(SELECT * FROM " * 5000 + "range(1)" + ")" * 5000,
    "long expression": "SELECT " + " + ".join(["1"] * 45000),
    "many joins": "SELECT count(*) FROM " + ", ".join(f"range(10) t{number}" for number in range(200)),
    "wide answer": "SELECT "
    + ", ".join(f"repeat('x', 1000000) AS c{number}" for number in range(2000))
    + " FROM range(10000)",
    "json of nesting": "SELECT json_extract(repeat('[', 10000000), '$[0]') FROM range(1000000)",
    "bits": "SELECT bit_count(repeat('1', 1000000000)::BIT) FROM range(1000)",
}
