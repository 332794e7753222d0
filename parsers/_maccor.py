"""What all Maccor text exports share: the preamble, the headings of their dialects, their clocks and durations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from parsers._cells import Grid
from parsers._clock import iso_utc, unix_second, unix_seconds
from parsers.contract import Fact, Source

# Heading in lower case -> what it holds; every dialect of the corpus (see maccor_txt).
HEADINGS: Final = {
    "rec#": "record_index",
    "rec": "record_index",
    "cyc#": "cycle_count",
    "cycle c": "cycle_count",
    "step": "step_id",
    "amp-hr": "capacity",
    "cap. [ah]": "capacity",
    "capacity(ah)": "capacity",
    "capacity": "capacity",
    "watt-hr": "energy",
    "ener. [wh]": "energy",
    "energy": "energy",
    "amps": "current",
    "current [a]": "current",
    "current(a)": "current",
    "current": "current",
    "volts": "voltage",
    "voltage [v]": "voltage",
    "voltage(v)": "voltage",
    "voltage": "voltage",
    "state": "state",
    "md": "state",
    "es": "source_flags",
    "dpt time": "clock",
    "dcir/ohms": "internal_resistance_ohm",
    **{f"temp {n}": f"temperature_t{n}_celsius" for n in range(1, 6)},
    **{f"aux #{n}": f"aux_{n}" for n in range(1, 6)},
}
TIME_HEADING: Final = re.compile(r"^(test|step) ?(?:time ?(?:\((?P<of_time>\w+)\))?|\((?P<alone>\w+)\))$")
TIME_ROLES: Final[tuple[str, ...]] = ("test_time", "step_time")
TIME_UNITS: Final = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hr": 3600.0}
BARE_HEADINGS: Final = frozenset({"capacity", "energy", "current", "voltage"})
NEEDED: Final = frozenset({"test_time", "step_id", "current", "voltage", "clock"})
NUMERIC: Final = frozenset({"current", "voltage", "capacity", "energy"})
PREAMBLE_LINES: Final = 40
VOLTAGE: Final = "volt"

# Label in the preamble -> key in `about`; a colon or a tab or comma at the line's start follows the label.
LABELS: Final = {
    "Today's Date": "export_date",
    "Date of Test": "started",
    "Started": "started",
    "Filename": "file",
    "Name": "test_name",
    "Tester Channel": "channel",
    "Channel": "channel",
    "Tester": "instrument",
    "Procedure": "schedule",
    "Description": "comment",
    "Comment/Barcode": "comment",
}
LABEL: Final = re.compile(
    r"(?:^|(?<=\s))("
    + "|".join(sorted(map(re.escape, LABELS), key=len, reverse=True))
    + r") *(?::[ \t,]*|(?=[\t,]))[\t,]?",
    re.MULTILINE,
)
# The extension of a result file is its channel, the folder above it the tester that backed it up.
BACKUP_PATH: Final = re.compile(r"(?:\\(?P<tester>[^\\]+)\\)?(?P<name>[^\\]+?)(?:\.(?P<channel>\d{3}))?$")

CLOCKS: Final = (
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%d-%b-%y %I:%M:%S %p",
    "%d-%b-%y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
)
STARTS: Final = (*CLOCKS, "%d %B %Y, %I:%M:%S %p", "%m/%d/%Y", "%d/%m/%Y")
DAY: Final = 86400
# The clock counts whole seconds, so an interval this long fixes the unit of time beyond doubt.
CLEAR_SECONDS: Final = 10.0
CLEAR_RATIO: Final = 0.1
DAY_FIRST: Final = "the wall clock is read day before month, as sites with decimal commas write it"


@dataclass(frozen=True)
class Export:
    """How one Maccor text file is laid out.

    Args:
        grid: where its table lies.
        units: seconds in a unit of ``test_time`` and ``step_time``; None where the heading names no unit.
        bare: whether current, voltage and capacity are headed without a unit.
        preamble: the text above the table.
    """

    grid: Grid
    units: dict[str, float | None]
    bare: bool
    preamble: str


def find_export(text: str) -> Export | None:
    """Find the heading line of a Maccor export in the first lines of a text, or None."""
    lines = text.split("\n")
    for number, line in enumerate(lines[:PREAMBLE_LINES]):
        # Every heading of a voltage says so; most lines of most files do not.
        if VOLTAGE not in line.lower():
            continue
        separator = "\t" if "\t" in line else ","
        if line.count(separator) < len(NEEDED) - 1:
            continue
        headings = tuple(" ".join(heading.split()) for heading in line.strip("\r\ufeff").split(separator))
        roles = [_role(heading.lower()) for heading in headings]
        # Of two columns with one meaning the first counts.
        wanted = {role: roles.index(role) for role in roles if role}
        if wanted.keys() >= NEEDED:
            for role in [role for role in wanted if role.startswith("aux_")]:
                wanted[f"{role}_unit"] = wanted[role] + 1
            wanted = {role: place for role, place in wanted.items() if place < len(headings)}
            grid = Grid(number + 2, separator, headings, wanted, None if separator == "\t" else '"', NUMERIC)
            units = {role: _time_unit(headings[wanted[role]]) for role in TIME_ROLES if role in wanted}
            bare = headings[wanted["current"]].lower() in BARE_HEADINGS
            return Export(grid, units, bare, "\n".join(lines[:number]))
    return None


def read_facts(export: Export) -> dict[str, Fact]:
    """Return what the preamble says, by the keys of ``about``; padding bytes end a value."""
    found: dict[str, Fact] = {}
    text = export.preamble.replace("\r", "")
    marks = list(LABEL.finditer(text))
    for place, mark in enumerate(marks, start=1):
        end = marks[place].start() if place < len(marks) else len(text)
        value = re.split(r"[\x00-\x08\x0b-\x1f\x7f\n]", text[mark.end() : end])[0].strip(" \t,ÿ\ufffd")
        if value:
            found.setdefault(LABELS[mark[1]], value)
    return found


def label_channel(facts: dict[str, Fact]) -> dict[str, Fact]:
    """Complete instrument, test name and channel from the backup path, and join the channel's label."""
    path = BACKUP_PATH.search(str(facts.get("file", "")))
    if path is not None:
        known = {"instrument": path["tester"], "test_name": path["name"], "channel": path["channel"]}
        facts = {key: value.lstrip("0") if key == "channel" else value for key, value in known.items() if value} | facts
    if "channel" in facts and "instrument" in facts:
        return facts | {"channel": f"{facts['instrument']}-{facts['channel']}"}
    return facts


