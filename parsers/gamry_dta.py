"""Gamry Framework data (.DTA), EXPLAIN format: a header of tagged lines and tables.

Seen: Framework 6.33, 7.05, 7.07 and 7.8, Reference 600 and 3000; CV, CHRONOA, CORPOT, EISPOT, GALVEIS, SQUARE_WAVE,
VFP600; lines ended by LF or CR LF, Windows-1252 or UTF-8, points or commas as decimal signs. Layout: ``EXPLAIN``, lines
of tag, type, value and description, tables ``NAME<tab>TABLE[<tab>rows]`` with a line of names, a line of units and
rows, each of which begins with a tab; more tags may stand between and behind the tables.

* A table with Freq, Zreal and Zimag (ZCURVE) is a spectrum; Zimag is negative when capacitive, as Zphz is. What was
  watched before the sweep (OCVCURVE of an impedance experiment) is not carried.
* A table with a time and Vf (CURVE, CURVE1, …, OCVCURVE) is measured data; each table is a step. Without Im the cell
  is at open circuit (OCVCURVE; CURVE of CORPOT): its current is 0 A, the step a rest. CURVEn of a CV is cycle n.
* Current: positive charges. Im grows with Vf in all CVs and the square wave here, whose CONVENTION tags are 1 and 0 -
  the tag does not turn the file's numbers -, and 0.5 A raises Vdc in the galvanostatic sweep. The working lead must
  have been on the cell's positive electrode, which the file does not say.
* SQUARE_WAVE: the forward sample is read; the reverse one and the difference are not carried.
* VFP600 (no EXPLAIN): Voltage and Current at the rate of the tag FREQ, no time.
* Time: T counts from each table's own start or on from the table before; where it restarts, the reader goes on from
  the last time, with a warning that the pause between is not recorded. DATE and TIME are the start, in the order of
  the computer's language, told from all dates of the header; if they do not tell, the wall clock is left out.
* Temp below absolute zero (-327.6 °C) is an input without sensor: null. FRACURVE (raw wave) and tables of other columns
  are not read; a file aborted by the user (EXPERIMENTABORTED) is read as it stands.

The charge and discharge experiments (PWR800_CHARGE, PWR800_DISCHARGE, CURVE with Im, Pwr, Temp) are known from public
descriptions: same tables, direction from the tag.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import polars as pl

from parsers._blocks import read_text
from parsers._cells import check_order
from parsers._clock import iso_utc, unix_second
from parsers._dates import find_order, parse_moment
from parsers._gamry import Block, block_columns, find_blocks, read_block, read_header
from parsers._impedance import number_sweeps
from parsers._table import drop_empty
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError
from warehouse.schema import MEASUREMENTS, SPECTRA, STEP_TYPE

OPENINGS: Final = ("EXPLAIN", "VFP600")
CYCLE: Final = re.compile(r"^CURVE(\d{1,9})$")
DIRECTIONS: Final = (("DISCHARGE", "discharge"), ("CHARGE", "charge"))
MIXED: Final = "CYCLIC"
DATES: Final = ("DATE", "DCCALDATE", "ACCALDATE")
UNREAD: Final = frozenset({"FRACURVE"})
WATCHED: Final = "OCVCURVE"
FACTS: Final = {"TAG": "technique", "TITLE": "test_name", "PSTATSERIALNO": "serial", "PSTAT": "channel"}
VERSIONS: Final = (("FRAMEWORKVERSION", "Framework"), ("INSTRUMENTVERSION", "firmware"))
EMPTY: Final = (MEASUREMENTS.empty(), SPECTRA.empty())
PAUSE: Final = "the clock restarts with table {name}; its times go on from the table before, without the pause between"


def sniff(peek: Peek) -> bool:
    """Whether the first line is EXPLAIN or VFP600 and the second a tag."""
    lines = [line.strip() for line in peek.lines[:2]]
    return bool(lines) and lines[0] in OPENINGS and (len(lines) == 1 or lines[1].startswith(("TAG", "VERSION")))


def read(source: Source) -> Reading:
    """Read all tables of one experiment.

    Raises:
        ParseError: an unknown unit, a cell that is no number, time that goes back, no table that is known.
    """
    return read_text(source, lambda raw: _read_tables(raw, source), _width)


def _width(raw: bytes) -> int:
    blocks = find_blocks(raw)
    # Behind the last table tags may follow, which have cells of their own.
    return len(blocks[-1].headings) if blocks and blocks[-1].end == len(raw) else 0


def _read_tables(raw: bytes, source: Source) -> Reading:
    header = read_header(raw)
    blocks = find_blocks(raw)
    if not blocks:
        return Reading(about=_facts(header), warnings=("the file holds no table yet",))
    measured: list[pl.DataFrame] = []
    spectra: list[pl.DataFrame] = []
    warnings: list[str] = []
    clock = 0.0
    # Told by the tag, so that a file that still grows does not change its kind.
    sweeping = "EIS" in header.get("TAG", "") or any(block.is_spectrum for block in blocks)
    blocks = [block for block in blocks if not (sweeping and block.name == WATCHED)]
    for number, block in enumerate(blocks, start=1):
        frame = _read_one(raw, block, number, header, source)
        if frame is None:
            warnings += [] if block.name in UNREAD else [f"table {block.name} holds neither records nor a spectrum"]
            continue
        frame, clock = _go_on(frame, clock, block, warnings)
        (spectra if block.is_spectrum else measured).append(frame)
    if blocks and not measured and not spectra:
        names = ", ".join(block.name for block in blocks)
        detail = f"expected a table with T and Vf or with Freq, Zreal and Zimag, found {names}"
        raise ParseError(source.name, detail, code="unknown_layout", line=blocks[0].line)
    return _finish(measured, spectra, header, source, warnings)


def _read_one(raw: bytes, block: Block, number: int, header: dict[str, str], source: Source) -> pl.DataFrame | None:
    """Read one table; None for one that the schema has no place for."""
    columns = block_columns(block)
    # VFP tables have a rate in place of times.
    timed = "test_time_second" in columns or block.name.startswith("VFP")
    if not block.is_spectrum and not (timed and "voltage_volt" in columns):
        return None
    frame, cells = read_block(raw, block, source)
    if "test_time_second" not in frame.columns and not block.is_spectrum:
        frame = frame.with_columns(_sampled(frame.height, header, block, source))
    if "test_time_second" in frame.columns:
        check_order(frame["test_time_second"], cells, source)
    if block.is_spectrum:
        return _number(frame, cells, source)
    return _name_step(frame, block, number, header)


def _sampled(rows: int, header: dict[str, str], block: Block, source: Source) -> pl.Series:
    """Return the times of records that were taken at a fixed rate."""
    try:
        rate = float(header.get("FREQ", "").replace(",", "."))
    except ValueError:
        rate = 0.0
    if not 0 < rate < np.inf:
        raise ParseError(source.name, "expected FREQ, the rate of the records", line=block.line)
    return pl.Series("test_time_second", np.arange(rows) / rate)


def _number(frame: pl.DataFrame, cells: pl.DataFrame, source: Source) -> pl.DataFrame:
    wrong = frame["frequency_hertz"] <= 0
    if wrong.any():
        row = wrong.arg_max() or 0
        detail = f"expected a positive frequency, found {frame['frequency_hertz'][row]}"
        raise ParseError(source.name, detail, line=cells["line"][row], column="Freq")
    index = pl.Series("spectrum_index", number_sweeps(frame["frequency_hertz"].to_numpy()), dtype=pl.Int64)
    return frame.with_columns(index)


def _name_step(frame: pl.DataFrame, block: Block, number: int, header: dict[str, str]) -> pl.DataFrame:
    """Say what the table's step did, as far as the file says it."""
    technique = header.get("TAG", "")
    frame = frame.with_columns(pl.lit(number, dtype=pl.Int64).alias("step_count"))
    kind = None
    if "current_ampere" not in frame.columns:
        frame, kind = frame.with_columns(pl.lit(0.0).alias("current_ampere")), "rest"
    elif MIXED not in technique:
        kind = next((ours for word, ours in DIRECTIONS if word in technique), None)
    cycle = CYCLE.match(block.name)
    if cycle and technique == "CV":
        frame = frame.with_columns(pl.lit(int(cycle[1]), dtype=pl.Int64).alias("cycle_count"))
    return frame.with_columns(pl.lit(kind, dtype=STEP_TYPE).alias("step_type"))


