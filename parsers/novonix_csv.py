"""Novonix HPC and UHPC text exports (.csv), comma separated, UTF-8.

Seen: HPC 3.0.2.1 (2019) and UHPC 2.13.0 (2025). Layout: ``[Summary]`` with ``key: value`` lines, ``[End Summary]``,
``[Protocol]`` (text in HPC, JSON in UHPC), then ``[Data]``, one line of headings and the records. A test that was
started again stands behind the first one in the same file, from its own ``[Summary]`` on.

Headings: Date and Time, Cycle Number, Step Number or Step Type, Run Time (h), Step Time (h), Current (A), Potential (V)
, Capacity (Ah), Temperature (°C), Circuit Temperature (°C); in UHPC also Energy (Wh), dVdt, dIdt, Step Number, Step
position, Power(W); files that the open program preparenovonix went over have three more.

* Step Number of HPC, Step Type of UHPC: what the step does. 0 open circuit, 1 and 2 constant current (1 in both
  directions: the current's sign tells), 7 and 8 the constant current and constant voltage parts of a charge, 9 and 10
  those of a discharge. Where both headings stand, Step Number is the protocol's. Other codes: ``other``.
* Current: positive charges; so in all files (potential rises under it and Capacity too).
* Capacity: charging minus discharging since the start; it falls in discharge and runs on over steps and cycles in all
  files. It starts anew with a test that was started again: the reader carries the end of the first one on, with a
  warning. Energy: the same, from one charge only.
* Run Time: hours with seven decimals, from zero at every start; a second start is placed by the wall clock.
* At the end of a step HPC may write the last record of an earlier step once more: earlier run time, potential, current
  and capacity under a new date (5 of 5758 records). Such single records are left out with a warning; any other way
  back in time is refused.
* Date and Time: ``1/3/2019 9:33:48 AM`` (month first) or ISO.

A file that went through a spreadsheet (HPC 2.2.1.6, 2022) has quotes around every whole record; they are taken off.

Temperature is taken for an auxiliary channel, its place on the cell is not stated. Codes are from preparenovonix's
documentation (facts only) and fit all records here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO, Final

import numpy as np
import polars as pl

from parsers._blocks import cut_cells, line_number, read_text
from parsers._cells import Grid, check_order, split_headings
from parsers._clock import iso_utc
from parsers._dates import MONTH_FIRST, read_clock
from parsers._lines import excerpt_lines
from parsers._steps import count_steps
from parsers._table import Column, drop_empty, find_columns, numeric, places, read_columns
from parsers.contract import Excerpt, Fact, Format, Known, Peek, Reading, Source
from warehouse.errors import ParseError
from warehouse.schema import STEP_TYPE

LAYOUT: Final = {
    "date and time": ("clock", ""),
    "cycle number": ("cycle_count", ""),
    "step type": ("code", ""),
    "step number": ("step_id", ""),
    "run time": ("test_time_second", ""),
    "step time": ("step_time_second", ""),
    "current": ("current_ampere", ""),
    "potential": ("voltage_volt", ""),
    "capacity": ("net_capacity_ah", ""),
    "energy": ("net_energy_wh", ""),
    "power": ("power_watt", ""),
    "temperature": ("temperature_t1_celsius", ""),
}
NEEDED: Final = frozenset({"test_time_second", "voltage_volt", "current_ampere"})
CONSTANT_CURRENT: Final = ("1", "2")
CODES: Final = {"0": "rest", "7": "charge_cc", "8": "charge_cv", "9": "discharge_cc", "10": "discharge_cv"}
COUNTERS: Final = ("net_capacity_ah", "net_energy_wh")
FACTS: Final = {
    "serial number": "serial",
    "cell": "sample",
    "cellid": "cell",
    "description": "comment",
    "protocol": "schedule",
    "version": "software",
}
DATA: Final = re.compile(rb"\n\[Data\][ \t]*\r?(?=\n)")
SUMMARY: Final = b"[Summary]"
QUOTED: Final = re.compile(rb'(?m)^"([^"\n]*,[^"\n]*)"(?=\r?$)')
# The protocol of UHPC is JSON, whose lines must not pass for facts.
FACT: Final = re.compile(r"^([^:\[{]+):[ \t]*(.*?)[ \t]*$")
HIDDEN: Final = re.compile(r"^\*+$")


def sniff(peek: Peek) -> bool:
    """Whether the file begins with Novonix's summary, or with its headings."""
    if peek.lines and peek.lines[0].strip() == "[Summary]":
        return any(line.strip().startswith("Novonix") for line in peek.lines[1:4])
    return bool(peek.lines) and _find(peek.lines[0]).keys() >= NEEDED and "potential" in peek.lines[0].lower()


