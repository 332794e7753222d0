"""Toyo's six-digit files, CAPACITY.LOG and pattern files: texts of a fixed form around the table of records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from parsers._folder import last_part, refuse_layout
from parsers._toyo import ABORT, CHARGE, DISCHARGE, REST, Origin
from parsers._toyo_table import FILE, LINE, SAMPLE, Head, decode, demand_head, plain, read_cells, read_head, to_numbers
from parsers._units import Unit, parse_unit, split_header
from parsers.contract import Fact, Source
from warehouse.errors import ParseError

MARKER: Final = re.compile(r"^\s*\d+(?:\s*,\s*\d+){6}\s*$")
HEAD_LINE: Final = 4
NEEDED: Final = ("date", "time", "elapsed", "voltage", "current", "state", "mode", "total")
ENGLISH_STATES: Final = {1: CHARGE, 2: DISCHARGE, 3: REST}
JAPANESE_STATES: Final = {0: REST, 1: CHARGE, 2: DISCHARGE, 9: ABORT}
# The sources disagree whether English files write rest as 3 or as 0: a file may use either, not both.
ENGLISH_REST: Final = 0
LOG_LABELS: Final = {
    "Condition": "state",
    "TotlCycle": "total",
    "Total Cycle": "total",
    "Cap": "capacity",
    "Capacity": "capacity",
}
LOG_STATES: Final = {1: CHARGE, 2: DISCHARGE}
PATTERN_MASS: Final = slice(44, 53)
MASS: Final = re.compile(r"^\d\s?(\d+\.\d+)$")
CELL_CAPACITY: Final = re.compile(r"^Pattern_BaseCellCapacity\s*=\s*([\d.]+)\s*$", re.MULTILINE)


def read_raw_head(raw: bytes) -> Head | None:
    """Return the head of a six-digit file: seven numbers, two blank lines, labels; None for anything else."""
    lines = raw[:8192].split(b"\n", HEAD_LINE)
    if len(lines) <= HEAD_LINE:
        return None
    texts = [decode(line).strip("\r") for line in lines[:HEAD_LINE]]
    if not MARKER.match(texts[0].lstrip("\ufeff")) or texts[1].strip() or texts[2].strip():
        return None
    head = read_head(texts[3])
    return head if {"elapsed", "voltage", "current"} <= head.places.keys() else None


def read_records(files: Sequence[tuple[str, bytes]], source: Source) -> tuple[pl.DataFrame, Head, list[str]]:
    """Read six-digit files, at least one, in the given order as one table of records.

    Raises:
        ParseError: a file is none, has other labels than the first, a broken row, an unknown state.
    """
    origin = Origin(source, [name for name, _ in files])
    head, bodies = _join(files, source)
    cells = read_cells(b"".join(bodies), head, source)
    # A channel has thousands of small files: they are parsed at once, and each line finds its file again.
    before = np.cumsum([0, *(body.count(b"\n") for body in bodies)])
    number = np.searchsorted(before, cells[LINE].to_numpy(), side="right") - 1
    number = np.minimum(number, len(files) - 1)
    local = cells[LINE].to_numpy() - before[number] + HEAD_LINE + 1
    cells = cells.with_columns(pl.Series(LINE, local), pl.Series(FILE, number))
    torn = not files[-1][1].endswith(b"\n") and _is_torn(cells)
    if torn:
        cells = cells.head(-1)
    broken = (~cells["width"]).arg_true()
    if len(broken):
        name, line = origin.place(cells, int(broken[0]))
        raise refuse_layout(name, f"a row has not the {len(head.labels)} cells of the labels", SAMPLE, line=line)
    rows = to_numbers(cells, head).with_columns(cells[FILE])
    notes = [f"the last line of {last_part(files[-1][0])} is cut off and left out"] if torn else []
    notes += [f"columns that are not known are passed over: {', '.join(head.unknown)}"] if head.unknown else []
    return rows.with_columns(_kinds(rows, head, origin)), head, notes


def read_capacity_log(raw: bytes) -> pl.DataFrame | None:
    """Return total cycle, kind and capacity in Ah of every step that CAPACITY.LOG counted; None for other labels.

    Codes and ``Finish`` are padded with blanks; rests have no row, and a charge in stages has several.
    """
    lines = [line.split(",") for line in decode(raw).splitlines()]
    places: dict[str, int] = {}
    units: dict[str, Unit | None] = {}
    for place, label in enumerate(lines[0] if lines else []):
        name, stated = split_header(label)
        if plain(name) in LOG_LABELS:
            places.setdefault(LOG_LABELS[plain(name)], place)
            units.setdefault(LOG_LABELS[plain(name)], parse_unit(stated))
    unit = units.get("capacity")
    if len(places) < len(set(LOG_LABELS.values())) or unit is None or unit.quantity != "capacity":
        return None
    cells = [
        [line[place].strip() for place in places.values()] for line in lines[1:] if len(line) > max(places.values())
    ]
    table = pl.DataFrame(cells, schema=dict.fromkeys(places, pl.String), orient="row")
    values = table["capacity"].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    states = table["state"].cast(pl.Int64, strict=False)
    kinds = states.replace_strict(LOG_STATES, default=None, return_dtype=pl.String)
    capacity = pl.Series("capacity", unit.convert(values), nan_to_null=True)
    log = pl.DataFrame([table["total"].cast(pl.Int64, strict=False), kinds.alias("kind"), capacity])
    return log.drop_nulls().filter(pl.col("capacity").is_finite())


def read_pattern(members: Mapping[str, bytes]) -> dict[str, Fact]:
    """Return what the pattern files say of the cell: mass in g, capacity in mAh."""
    facts: dict[str, Fact] = {}
    for name, content in members.items():
        if not name.lower().endswith(".ptn"):
            continue
        text = decode(content)
        capacity = CELL_CAPACITY.search(text)
        if capacity is not None:
            facts["pattern_capacity_milliampere_hour"] = capacity[1]
        # Two dialects put the mass into the same nine characters, behind a flag, with or without a blank.
        mass = MASS.match(text.partition("\n")[0][PATTERN_MASS].strip())
        if mass is not None and float(mass[1]) > 0:
            facts["pattern_mass_gram"] = mass[1]
    return facts


def _is_torn(cells: pl.DataFrame) -> bool:
    """Whether the last row is too short, or its total cycle lost digits: it is the same in all rows of a file."""
    if cells.is_empty():
        return False
    totals = cells["total"].tail(2)
    return not cells["width"][-1] or (len(totals) > 1 and totals[0] != totals[1])


def _join(files: Sequence[tuple[str, bytes]], source: Source) -> tuple[Head, list[bytes]]:
    """Return the head that all files share, and what stands below it in each, ended by a line's end."""
    first, bodies = None, []
    for name, raw in files:
        head = read_raw_head(raw)
        if head is None:
            raise refuse_layout(name, "not seven numbers, two blank lines and Toyo's labels", SAMPLE, line=1)
        first = first or head
        if head.labels != first.labels:
            raise refuse_layout(name, "the labels are others than in the first file", SAMPLE, line=HEAD_LINE)
        demand_head(head, NEEDED, replace(source, name=name), HEAD_LINE)
        body = raw.split(b"\n", HEAD_LINE)[HEAD_LINE]
        bodies.append(body if body.endswith(b"\n") or not body else body + b"\n")
    if first is None:
        raise ParseError(source.name, "no six-digit file inside", code="needs_companions")
    return first, bodies


