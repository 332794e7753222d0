"""The Battery Data Format's vocabulary: headings in, our columns out; shared by its CSV and its Parquet files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from parsers._cells import LINE, check_order, numbers
from parsers._units import Unit, parse_unit
from parsers.contract import Reading, Source
from warehouse.errors import ContradictionError, ParseError
from warehouse.schema import MEASUREMENTS, STEP_TYPE, STEP_TYPES

# Ending of a machine name -> what it measures; names without such an ending are counts or words.
QUANTITIES: Final = {
    "second": "time",
    "volt": "voltage",
    "ampere": "current",
    "ah": "capacity",
    "wh": "energy",
    "watt": "power",
    "ohm": "resistance",
    "celsius": "temperature",
}
# Label or old machine name -> ours, where the words differ.
SYNONYMS: Final = {
    "charge_capacity": "charging_capacity_ah",
    "discharge_capacity": "discharging_capacity_ah",
    "charge_energy": "charging_energy_wh",
    "discharge_energy": "discharging_energy_wh",
    "step_index": "step_index",
}
DEPRECATED: Final = {"test_time_millisecond": "test_time_second", "unix_time_millisecond": "unix_time_second"}
MILLISECONDS: Final = Unit("time", shift=3)
REQUIRED: Final = frozenset(MEASUREMENTS.required)
COUNTS: Final = ("cycle_count", "step_count", "step_id", "step_index", "record_index", "source_flags")
SIGNED: Final = ("current_ampere", "power_watt", "net_capacity_ah", "net_energy_wh")
COUNTERS: Final = tuple(name for name in MEASUREMENTS.names if re.match(r"(dis)?charging_", name))

# The vocabulary of step types is open; these are the words that the format and its users name.
STEP_WORDS: Final = {word: word for word in STEP_TYPES} | {
    "ocv": "rest",
    "cc_chg": "charge_cc",
    "cc_dch": "discharge_cc",
    "cc_dchg": "discharge_cc",
    "cv_chg": "charge_cv",
    "cv_dch": "discharge_cv",
    "cv_dchg": "discharge_cv",
    "cccv_chg": "charge_cccv",
    "cccv_dch": "discharge_cccv",
    "cccv_dchg": "discharge_cccv",
}
# Below this part of the largest current a record says nothing about the sign.
SIGNIFICANT: Final = 1e-3
MICROSECONDS: Final = 6
# Beyond this, not every whole number is a double.
LARGEST: Final = 2**53


@dataclass(frozen=True)
class Heading:
    """Where one of our columns stands in a file.

    Args:
        place: its column, from 0.
        unit: the unit that its label names, None where the name itself is the unit's.
    """

    place: int
    unit: Unit | None


@dataclass(frozen=True)
class Headings:
    """What a file's headings mean: our columns, those nobody knows, and those whose unit nobody knows."""

    known: dict[str, Heading]
    unknown: tuple[str, ...]
    unreadable: tuple[str, ...]


def is_bdf(headings: Sequence[str]) -> bool:
    """Whether the three required columns are there, by machine name or by label."""
    return {name for name, _ in map(resolve_heading, headings)} >= REQUIRED


def read_headings(headings: Sequence[str], source: Source) -> Headings:
    """Find our columns by machine name (``voltage_volt``) or by label and unit (``Voltage / mV``).

    Raises:
        ParseError: a required column is missing or in a unit that is not known.
    """
    known: dict[str, Heading] = {}
    unknown, unreadable = [], []
    for place, heading in enumerate(headings):
        name, unit_text = resolve_heading(heading)
        unit = MILLISECONDS if heading.strip() in DEPRECATED else parse_unit(unit_text)
        if not name or name in known:
            unknown.append(heading)
        elif unit_text and (unit is None or unit.quantity != _quantity(name)):
            unreadable.append(heading)
        else:
            known[name] = Heading(place, unit)
    missing = sorted(REQUIRED - known.keys())
    if missing:
        raise ParseError(source.name, f"expected {missing[0]} in a known unit, found {list(headings)}", line=1)
    return Headings(known, tuple(unknown), tuple(unreadable))


