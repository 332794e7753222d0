"""What a site says of a table that no reader knows: an entry ``[[table]]`` of its ``settings.toml``, as data.

::

    [[table]]
    name = "keithley"                      # read as the format table_keithley
    match = { heading = "Strom", file = "*.dat" }
    delimiter = ";"                        # one sign, "tab" or "blanks"
    encoding = "cp1252"
    header_row = 3                         # from 1; left out: wherever the headings stand; 0: none, columns are "#1" …
    skip_rows = 1                          # lines between headings and records, such as a line of units
    decimal = ","

    [table.columns]
    "Zeit/s" = { to = "test_time_second" } # a unit that the heading states need not be repeated
    "Strom" = { to = "current_ampere", unit = "µA", sign = -1 }
    "Spannung" = { to = "voltage_volt", unit = "mV" }
    "Status" = { to = "step_type" }

    [table.states]
    "CHA" = "charge"

The settings were checked for their keys and kinds when the home was opened. What is left is what only a reader knows:
units. An entry that says ``"?"`` or whose units are unknown is taken, so that its files wait under a reason that names
what is missing; the reader refuses them. Changed, it has another fingerprint, and what it refused is tried anew.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from parsers._table import DTYPES, QUANTITIES, split_slash
from parsers._units import is_duration, is_serial, parse_unit

PREFIX: Final = "table_"
UNSAID: Final = "?"
NUMBERED: Final = "#"
SEPARATORS: Final = {"tab": "\t", "blanks": "\t"}
BLANKS: Final = "blanks"
BY_STATE: Final = "state"
CLOCK: Final = "unix_time_second"
DATE, TIME_OF_DAY = "date", "time_of_day"
# Roles beside the schema's columns, and what an impedance is made of where real and imaginary part are not there.
EIS_ROLES: Final = {
    "frequency_hertz": "frequency",
    "real_impedance_ohm": "real",
    "imaginary_impedance_ohm": "imaginary",
    "modulus": "modulus",
    "phase": "phase",
    "test_time_second": "time",
    "bias_voltage_volt": "voltage",
    "bias_current_ampere": "current",
    "spectrum_index": "loop",
}
EIS_QUANTITIES: Final = {"modulus": "resistance", "phase": "angle"}
ANGLES: Final = frozenset({"deg", "°", "degree", "degrees", "rad", "radian", "radians"})
# Counts up when the reader of described tables would read some file differently.
READER_VERSION: Final = 1
FINGERPRINT_DIGITS: Final = 15


@dataclass(frozen=True)
class Described:
    """One column of a described table.

    Args:
        key: its heading, or ``#3`` for the third column.
        to: our column or role; ``?`` where nobody has said it yet.
        unit: as the description writes it; empty where the heading states it, or none is needed.
        sign: 1 or -1; ``state`` for a current without sign, whose state tells the direction; ``?``.
        format: of a date or clock, as ``strptime`` has it, or ``excel``, ``unix``, ``unix_ms``.
    """

    key: str
    to: str
    unit: str = ""
    sign: int | str = 1
    format: str = ""

    @property
    def quantity(self) -> str | None:
        """What its unit measures; None for counts, words and clocks."""
        if self.to in EIS_QUANTITIES:
            return EIS_QUANTITIES[self.to]
        return QUANTITIES.get(self.to.rpartition("_")[2]) if self.to in DTYPES and self.to != CLOCK else None

    @property
    def place(self) -> int | None:
        """Its place from 0 where the description names a number instead of a heading."""
        number = self.key.removeprefix(NUMBERED)
        return int(number) - 1 if self.key.startswith(NUMBERED) and number.isdigit() and int(number) else None

    @property
    def stated_unit(self) -> str:
        """The unit that the description gives, or else the heading itself."""
        return self.unit or split_slash(self.key)[1]


@dataclass(frozen=True)
class Description:
    """A table that a site describes; see the module's text for each entry."""

    name: str
    columns: tuple[Described, ...]
    kind: str = "cycling"
    match: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = UNSAID
    encoding: str = "utf-8"
    header_row: int | None = None
    skip_rows: int = 0
    decimal: str = "."
    thousands: str = ""
    quote: str = '"'
    missing: tuple[str, ...] = ()
    zone: str = ""
    instrument: str = ""
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def format_name(self) -> str:
        """The name of the format that it makes."""
        return f"{PREFIX}{self.name}"

    @property
    def separator(self) -> str:
        """The sign between cells, blanks already being tabs."""
        return SEPARATORS.get(self.delimiter, self.delimiter)

    @cached_property
    def fingerprint(self) -> int:
        """A number that is another one whenever the description or its reader is."""
        text = json.dumps([READER_VERSION, asdict(self)], sort_keys=True, ensure_ascii=False, default=dict)
        return int(hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_DIGITS], 16)

    @cached_property
    def unsaid(self) -> tuple[str, ...]:
        """What the reader has to know and the description does not say."""
        entries = {name: getattr(self, name) for name in ("kind", "delimiter", "encoding", "decimal")}
        open_entries = [name for name, value in entries.items() if value == UNSAID]
        open_entries += [] if _is_zone(self.zone) else [f"a time zone that is known ({self.zone!r} is none)"]
        open_entries += [f"the state {state!r}" for state, word in self.states.items() if word == UNSAID]
        return (*open_entries, *(lack for column in self.columns for lack in _lacks_of(column)))


