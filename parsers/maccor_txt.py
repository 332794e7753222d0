"""Maccor text exports, tab or comma separated; models and software versions are not in the files.

Seen: tests of 2016-2023 (extensions .txt, .csv and .NNN, the channel's number), in six dialects:

===================  =====================================================  ==========================  =============
preamble             headings                                               time                        current
===================  =====================================================  ==========================  =============
one line, tabs       Rec# Cyc# Step Test (Min) Step (Min) Amp-hr Watt-hr    minutes                     unsigned
                     Amps Volts State ES DPt Time
one line, tabs       the same with Test (Sec), then Loop1..4 ACImp/Ohms     seconds                     signed
                     DCIR/Ohms WF... Range VAR1..15
one or three lines   the same with TestTime StepTime, Aux #n and Units      ``  0d 00:00:5.25``         unsigned
key, tab, value      Rec, Cycle P, Cycle C, Step, TestTime, StepTime,       minutes, by the wall clock  unsigned
                     Cap. [Ah], Ener. [Wh], Current [A], Voltage [V], Md,
                     ES, DPT Time, VAR1..15
two lines, commas    Rec, Cycle C, Step, Test Time (sec), Step Time (sec),  seconds                     no state
                     Capacity, Energy, Current, Voltage, DPT Time, Temp 1
none, commas         Cyc#, Step, TestTime(s), StepTime(s), Capacity(Ah),    seconds, thousands comma    no state
                     Watt-hr, Current(A), Voltage(V), DPt Time, Temp 1
===================  =====================================================  ==========================  =============

* State (Md): C charge, D discharge, R rest, P pause, S suspended, O end of test, FRA impedance sweep. During a sweep
  the tester repeats one record with test time standing still; the sweep itself is another file (``maccor_eis``).
* Sign: where the D records' currents sum to less than nothing the file is signed already; otherwise D is negated.
  Without a State column the current is taken as written, and refused if voltage falls while it should rise.
* Currents at rest of up to 1 % of the file's largest have no direction where the file is unsigned; they are kept as
  written, with a warning. Larger ones in a state without direction are refused.
* ES: reason of the record, kept in ``source_flags``. 128 and above ends a step: in all files here with ES, these are
  exactly the last records of the steps as counted here, save where the file itself ends in a step.
* Amp-hr and Watt-hr are unsigned and restart with every step: true of all steps of all files here (and equal to
  the current's integral: median deviation below 1e-4), except inside the pulse blocks of two files from the tester
  ARGONNE_15, where the counter runs on through discharge pulse, rest and charge pulse and *falls* while charging.
  Such steps lose their counter, with a warning.
* Time: a heading without a unit (``TestTime 1.000000``) is measured against the file's own wall clock, never assumed.
  Durations carry single-precision noise (``51.5699996948242``); rounding to 0.1 ms gives back what was stored.
* The extension of the file name in the preamble is the channel (``...015.053`` beside ``Channel: 53``).
* DPt Time: month first; day first where decimals have a comma; some exports hold the time of day alone, and the
  preamble's date is then the first day. Temperatures near -2500 °C mark an unconnected sensor: null.
* DCIR/Ohms is 0 in every record seen, hence a zero is taken for not measured: null.
* A cut-off last line is left out with a warning, and so is a last line without line end that cannot be read.
* Unknown: Range, WF columns (waveform), VAR and Loop columns, ACImp's frequency; not read.

Known from the corpus files; the words for States P, S and O are second-hand. Units of the bare
headings, day before month, and what a zero resistance means are readings of ours, not statements of the maker.
"""

from __future__ import annotations

from functools import partial
from typing import BinaryIO, Final

import numpy as np
import polars as pl

from parsers._cells import LINE, check_order, counts, numbers, read_table
from parsers._few_rows import holds
from parsers._lines import excerpt_lines
from parsers._maccor import (
    Export,
    clear_seconds,
    clock_seconds,
    find_export,
    label_channel,
    read_facts,
    start_facts,
    unit_from_clock,
)
from parsers._units import duration_seconds
from parsers.contract import HEAD_BYTES, Excerpt, Format, Known, Peek, Reading, Source, as_text
from warehouse.errors import ContradictionError, ParseError
from warehouse.schema import STEP_TYPE