def _go_on(frame: pl.DataFrame, clock: float, block: Block, warnings: list[str]) -> tuple[pl.DataFrame, float]:
    """Carry the clock on over a table whose times restart, and return its last time."""
    if "test_time_second" not in frame.columns or not frame.height:
        return frame, clock
    if frame["test_time_second"][0] < clock:
        # What passed between the tables, such as conditioning, is nowhere in the file.
        frame = frame.with_columns((pl.col("test_time_second") + clock).round(9))
        warnings.append(PAUSE.format(name=block.name))
    return frame, float(frame["test_time_second"][-1])


def _finish(
    measured: list[pl.DataFrame],
    spectra: list[pl.DataFrame],
    header: dict[str, str],
    source: Source,
    warnings: list[str],
) -> Reading:
    swept = 0
    for place, frame in enumerate(spectra):
        spectra[place] = frame.with_columns(pl.col("spectrum_index") + swept)
        swept = spectra[place]["spectrum_index"][-1] if frame.height else swept
    about = _facts(header)
    start, warning = _start(header, source)
    frames = []
    for tables in (measured, spectra):
        frame = pl.concat(tables, how="diagonal") if tables else pl.DataFrame()
        if start is not None and "test_time_second" in frame.columns:
            frame = frame.with_columns((pl.col("test_time_second") + start).alias("unix_time_second"))
        frames.append(drop_empty(frame))
    if start is not None:
        about["start_time"] = iso_utc(start)
    # Without a start there is no wall clock; test times stand by themselves.
    told = (*warnings, warning) if warning else tuple(warnings)
    rows, points = (frame if frame.width else empty for frame, empty in zip(frames, EMPTY, strict=True))
    return Reading(rows, points, about, told)


def _facts(header: dict[str, str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {ours: header[tag] for tag, ours in FACTS.items() if header.get(tag)}
    facts.setdefault("channel", header.get("PSTATSECTION", ""))
    versions = [f"{name} {header[tag]}" for tag, name in VERSIONS if header.get(tag)]
    if versions:
        facts["software"] = ", ".join(versions)
    return {key: fact for key, fact in facts.items() if fact}


def _start(header: dict[str, str], source: Source) -> tuple[float | None, str | None]:
    """Return the Unix time of the start, or why it is not known."""
    date, time = header.get("DATE", ""), header.get("TIME", "")
    if not date or not time:
        return None, None
    moment = parse_moment(f"{date} {time}", order=find_order([header.get(tag, "") for tag in DATES]))
    if moment is None:
        return None, f"the wall clock is left out: {date!r} may be month first or day first, or is no date"
    return unix_second(moment, source.zone), None


FORMAT = Format(
    "gamry_dta",
    "Gamry",
    frozenset({".dta"}),
    "both",
    sniff,
    read,
    lost="auxiliary inputs, set values, ranges, overload flags; the reverse sample of square waves; raw waves; the "
    "potential watched before a sweep",
)