def read_columns(cells: pl.DataFrame, headings: Headings, source: Source) -> Reading:
    """Turn a file's columns, under our names and with their lines, into a reading.

    Raises:
        ParseError: a cell is no number, or time goes back.
        ContradictionError: the step types contradict the sign of the current in some records only.
    """
    warnings = _heading_warnings(headings)
    frame = pl.DataFrame([_read_column(cells, name, heading, source) for name, heading in headings.known.items()])
    check_order(frame["test_time_second"], cells, source)
    for repair in (_whole_counts, _step_index, _step_counts, _dead_sensors, _resetting_counters):
        frame, found = repair(frame)
        warnings += found
    frame, found = _sign(frame, cells, source)
    empty = [column.name for column in frame if frame.height and column.null_count() == frame.height]
    return Reading(measurements=frame.drop(empty), warnings=(*warnings, *found))


def resolve_heading(heading: str) -> tuple[str, str]:
    """Return our name for a heading, or an empty one, and the unit that its label names."""
    plain = heading.strip().strip("\ufeff")
    name = DEPRECATED.get(plain, plain)
    if name in MEASUREMENTS.dtypes or name == "step_index":
        return name, ""
    label, slash, unit = plain.partition(" / ")
    base = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    name = SYNONYMS.get(base) or LABELS.get(base, "")
    # Without a unit only counts and words may stand; 1 is the unit of a count.
    if not _quantity(name):
        return (name, "") if unit.strip() in {"", "1"} else ("", "")
    return (name, unit.strip()) if slash else ("", "")


def _quantity(name: str) -> str:
    return QUANTITIES.get(name.rpartition("_")[2], "")


LABELS: Final = {name.rpartition("_")[0] if _quantity(name) else name: name for name in MEASUREMENTS.names}


def _heading_warnings(headings: Headings) -> list[str]:
    found = []
    if headings.unknown:
        found.append(f"columns that no table of ours has are left out: {', '.join(headings.unknown)}")
    if headings.unreadable:
        found.append(f"columns in unknown units are left out: {', '.join(headings.unreadable)}")
    return found


def _read_column(cells: pl.DataFrame, name: str, heading: Heading, source: Source) -> pl.Series:
    if name == "step_type":
        words = cells[name].cast(pl.String).str.to_lowercase().str.replace_all(r"[^a-z]+", "_").str.strip_chars("_")
        return words.replace_strict(STEP_WORDS, default="other", return_dtype=STEP_TYPE).set(words.is_null(), None)
    values = numbers(cells, name, source, required=name in REQUIRED)
    if heading.unit is None:
        return values
    converted = pl.Series(name, heading.unit.convert(values.to_numpy()), nan_to_null=True)
    # Hours printed to 15 digits leave a residue behind the microseconds.
    return converted.round(MICROSECONDS) if heading.unit.factor != 1 else converted


