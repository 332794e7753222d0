-- How far can each test's numbers be trusted, and what were they made from?
-- reads: steps, test
-- test_id | | The test
-- firm | | Code of the firm
-- cell_id | | The cell; null while unassigned
-- format | | Format that read the source
-- reader_version | | Version of that reader
-- source_sha256 | | Hash of the raw bytes
-- data_sha256 | | Hash of the rows as read
-- rows | | Rows in measurements
-- steps | | Executed steps
-- steps_compared | | Charge and discharge steps whose integral has a counter beside it
-- counter_ratio_median | | Median of integral over counter
-- counter_ratio_low | | Smallest of them
-- counter_ratio_high | | Largest of them
-- steps_counter_differs | | Steps over 60 s where they differ by more than the recipe allows
-- steps_with_gap | | Steps with a gap in their records
-- largest_gap_second | s | Longest time between two records of a step
-- warnings | | Warnings of the reader and the gate, as JSON
SELECT
    test.test_id,
    test.firm,
    test.cell_id,
    test.format,
    test.reader_version,
    test.source_sha256,
    test.data_sha256,
    test."rows",
    test.steps,
    count(s.counter_ratio) AS steps_compared,
    median(s.counter_ratio) AS counter_ratio_median,
    min(s.counter_ratio) AS counter_ratio_low,
    max(s.counter_ratio) AS counter_ratio_high,
    count(*) FILTER (s.flags LIKE '%counter_differs%') AS steps_counter_differs,
    count(*) FILTER (s.flags LIKE '%gap%') AS steps_with_gap,
    max(s.largest_gap_second) AS largest_gap_second,
    test.warnings
FROM test
LEFT JOIN steps AS s ON s.test_id = test.test_id
GROUP BY ALL
ORDER BY test.firm, test.cell_id, test.test_id