def read(source: Source) -> Reading:
    """Read every start of the test as one.

    Raises:
        ParseError: no data section, unknown headings or units, a cell that is no number, time that goes back.
    """
    return read_text(source, lambda raw: _read_starts(_strip_quotes(raw), source), _width)


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown file; a start that lies between its head and its end shows in the charge."""
    return excerpt_lines(file, known, _count_above)


def _count_above(head: bytes) -> int | None:
    bodies = _bodies(head)
    return line_number(head, bodies[0][0]) if bodies else None


def _read_starts(raw: bytes, source: Source) -> Reading:
    bodies = _bodies(raw)
    if not bodies:
        detail = "the file ends before [Data] and its headings"
        raise ParseError(source.name, detail, code="incomplete_file", line=line_number(raw, len(raw)))
    warnings: list[str] = []
    tables = [_read_start(raw, begin, end, source, warnings) for begin, end in bodies]
    frame = _join(tables, warnings)
    about = _read_facts(raw)
    if "unix_time_second" in frame.columns and frame.height and frame["unix_time_second"][0] is not None:
        about["start_time"] = iso_utc(frame["unix_time_second"][0] - frame["test_time_second"][0])
    return Reading(measurements=drop_empty(frame), about=about, warnings=tuple(warnings))


def _strip_quotes(raw: bytes) -> bytes:
    """Return the text without quotes around whole records, which a spreadsheet puts there when it saves the file."""
    bodies = _bodies(raw)
    return QUOTED.sub(rb"\1", raw) if bodies and raw.startswith(b'"', bodies[0][0]) else raw


def _bodies(raw: bytes) -> list[tuple[int, int]]:
    """Return where each start's headings begin and its records end."""
    # Some hand on the table without what stands above it.
    if not raw.startswith(SUMMARY):
        return [(0, len(raw))] if b"\n" in raw else []
    found = []
    for match in DATA.finditer(raw):
        begin = match.end() + 1
        again = raw.find(b"\n" + SUMMARY, match.end())
        # A start whose headings are cut is not there yet.
        if b"\n" in raw[begin : begin + 8192]:
            found.append((begin, again + 1 if again >= 0 else len(raw)))
    return found


def _width(raw: bytes) -> int:
    bodies = _bodies(raw)
    return 0 if not bodies else raw[bodies[-1][0] :].partition(b"\n")[0].count(b",") + 1


def _headings(line: str) -> list[str]:
    return split_headings(line)


def _find(line: str) -> dict[str, Column]:
    columns = find_columns(_headings(line), LAYOUT)
    if "code" not in columns and "step_id" in columns:
        # HPC writes the kind of step under the heading that UHPC has for its number.
        columns["code"] = columns.pop("step_id")
    return columns


def _read_start(raw: bytes, begin: int, end: int, source: Source, warnings: list[str]) -> pl.DataFrame:
    line = line_number(raw, begin)
    first, _, body = raw[begin:end].partition(b"\n")
    text = first.decode("utf-8", errors="replace")
    columns = _find(text)
    if not columns.keys() >= NEEDED:
        missing = ", ".join(sorted(NEEDED - columns.keys()))
        raise ParseError(source.name, f"expected headings for {missing}, found {text.strip()!r}", line=line)
    cells = cut_cells(
        body, Grid(line + 1, ",", tuple(_headings(text)), places(columns), numeric=numeric(columns)), source
    )
    frame = pl.DataFrame(read_columns(cells, columns, source))
    if "code" in columns:
        frame = frame.with_columns(cells["code"])
    if "clock" in columns:
        unix, warning = read_clock(cells["clock"], frame["test_time_second"], source, prefer=MONTH_FIRST)
        frame = frame.with_columns(unix)
        warnings += [warning] if warning else []
    return _drop_stale(frame, cells, source, warnings)


