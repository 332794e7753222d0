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
SELECT
    test_id, revision, firm, cell_id, assigned_by, convention, kind, format, reader_version, channel,
    "rows", spectra, steps, cycles, first_unix_second, last_unix_second, source_sha256, warnings
FROM test
ORDER BY firm, cell_id, first_unix_second, test_id