STATES: Final = {
    "C": "charge",
    "D": "discharge",
    "R": "rest",
    "P": "pause",
    "S": "pause",
    "O": "other",
    "FRA": "eis",
}
COUNTERS: Final = {"capacity": "capacity_ah", "energy": "energy_wh"}
COUNTS: Final = ("record_index", "cycle_count", "step_id", "source_flags")
LAST_STEP_CODE: Final = 128
# Test times are stored to 0.1 ms at best; minutes carry two decimals more.
DURATION_DECIMALS: Final = 4
TIME_DECIMALS: Final = 6
ABSOLUTE_ZERO: Final = -273.15
# Part of the largest current that a change must exceed to show the sign.
JUMP: Final = 0.1
# Of the file's largest current: less than this at rest is what the channel shows of itself.
IDLE_SHARE: Final = 0.01
IDLE: Final = "{count} records at rest show up to {most:.3g} A without a direction; they are kept as written"
BARE: Final = "current, voltage, capacity and energy are headed without a unit and read as A, V, Ah and Wh"


def sniff(peek: Peek) -> bool:
    """Whether the first lines hold Maccor's headings."""
    return find_export(peek.text) is not None


def read(source: Source) -> Reading:
    """Read a Maccor text export.

    Raises:
        ParseError: no headings, a cell that is no number, time that goes back, a time unit that cannot be told.
        ContradictionError: the current's sign contradicts the states or the voltage.
    """
    export = find_export(Peek(source.path, source.name).text)
    if export is None:
        raise ParseError(source.name, "expected Maccor's headings, found none", line=1)
    return read_table(source, export.grid, partial(_read_records, source, export))


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown export; whether currents are signed is decided by all its records."""
    # A first record before the middle of a step would look like a counter that was not set back.
    return excerpt_lines(file, known, _count_above, decided=frozenset({"current_ampere"}), first_records=0)


def _count_above(head: bytes) -> int | None:
    export = find_export(as_text(head[:HEAD_BYTES]))
    return export.grid.first_line - 1 if export else None


def _read_records(source: Source, export: Export, cells: pl.DataFrame) -> Reading:
    facts = label_channel(read_facts(export))
    # Numbers and dates follow one setting of the tester's computer, so both readers are told.
    comma = _decimal_comma(cells, export)
    unix, clock_warning = clock_seconds(cells["clock"], str(facts.get("started", "")), source, decimal_comma=comma)
    plain, temperature_warnings = _read_plain(cells, source, comma=comma)
    times = _read_times(cells, export, unix, source, comma=comma)
    frame = pl.DataFrame([*times, *plain, unix.alias("unix_time_second")])
    check_order(frame["test_time_second"], cells, source)
    current, idle_warning = _sign_current(frame, cells, source)
    frame = frame.with_columns(_count_steps(frame), current)
    frame, counter_warning = _split_counters(frame)
    warnings = [
        clock_warning,
        BARE if export.bare else None,
        *temperature_warnings,
        counter_warning,
        idle_warning,
    ]
    return Reading(
        measurements=_finish(frame),
        about=start_facts(facts, unix, frame["test_time_second"], source, decimal_comma=comma),
        warnings=tuple(warning for warning in warnings if warning),
    )


def _decimal_comma(cells: pl.DataFrame, export: Export) -> bool:
    """Whether commas are decimal signs: voltages never reach thousands, and commas that split cells cannot be."""
    voltage = cells["voltage"]
    text = export.grid.separator == "\t" and voltage.dtype == pl.String
    return text and bool(voltage.str.contains(",", literal=True).any())


def _read_times(
    cells: pl.DataFrame, export: Export, unix: pl.Series, source: Source, *, comma: bool
) -> list[pl.Series]:
    """Read test time and step time in seconds, in whichever way the dialect writes them."""
    unstated = _unstated_unit(cells, export, unix, source, comma=comma)
    return [
        _read_seconds(cells, role, unit or unstated, source, comma=comma).alias(f"{role}_second")
        for role, unit in export.units.items()
    ]


def _unstated_unit(cells: pl.DataFrame, export: Export, unix: pl.Series, source: Source, *, comma: bool) -> float:
    """Return the seconds in a unit that the headings do not name, from the wall clock."""
    if export.units["test_time"] is not None or _are_durations(cells["test_time"]).any():
        return 1.0
    unit = unit_from_clock(numbers(cells, "test_time", source, decimal_comma=comma, required=True), unix)
    if unit is None:
        detail = "the unit of TestTime is not stated and the wall clock cannot tell it"
        # The first seconds of a test do not tell it yet.
        code = None if clear_seconds(unix) else "incomplete_file"
        raise ParseError(source.name, detail, code=code, line=export.grid.first_line, column="test_time")
    return unit


def _are_durations(text: pl.Series) -> pl.Series:
    return text.str.contains("d", literal=True).fill_null(value=False)


def _read_seconds(cells: pl.DataFrame, role: str, unit: float, source: Source, *, comma: bool) -> pl.Series:
    """Read one time column; durations and plain numbers may stand in the same one."""
    text = cells[role]
    if holds(text, ":"):
        durations = duration_seconds(text).round(DURATION_DECIMALS)
        plain = cells.with_columns(text.set(durations.is_not_null(), None))
        values = numbers(plain, role, source, decimal_comma=comma) * unit
        seconds = durations.zip_with(durations.is_not_null(), values.round(TIME_DECIMALS))
    else:
        seconds = (numbers(cells, role, source, decimal_comma=comma) * unit).round(TIME_DECIMALS)
    if role == "test_time" and seconds.has_nulls():
        row = seconds.is_null().arg_max() or 0
        raise ParseError(source.name, "expected a time, found nothing", line=cells[LINE][row], column=role)
    return seconds


def _read_plain(cells: pl.DataFrame, source: Source, *, comma: bool) -> tuple[list[pl.Series], list[str]]:
    """Read every column that needs no other one, and warn of auxiliary inputs that are no temperatures."""
    read = [counts(cells, name, source, decimal_comma=comma) for name in COUNTS if name in cells.columns]
    for name, ours in (("voltage", "voltage_volt"), ("current", "current_ampere")):
        read.append(numbers(cells, name, source, decimal_comma=comma, required=True).alias(ours))
    read += [numbers(cells, name, source, decimal_comma=comma) for name in COUNTERS if name in cells.columns]
    if "internal_resistance_ohm" in cells.columns:
        resistance = numbers(cells, "internal_resistance_ohm", source, decimal_comma=comma)
        read.append(resistance.set(resistance == 0, None))
    if "state" in cells.columns:
        read.append(cells["state"])
    temperatures, warnings = _read_temperatures(cells, source, comma=comma)
    return read + temperatures, warnings


def _read_temperatures(cells: pl.DataFrame, source: Source, *, comma: bool) -> tuple[list[pl.Series], list[str]]:
    read: dict[str, pl.Series] = {}
    warnings = []
    for name in cells.columns:
        number = name.removeprefix("aux_")
        if number.isdigit() and set(cells[f"{name}_unit"].drop_nulls().unique()) - {"C"}:
            warnings.append(f"auxiliary input {number} is not in °C and left out")
        elif number.isdigit() or name.startswith("temperature_"):
            degrees = numbers(cells, name, source, decimal_comma=comma)
            ours = f"temperature_t{number}_celsius" if number.isdigit() else name
            read[ours] = degrees.set(degrees < ABSOLUTE_ZERO, None).alias(ours)
    return list(read.values()), warnings


def _count_steps(frame: pl.DataFrame) -> pl.Expr:
    """Count executed steps: the schedule's step or the cycle changes, or the same step ends and begins anew."""
    begins = pl.col("step_id").ne_missing(pl.col("step_id").shift())
    if "cycle_count" in frame.columns:
        begins |= pl.col("cycle_count").ne_missing(pl.col("cycle_count").shift())
    if {"source_flags", "step_time_second"} <= set(frame.columns):
        # A suspended step goes on with its time, a repeated one starts from zero.
        ended = pl.col("source_flags").shift() >= LAST_STEP_CODE
        begins |= (ended & (pl.col("step_time_second").diff() < 0)).fill_null(value=False)
    return begins.cast(pl.Int64).cum_sum().alias("step_count")