def start_facts(
    facts: dict[str, Fact], unix: pl.Series, time: pl.Series, source: Source, *, decimal_comma: bool
) -> dict[str, Fact]:
    """Replace the stated start by ``start_time`` in UTC: the preamble's if it has a time of day, else the first clock.

    Args:
        facts: with ``started``, the preamble's date of the test.
        unix: the records' wall clock.
        time: the records' test time.
        source: gives the zone.
        decimal_comma: as for :func:`clock_seconds`.
    """
    stated = _parse_start(str(facts.get("started", "")), source, decimal_comma=decimal_comma)
    rest = {key: value for key, value in facts.items() if key != "started"}
    if stated is not None and (stated.hour or stated.minute or stated.second):
        return rest | {"start_time": iso_utc(unix_second(stated, source.zone))}
    # A file that begins in the middle of a test does not know when the test began.
    if len(unix) and unix[0] is not None and time[0] == 0:
        return rest | {"start_time": iso_utc(unix[0])}
    return rest


def clock_seconds(
    text: pl.Series, started: str, source: Source, *, decimal_comma: bool
) -> tuple[pl.Series, str | None]:
    """Convert the records' wall clock to Unix time.

    Args:
        text: the clock column.
        started: the preamble's date of the test, for clocks without a date.
        source: gives the zone.
        decimal_comma: a site that writes decimal commas writes the day before the month.

    Returns:
        Unix time, null where a cell is no clock, and a warning or None.
    """
    best = _best_dates(text, _in_order(CLOCKS, decimal_comma))
    if best.null_count() < len(best):
        day_first = decimal_comma and text.str.contains("/", literal=True).any()
        return unix_seconds(best, source.zone), DAY_FIRST if day_first else None
    return _time_of_day(text, _parse_start(started, source, decimal_comma=decimal_comma), source)