def make_description(entry: Mapping[str, Any]) -> Description:
    """Make a description of an entry ``[[table]]`` that the settings' check let through."""
    plain = {key: value for key, value in entry.items() if key not in {"columns", "states"}}
    plain["missing"] = tuple(plain.get("missing", ()))
    states = {str(key).strip(): str(word) for key, word in entry.get("states", {}).items()}
    columns = tuple(_make_column(str(key), said) for key, said in entry.get("columns", {}).items())
    return Description(columns=columns, states=states, **plain)


def fold_heading(text: str) -> str:
    """Return a heading as it is compared: one kind of micro sign, single blanks, no quotes or mark around it."""
    plain = unicodedata.normalize("NFKC", text.replace("\0", "")).strip("\ufeff\"' \t\r\n")
    return " ".join(plain.split())


def _is_zone(name: str) -> bool:
    try:
        return not name or bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        return False


def _make_column(key: str, said: Mapping[str, Any]) -> Described:
    to = str(said["to"])
    # Which way a current counts is nowhere written in a file, so a description has to say it.
    sign = said.get("sign", UNSAID if to in {"current_ampere", "bias_current_ampere"} else 1)
    return Described(key, to, str(said.get("unit", "")), sign, str(said.get("format", "")))


def _lacks_of(column: Described) -> list[str]:
    """Return what a column's description leaves open."""
    mine = f"column {column.key!r}"
    said = {"to": column.to, "unit": column.unit, "sign": column.sign, "format": column.format}
    lacks = [f"{mine}: {name}" for name, value in said.items() if value == UNSAID]
    if column.to in {CLOCK, DATE, TIME_OF_DAY} and not column.format:
        lacks.append(f"{mine}: format")
    if column.quantity is not None and column.unit != UNSAID and not _is_known(column):
        what = repr(column.stated_unit) if column.stated_unit else "nothing"
        lacks.append(f"{mine}: a unit of {column.quantity} ({what} is none)")
    elif column.quantity is not None and _contradicts(column):
        lacks.append(f"{mine}: the unit, which is {column.unit!r} here and another one in the heading")
    return lacks


def _is_known(column: Described) -> bool:
    text = column.stated_unit
    if column.quantity == "angle":
        return text.lower() in ANGLES
    if column.quantity == "time" and (is_duration(text) or is_serial(text)):
        return True
    unit = parse_unit(text) if text else None
    return unit is not None and unit.quantity == column.quantity


def _contradicts(column: Described) -> bool:
    """Whether the heading itself states another unit of the same quantity."""
    written = parse_unit(split_slash(column.key)[1]) if column.unit and split_slash(column.key)[1] else None
    said = parse_unit(column.unit)
    return written is not None and said is not None and written.quantity == said.quantity and written != said