def _sign_current(frame: pl.DataFrame, cells: pl.DataFrame, source: Source) -> tuple[pl.Series, str | None]:
    """Return the current with charging positive, by the states or, without them, as written; and a warning."""
    current = frame["current_ampere"]
    if "state" not in frame.columns:
        _check_direction(frame, source)
        return current, None
    state = frame["state"].fill_null("")
    charging, discharging = state == "C", state == "D"
    # The sum decides, so that noise around zero in a few records cannot turn a whole file.
    if current.filter(discharging).sum() < 0:
        if current.filter(charging).sum() < 0:
            raise ContradictionError(source.name, "charge and discharge records are both negative", code="sign")
        return current, None
    unknown = ~(charging | discharging) & (current != 0)
    flows = unknown & (current.abs() > IDLE_SHARE * float(np.max(np.abs(current.to_numpy()), initial=0.0)))
    if flows.any():
        row = flows.arg_max() or 0
        detail = f"{current[row]} A flow in state {state[row]!r}, and the file does not say in which direction"
        raise ParseError(source.name, detail, line=cells[LINE][row], column="current")
    # Kept as written, what a channel shows of itself at rest makes floors larger and never smaller.
    idle = current.filter(unknown).to_numpy()
    warning = IDLE.format(count=len(idle), most=float(idle.max())) if len(idle) else None
    return current.zip_with(~discharging | (current == 0), -current), warning


