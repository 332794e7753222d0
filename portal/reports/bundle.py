"""A report with all that it was made of, as one zip: PDF, workbook, tables as Parquet, metadata, hashes.

Members are stored without compression, which other versions of zlib would do otherwise; Parquet compresses itself.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Final

import polars as pl

from portal.reports.book import make_book
from portal.reports.facts import Facts
from portal.reports.linked import describe_bundle
from portal.reports.look import Ask
from portal.reports.pdf import make_pdf
from warehouse.reports.issue import Issue
from warehouse.reports.site import Language

# Records are only put in while they fit a mail; 'cellar export' has all of them.
MOST_RECORDS: Final = 1_000_000
QUERIES: Final = ("cycles", "steps", "fade")
RECORDS: Final = ("measurements", "spectra")
METADATA: Final = "metadata.jsonld"
HASHES: Final = "SHA256SUMS"
# Whoever unpacks it may read and write the files.
PERMISSIONS: Final = 0o644 << 16


def make_bundle(ask: Ask, facts: Facts, issue: Issue, language: Language) -> bytes:
    """Return the report's bundle.

    Args:
        ask: answers named queries.
        facts: of the report.
        issue: its number and date.
        language: of its documents.
    """
    files = {
        f"{issue.identity}.pdf": make_pdf(facts, issue, language),
        f"{issue.identity}.xlsx": make_book(facts, issue, language),
    }
    tables = _read_tables(ask, facts)
    files |= {f"{name}.parquet": _write_parquet(table) for name, table in tables.items()}
    columns = list(dict.fromkeys(name for table in tables.values() for name in table.columns))
    linked = describe_bundle(facts, issue, language, files, columns)
    files[METADATA] = json.dumps(linked, ensure_ascii=False, indent=2).encode() + b"\n"
    sums = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    files[HASHES] = "".join(sums).encode()
    return _pack(files, issue)


def _read_tables(ask: Ask, facts: Facts) -> dict[str, pl.DataFrame]:
    """Return the queries' rows of the report's cells; records only of what is small enough."""
    cells = facts.tables["items"]["cell_id"].to_list()
    counts = facts.tables["tests"].select((pl.col("rows") + pl.col("spectra")).sum()).item()
    # Counted before they are read: the records of a large lot would not fit into memory twice.
    names = (*QUERIES, *(RECORDS if counts <= MOST_RECORDS else ()))
    of_cell = cells[0] if facts.is_cell else None
    found = {name: ask(name, firm=facts.subject["firm"], cell=of_cell) for name in names}
    mine = {name: table.filter(pl.col("cell_id").is_in(cells)) for name, table in found.items()}
    return {name: _drop_empty(table) for name, table in mine.items() if table.height}


def _drop_empty(table: pl.DataFrame) -> pl.DataFrame:
    """Leave out the columns that no file had."""
    return table.select(name for name in table.columns if table[name].null_count() < table.height)


def _write_parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def _pack(files: Mapping[str, bytes], issue: Issue) -> bytes:
    moment = datetime.fromtimestamp(issue.issued_unix_second, UTC)
    stamp = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name, content in files.items():
            member = zipfile.ZipInfo(f"{issue.identity}/{name}", stamp)
            member.external_attr = PERMISSIONS
            bundle.writestr(member, content)
    return buffer.getvalue()