def _whole_counts(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Make counts integers; a count with a fraction is no count and is left out."""
    counts = [name for name in COUNTS if name in frame.columns]
    odd = {
        name: frame[name].filter((frame[name] != frame[name].floor()) | (frame[name].abs() > LARGEST))
        for name in counts
    }
    # One wrong value discredits the column: rounding the others would invent cycles.
    broken = [name for name, values in odd.items() if len(values)]
    warnings = [f"{name} holds {odd[name][0]:.10g}, which is no count; left out" for name in broken]
    whole = [pl.col(name).cast(pl.Int64) for name in counts if name not in broken]
    return frame.drop(broken).with_columns(whole), warnings


def _step_index(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Take step_index, deprecated and used in two senses, for the schedule's step unless it counts records."""
    if "step_index" not in frame.columns:
        return frame, []
    # A schedule's step lasts for several records; a number that changes with most of them counts them.
    changes = (frame["step_index"].diff() != 0).sum()
    if "step_id" in frame.columns:
        return frame.drop("step_index"), ["step_index stands beside step_id and is left out"]
    if frame.height > 1 and changes > frame.height / 2:
        return frame.drop("step_index"), ["step_index counts records within the step and is left out"]
    return frame.rename({"step_index": "step_id"}), []


def _step_counts(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Make step_count from the changes of step and cycle where the file has none or one that goes back."""
    warnings = []
    if "step_count" in frame.columns:
        if not (frame["step_count"].diff() < 0).any():
            return frame, []
        warnings = ["step_count goes back and is counted anew from the changes of step and cycle"]
        frame = frame.drop("step_count")
    # The type tells two steps apart that share a number, such as rest after charge.
    marks = [pl.col(name) for name in ("step_id", "cycle_count", "step_type") if name in frame.columns]
    if not marks:
        return frame, warnings
    begins = pl.any_horizontal(mark.ne_missing(mark.shift()) for mark in marks)
    count = (begins | (pl.int_range(pl.len()) == 0)).cast(pl.Int64).cum_sum()
    return frame.with_columns(count.alias("step_count")), warnings


def _dead_sensors(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Leave out temperatures that are zero in every record: nothing was connected."""
    dead = [
        name for name in frame.columns if _quantity(name) == "temperature" and frame.height and (frame[name] == 0).all()
    ]
    return frame.drop(dead), [f"{name} is 0 in every record: no sensor; left out" for name in dead]


def _resetting_counters(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Move counters that restart, though their name promises that they never do, to the name of what they do."""
    renamed, lost = {}, []
    for name in [name for name in COUNTERS if name in frame.columns and (frame[name].diff() < 0).any()]:
        prefix = _reset_prefix(frame, name)
        if prefix and f"{prefix}{name}" not in frame.columns:
            renamed[name] = f"{prefix}{name}"
        else:
            lost.append(name)
    warnings = []
    if renamed:
        moves = ", ".join(f"{name} as {ours}" for name, ours in renamed.items())
        warnings.append(f"counters that restart are kept under the name of what they do: {moves}")
    if lost:
        warnings.append(f"counters that fall at no known boundary are left out: {', '.join(lost)}")
    return frame.drop(lost).rename(renamed), warnings


def _reset_prefix(frame: pl.DataFrame, name: str) -> str:
    """Return the prefix of what the counter restarts with: every boundary must empty it, every fall must reach zero."""
    value, before = pl.col(name), pl.col(name).shift()
    for prefix, mark in (("step_", "step_count"), ("cycle_", "cycle_count")):
        if mark in frame.columns:
            boundary = pl.col(mark).ne(pl.col(mark).shift())
            kept = boundary & (before > 0) & (value >= before)
            # A step that is interrupted and resumed restarts its counter without being another step.
            halfway = ~boundary & (value < before) & (value != 0)
            if not frame.select((kept | halfway).any()).item():
                return prefix
    return ""


def _sign(frame: pl.DataFrame, cells: pl.DataFrame, source: Source) -> tuple[pl.DataFrame, list[str]]:
    """Turn the current round where every step type says so; refuse a file that only partly does."""
    if "step_type" not in frame.columns:
        return frame, []
    current, kind = frame["current_ampere"], frame["step_type"].cast(pl.String).fill_null("")
    clear = current.abs() > SIGNIFICANT * float(np.max(np.abs(current.to_numpy()), initial=0.0))
    charge, discharge = kind.str.starts_with("charge"), kind.str.starts_with("discharge")
    against = clear & ((charge & (current < 0)) | (discharge & (current > 0)))
    agreeing = clear & ((charge & (current > 0)) | (discharge & (current < 0)))
    if not against.any():
        return frame, []
    if agreeing.any():
        row = against.arg_max() or 0
        detail = (
            f"{against.sum()} records contradict their step type by the sign of the current, {agreeing.sum()} agree"
        )
        raise ContradictionError(source.name, detail, code="sign", line=cells[LINE][row], column="current_ampere")
    turned = [(-pl.col(name)).replace({-0.0: 0.0}) for name in SIGNED if name in frame.columns]
    return frame.with_columns(turned), ["current is positive in discharge steps throughout; its sign is turned round"]