def _drop_stale(frame: pl.DataFrame, cells: pl.DataFrame, source: Source, warnings: list[str]) -> pl.DataFrame:
    """Leave out single records of an earlier step between two that go on; refuse any other way back in time."""
    time = frame["test_time_second"].to_numpy()
    back = np.concatenate([[False], time < np.maximum.accumulate(time), [False]])
    # Two in a row are no stray record but a clock that was set back.
    stale = pl.Series(back[1:-1] & ~back[:-2] & ~back[2:])
    if stale.any():
        warnings.append(f"{stale.sum()} records of an earlier step stand at the end of a later one and are left out")
        frame, cells = frame.filter(~stale), cells.filter(~stale)
    # Without the stray records time must not go back any more.
    check_order(frame["test_time_second"], cells, source)
    return frame


def _join(tables: list[pl.DataFrame], warnings: list[str]) -> pl.DataFrame:
    """Put the starts behind each other, by the wall clock where both have one, and name their steps."""
    joined = _name_steps(tables[0])
    for table in tables[1:]:
        own = _name_steps(table)
        shift = {
            "test_time_second": _later(joined, own),
            "step_count": _last(joined, "step_count"),
            **{name: _last(joined, name) for name in COUNTERS},
        }
        moved = [
            (pl.col(name) + value).round(9) if name != "step_count" else pl.col(name) + int(value)
            for name, value in shift.items()
            if name in own.columns
        ]
        joined = pl.concat([joined, own.with_columns(moved)], how="diagonal")
    if len(tables) > 1:
        warnings.append(f"the test was started {len(tables)} times; time, steps and capacity run on over the starts")
    return joined


def _later(joined: pl.DataFrame, own: pl.DataFrame) -> float:
    """Return what to add to a later start's run time."""
    # Without clocks the starts follow each other at once.
    last = _last(joined, "test_time_second")
    if not joined.height or not own.height or not {"unix_time_second"} <= {*joined.columns} & {*own.columns}:
        return last
    passed = own["unix_time_second"][0], joined["unix_time_second"][-1]
    return last if None in passed else max(last + passed[0] - passed[1] - own["test_time_second"][0], last)


def _last(frame: pl.DataFrame, name: str) -> float:
    values = frame[name].drop_nulls() if name in frame.columns else pl.Series([])
    return float(values[-1]) if len(values) else 0.0


def _name_steps(frame: pl.DataFrame) -> pl.DataFrame:
    """Number the executed steps and say what each does."""
    labels = [name for name in ("code", "step_id", "cycle_count") if name in frame.columns]
    if "step_time_second" not in frame.columns or not labels:
        return frame.drop("code", strict=False)
    count = count_steps(frame, labels, "step_time_second")
    if "code" not in frame.columns:
        return frame.with_columns(count)
    # The first record of a step still stands at 0 A: all of them decide.
    step = count.to_numpy()
    charging = pl.Series(np.bincount(step, weights=frame["current_ampere"].to_numpy())[step] >= 0)
    driven = pl.when(charging).then(pl.lit("charge_cc")).otherwise(pl.lit("discharge_cc"))
    named = pl.col("code").replace_strict(CODES, default="other")
    step_type = pl.when(pl.col("code").is_in(CONSTANT_CURRENT)).then(driven).otherwise(named)
    named_frame = frame.with_columns(count, step_type.cast(STEP_TYPE).alias("step_type"))
    return named_frame[[name for name in named_frame.columns if name != "code"]]


def _read_facts(raw: bytes) -> dict[str, Fact]:
    """Read what the first summary says; what was blotted out with asterisks is nothing."""
    head = raw[: raw.find(b"[End Summary]")].decode("utf-8", errors="replace") if raw.startswith(SUMMARY) else ""
    lines = head.splitlines()
    said: Mapping[str, str] = {match[1].strip().lower(): match[2] for match in map(FACT.match, lines) if match}
    facts: dict[str, Fact] = {
        ours: said[key] for key, ours in FACTS.items() if said.get(key) and not HIDDEN.match(said[key])
    }
    if len(lines) > 1:
        facts["instrument"] = lines[1].strip().removesuffix(" data file")
    # Lists of channels pad with zeros or do not.
    channel = said.get("channel", "").lstrip("0")
    if channel and not HIDDEN.match(channel):
        serial = facts.get("serial")
        facts["channel"] = f"{serial}-{channel}" if serial else f"Novonix-{channel}"
    return facts


FORMAT = Format(
    "novonix_csv",
    "Novonix",
    frozenset({".csv"}),
    "cycling",
    sniff,
    read,
    lost="circuit temperature, dV/dt and dI/dt, step position, the protocol",
    excerpt=excerpt,
)