def _kinds(rows: pl.DataFrame, head: Head, origin: Origin) -> pl.Series:
    """Return what each record's state means in the file's language."""
    codes = rows["state"].cast(pl.Int64, strict=False)
    known = JAPANESE_STATES if head.japanese else ENGLISH_STATES
    if not head.japanese and _rests_at_zero(codes, rows["current"]):
        known = known | {ENGLISH_REST: REST}
    wrong = (~codes.is_in(list(known)) | codes.is_null()).arg_true()
    if len(wrong):
        name, line = origin.place(rows, int(wrong[0]))
        language = "a Japanese" if head.japanese else "an English"
        found = f"state {rows['state'][int(wrong[0])]!r} is not known in {language} file"
        raise refuse_layout(name, found, SAMPLE, line=line)
    return codes.replace_strict(known, return_dtype=pl.String).alias("kind")


def _rests_at_zero(codes: pl.Series, current: pl.Series) -> bool:
    """Whether an English file writes rest as 0: no record has the other code, and none at 0 has a current."""
    idle = (codes == ENGLISH_REST).fill_null(value=False)
    other = [code for code, kind in ENGLISH_STATES.items() if kind == REST]
    return bool(idle.any() and not codes.is_in(other).any() and not (current.filter(idle) != 0).any())
