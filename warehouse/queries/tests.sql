-- Which tests were committed, from which source, by which reader?
-- reads: test
-- test_id | | The test
-- revision | | Revision that readers see
-- firm | | Code of the firm; null while unassigned
-- cell_id | | The cell; null while unassigned
-- assigned_by | | Rule that found the cell
-- convention | | Convention that steps and cycles were derived with
-- kind | | cycling or eis
-- format | | Format that read the source
-- reader_version | | Version of that reader
-- channel | | Cycler and channel as the file names it
-- rows | | Rows in measurements
-- spectra | | Rows in spectra
-- steps | | Executed steps
-- cycles | | Logical cycles
-- first_unix_second | s | Wall clock of the first record, UTC
-- last_unix_second | s | Wall clock of the last record, UTC
-- source_sha256 | | Hash of the raw bytes
-- warnings | | Warnings, as JSON
-- continues | | The test that it continues, as both say of themselves; null where none is known
-- part | | Its place in its chain of continuations, from 1; null where it is alone
-- linked_by | | What shows that it continues that one
SELECT
    test_id, revision, firm, cell_id, assigned_by, convention, kind, format, reader_version, channel,
    "rows", spectra, steps, cycles, first_unix_second, last_unix_second, source_sha256, warnings,
    CASE WHEN continues IN (SELECT test_id FROM test) THEN continues END AS continues, part, linked_by
FROM test
ORDER BY firm, cell_id, coalesce(first_unix_second, chain_unix_second), coalesce(chain, test_id), part, test_id