def unit_from_clock(time: pl.Series, unix: pl.Series) -> float | None:
    """Return the seconds in a unit of test time as the file's own wall clock shows them, or None if it cannot tell."""
    if not (time != 0).any():
        return 1.0
    elapsed = unix - unix[0]
    ratio = (elapsed / (time - time[0])).filter((elapsed >= CLEAR_SECONDS) & (time > time[0])).median()
    fits = [unit for unit in TIME_UNITS.values() if isinstance(ratio, float) and abs(ratio / unit - 1) < CLEAR_RATIO]
    return fits[0] if fits else None


def clear_seconds(unix: pl.Series) -> bool:
    """Whether the wall clock runs for long enough to tell a unit of time, if it can."""
    known = unix.drop_nulls().to_numpy()
    return not len(known) or float(known.max() - known.min()) >= CLEAR_SECONDS


def _role(heading: str) -> str:
    timed = TIME_HEADING.match(heading)
    return f"{timed[1]}_time" if timed else HEADINGS.get(heading, "")


def _time_unit(heading: str) -> float | None:
    timed = TIME_HEADING.match(heading.lower())
    return TIME_UNITS.get(timed["of_time"] or timed["alone"] or "") if timed else None


def _in_order(patterns: tuple[str, ...], day_first: bool) -> list[str]:  # noqa: FBT001 one of two orders, private
    """Put the patterns that begin with the day before the others, or leave them behind."""
    return sorted(patterns, key=lambda pattern: day_first and not pattern.startswith("%d/"))


def _best_dates(text: pl.Series, patterns: list[str]) -> pl.Series:
    """Return the column under the first of the patterns that read most cells."""
    tried: list[pl.Series] = []
    for pattern in patterns:
        tried.append(text.str.to_datetime(pattern, time_unit="us", strict=False))
        if tried[-1].null_count() == text.null_count():
            break
    return min(tried, key=pl.Series.null_count)


def _parse_start(text: str, source: Source, *, decimal_comma: bool) -> datetime | None:
    for start in _in_order(STARTS, decimal_comma):
        try:
            return datetime.strptime(text, start).replace(tzinfo=source.zone).replace(tzinfo=None)
        except ValueError:
            continue
    return None


def _time_of_day(text: pl.Series, start: datetime | None, source: Source) -> tuple[pl.Series, str | None]:
    """Convert clocks without a date: the preamble's date, one day on whenever the clock falls back."""
    nothing = pl.Series("unix", [None] * len(text), dtype=pl.Float64)
    clock = text.str.to_time("%H:%M:%S", strict=False)
    if text.is_empty():
        return nothing, None
    if start is None or clock.null_count() == len(clock):
        return nothing, f"the wall clock {text.drop_nulls().first()!r} is of no known layout and left out"
    days = (clock.cast(pl.Int64).diff() < 0).fill_null(value=False).cum_sum()
    midnight = datetime(start.year, start.month, start.day)  # noqa: DTZ001 local until unix_seconds gives it the zone
    passed = clock.cast(pl.Int64) // 1000 + days.cast(pl.Int64) * DAY * 1_000_000
    local = (pl.Series([midnight]).dt.cast_time_unit("us").cast(pl.Int64)[0] + passed).cast(pl.Datetime("us"))
    return unix_seconds(local, source.zone), None
