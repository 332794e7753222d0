"""What a test report is about: a cell, a lot or a wafer of one firm, and what the registry knows of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl
import sqlalchemy as sa

from warehouse import schema
from warehouse.errors import UsageError
from warehouse.registry import CELL, FIRM, SOURCE_FILE, SQL_TABLES, TEST, Registry

Kind = Literal["cell", "lot", "wafer"]
SEPARATORS: Final = ("/", "-", " ")
FOLDERS: Final = re.compile(r"[/\\!]")


@dataclass(frozen=True)
class Subject:
    """What a report is about, as the registry knows it at one moment.

    Args:
        name: as it was asked for.
        kind: cell, lot or wafer.
        firm: code of the firm.
        firm_name: its name.
        cells: rows of ``schema.CELL``, by cell_id.
        tests: rows of ``schema.TEST`` of these cells, by time.
        sources: the raw files of these tests: ``test_id, sha256, name, size``.
        channels: rows of ``schema.CHANNEL`` of the tests' channels.
    """

    name: str
    kind: Kind
    firm: str
    firm_name: str
    cells: pl.DataFrame
    tests: pl.DataFrame
    sources: pl.DataFrame
    channels: pl.DataFrame

    @property
    def cell_ids(self) -> list[str]:
        """Names of the cells, in order."""
        return self.cells["cell_id"].to_list()


def find_subject(registry: Registry, firm: str, name: str) -> Subject:
    """Return what a name stands for: first of all a cell, then a lot, then a wafer as ``LOT-WAFER`` or ``LOT/WAFER``.

    Raises:
        UsageError: the firm, or anything of it by that name, does not exist.
    """
    with registry.snapshot() as moment:
        firms = registry.rows(sa.select(FIRM).where(FIRM.c.code == firm), moment)
        cells = registry.frame(schema.CELL, CELL.c.firm == firm, moment=moment)
        kind, mine = _choose_cells(cells, name)
        if not firms or mine.is_empty():
            raise UsageError(
                f"there is no cell, lot or wafer {name!r} of firm {firm} / "
                f"{firm}에 셀, 로트 또는 웨이퍼 {name!r}가 없습니다"
            )
        ids = mine["cell_id"].to_list()
        tests = registry.frame(schema.TEST, TEST.c.firm == firm, TEST.c.cell_id.in_(ids), moment=moment)
        tests = tests.sort("cell_id", "first_unix_second", "test_id", nulls_last=True)
        sources = _find_sources(registry, moment, tests)
        channel = SQL_TABLES["channel"]
        named = tests["channel"].drop_nulls().unique().to_list()
        channels = registry.frame(schema.CHANNEL, channel.c.channel.in_(named), moment=moment)
    return Subject(
        name, kind, firm, firms[0]["name"], mine, tests, sources, channels.sort("channel", "from_unix_second")
    )


def read_more(cell: dict[str, Any], *names: str) -> str | None:
    """Return what a manifest's further columns say of a cell, under the first of these names that is there."""
    more = json.loads(cell["more"] or "{}")
    found = [str(more[name]).strip() for name in names if str(more.get(name) or "").strip()]
    return found[0] if found else None


def _choose_cells(cells: pl.DataFrame, name: str) -> tuple[Kind, pl.DataFrame]:
    ordered = cells.sort("cell_id")
    for kind, column in (("cell", "cell_id"), ("lot", "lot")):
        found = ordered.filter(pl.col(column) == name)
        if found.height:
            return ("cell" if kind == "cell" else "lot"), found
    named = [pl.concat_str("lot", pl.lit(sign), "wafer") == name for sign in SEPARATORS]
    return "wafer", ordered.filter(pl.any_horizontal(named).fill_null(value=False))


def _find_sources(registry: Registry, moment: sa.Connection, tests: pl.DataFrame) -> pl.DataFrame:
    """Return the files that the tests' current revisions were read from; of paths the last part, which has no firm."""
    wanted = SOURCE_FILE.c.sha256.in_(tests["source_sha256"].to_list())
    files = registry.frame(schema.SOURCE_FILE, wanted, moment=moment).select("sha256", "path", "size")
    names = [FOLDERS.split(path)[-1] for path in files["path"]]
    known = files.with_columns(name=pl.Series(names, dtype=pl.String)).drop("path")
    listed = tests.select("test_id", sha256="source_sha256")
    return listed.join(known, on="sha256", how="left", maintain_order="left").select(
        "test_id", "sha256", "name", "size"
    )