def _check_direction(frame: pl.DataFrame, source: Source) -> None:
    """Refuse a current without state that goes against the voltage: charging raises it."""
    current, voltage = frame["current_ampere"].to_numpy(), frame["voltage_volt"].to_numpy()
    change = np.diff(current)
    # Only jumps tell: while current decays at constant voltage both changes are noise.
    jumps = np.abs(change) > JUMP * np.max(np.abs(current), initial=0.0)
    if float(np.sum((change * np.diff(voltage))[jumps])) < 0:
        raise ContradictionError(source.name, "voltage falls when current rises: discharge is positive", code="sign")


def _split_counters(frame: pl.DataFrame) -> tuple[pl.DataFrame, str | None]:
    """Give each step's unsigned counters to the direction of the step; leave out those that did not restart."""
    present = [name for name in COUNTERS if name in frame.columns]
    # The state and not the current decides: a step's first and last record may stand at 0 A.
    if "state" in frame.columns:
        ways = {"charging": pl.col("state") == "C", "discharging": pl.col("state") == "D"}
    else:
        ways = {"charging": pl.col("current_ampere") > 0, "discharging": pl.col("current_ampere") < 0}
    own = _restarted(frame, present)
    split = frame.drop(present).with_columns(
        frame.select(pl.when(flows & own[name]).then(name)).to_series().alias(f"step_{way}_{COUNTERS[name]}")
        for name in present
        for way, flows in ways.items()
    )
    flowing = frame.select(pl.any_horizontal(*ways.values()).fill_null(value=False)).to_series()
    lost = max(((flowing & ~own[name]).sum() for name in present), default=0)
    warning = f"{lost} records of pulse blocks have counters that did not restart with their step; these are left out"
    return split, warning if lost else None


def _restarted(frame: pl.DataFrame, names: list[str]) -> dict[str, pl.Series]:
    """For each counter, whether the record's step began it anew and never lowered it."""
    before = frame.with_columns(pl.col(name).shift().alias(f"before_{name}") for name in names)
    found = {}
    for name in names:
        # A reading that starts no lower than the last one ended was not set back.
        first, held = pl.col(name).first(), pl.col(f"before_{name}").first()
        carried = ((first > 0) & (held > 0) & (first >= held)).fill_null(value=False)
        fell = (pl.col(name).diff() < 0).any()
        found[name] = before.select(~(carried | fell).over("step_count")).to_series()
    return found


def _finish(frame: pl.DataFrame) -> pl.DataFrame:
    """Name the states in the schema's words and leave out columns without a value."""
    if "state" in frame.columns:
        states = pl.col("state").replace_strict(STATES, default="other", return_dtype=STEP_TYPE)
        frame = frame.with_columns(pl.when(pl.col("state").is_not_null()).then(states).alias("step_type")).drop("state")
    empty = [column.name for column in frame if frame.height and column.null_count() == frame.height]
    return frame.drop(empty)


FORMAT = Format(
    "maccor_txt",
    "Maccor",
    frozenset({".txt", ".csv", ".001"}),
    "cycling",
    sniff,
    read,
    version=2,
    lost="Loop, Range, WF, VAR and ACImp columns; auxiliary inputs beyond the fifth and those that are no temperatures",
    excerpt=excerpt,
)
