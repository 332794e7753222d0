"""Tables of instruments that no reader knows, as a home's settings describe them: keys, kinds and names are checked.

What each entry means stands in ``docs/tables.md``. Units are not looked at here: the readers know them, and a
description that leaves one open (``"?"``) is no mistake in the settings but a question whose files wait in quarantine.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warehouse.errors import UsageError
from warehouse.schema import MEASUREMENTS, STEP_TYPES

UNSAID: Final = "?"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
KINDS: Final = ("cycling", "eis", UNSAID)
NAMED_DELIMITERS: Final = ("tab", "blanks")
CLOCKS: Final = ("unix_time_second", "date", "time_of_day")
EIS_TARGETS: Final = (
    "frequency_hertz",
    "real_impedance_ohm",
    "imaginary_impedance_ohm",
    "modulus",
    "phase",
    "test_time_second",
    "bias_voltage_volt",
    "bias_current_ampere",
    "spectrum_index",
)
TARGETS: Final = {"cycling": (*MEASUREMENTS.names, "date", "time_of_day"), "eis": EIS_TARGETS}
CARTESIAN: Final = frozenset({"frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm"})
POLAR: Final = frozenset({"frequency_hertz", "modulus", "phase"})
SIGNS: Final = (1, -1, "state", UNSAID)
SIGNED: Final = "current_ampere"
MOST_LINES: Final = 1000

Check = Callable[[Any], bool]


def check_tables(entries: Sequence[Any]) -> None:
    """Refuse descriptions that cannot be.

    Raises:
        UsageError: naming the table, the column and the entry.
    """
    names = set()
    for number, entry in enumerate(entries, start=1):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UsageError(f"table {number}: name has to be lower-case letters, digits and underscores, not {name!r}")
        if name in names:
            raise UsageError(f"table {name!r}: there are two of this name")
        names.add(name)
        _check_table(entry, f"table {name!r}")


def _check_table(entry: Mapping[str, Any], mine: str) -> None:
    _check_keys(entry, ENTRIES, mine)
    missing = [key for key in ("delimiter", "columns") if key not in entry]
    if missing:
        raise UsageError(f"{mine}: {' and '.join(missing)} must be given")
    _check_keys(entry.get("match", {}), MATCHES, f"{mine}, match")
    for heading, said in entry["columns"].items():
        _check_column(said, entry.get("kind", "cycling"), f"{mine}, column {heading!r}")
    for state, word in entry.get("states", {}).items():
        if word not in {*STEP_TYPES, UNSAID}:
            raise UsageError(f"{mine}, state {state!r}: {word!r} is none of {', '.join(STEP_TYPES)}")
    _check_signs(entry, mine)
    _check_targets(entry, mine)
    _check_places(entry, mine)


def _check_keys(entry: Mapping[str, Any], checks: Mapping[str, Check], mine: str) -> None:
    for key, value in entry.items():
        if key not in checks:
            raise UsageError(f"{mine}: there is no entry {key!r}; known are {', '.join(checks)}")
        if not checks[key](value):
            raise UsageError(f"{mine}: {key} cannot be {value!r}")


def _check_column(said: object, kind: str, mine: str) -> None:
    if not isinstance(said, dict) or "to" not in said:
        raise UsageError(f'{mine}: expected {{ to = "…", unit = "…" }}, found {said!r}')
    _check_keys(said, COLUMNS, mine)
    known = TARGETS.get(kind, (*TARGETS["cycling"], *EIS_TARGETS))
    if said["to"] not in {*known, UNSAID}:
        raise UsageError(f"{mine}: {said['to']!r} is no column of {kind} tables; docs/tables.md lists them")


def _check_signs(entry: Mapping[str, Any], mine: str) -> None:
    by_state = [heading for heading, said in entry["columns"].items() if said.get("sign") == "state"]
    typed = any(said["to"] == "step_type" for said in entry["columns"].values())
    if by_state and not typed:
        raise UsageError(f"{mine}, column {by_state[0]!r}: sign cannot come from the state without a column of states")
    if typed and not entry.get("states"):
        raise UsageError(f"{mine}: a column of states needs [table.states] that says what each of them is")


def _check_targets(entry: Mapping[str, Any], mine: str) -> None:
    targets = [said["to"] for said in entry["columns"].values()]
    twice = sorted({to for to in targets if targets.count(to) > 1 and to != UNSAID})
    if twice:
        raise UsageError(f"{mine}: two columns cannot both be {twice[0]}")
    if UNSAID in targets or entry.get("kind") == UNSAID:
        return
    found = frozenset(targets)
    if entry.get("kind") == "eis":
        if not (found >= CARTESIAN or found >= POLAR):
            raise UsageError(f"{mine}: an impedance needs {', '.join(sorted(CARTESIAN))}, or modulus and phase")
        return
    timed = found & {"test_time_second", "unix_time_second"} or {"date", "time_of_day"} <= found
    lacking = [name for name in ("voltage_volt", "current_ampere") if name not in found]
    lacking += [] if timed else ["test_time_second or unix_time_second"]
    if lacking:
        raise UsageError(f"{mine}: no column is {' or '.join(lacking)}")


def _check_places(entry: Mapping[str, Any], mine: str) -> None:
    headless = entry.get("header_row") == 0
    if headless and not all(re.fullmatch(r"#[1-9][0-9]{0,3}", heading) for heading in entry["columns"]):
        raise UsageError(f'{mine}: without headings columns are named by number, "#1", "#2", …')
    if headless and not {"file", "first_line"} & entry.get("match", {}).keys():
        raise UsageError(f"{mine}: without headings match has to say file or first_line")
    if not headless and all(heading.startswith("#") for heading in entry["columns"]):
        raise UsageError(f"{mine}: at least one column has to be named by its heading")
    decimal, others = entry.get("decimal", "."), (entry["delimiter"], entry.get("thousands"))
    if decimal in others and decimal != UNSAID:
        raise UsageError(f"{mine}: decimal cannot be {decimal!r}, which parts cells or thousands")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\n" not in value


def _is_sign(value: object) -> bool:
    return isinstance(value, str) and (len(value) == 1) and value.isprintable()


def _is_delimiter(value: object) -> bool:
    return value in NAMED_DELIMITERS or (_is_sign(value) and str(value).isascii() and not str(value).isalnum())


def _is_encoding(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        # Some codecs turn bytes into bytes, and those are no encodings of a text.
        return value == UNSAID or isinstance(b"".decode(codecs.lookup(value).name), str)
    except (LookupError, ValueError):
        return False


def _is_zone(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_line(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_LINES


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and bool(value)


ENTRIES: Final[dict[str, Check]] = {
    "name": _is_text,
    "kind": lambda value: value in KINDS,
    "match": _is_table,
    "delimiter": _is_delimiter,
    "encoding": _is_encoding,
    "header_row": _is_line,
    "skip_rows": _is_line,
    "decimal": lambda value: value in {".", ",", UNSAID},
    "thousands": lambda value: value in {".", ",", "'", " ", "\u00a0", ""},
    "quote": lambda value: value == "" or _is_sign(value),
    "missing": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "zone": _is_zone,
    "instrument": _is_text,
    "columns": _is_table,
    "states": _is_table,
}
MATCHES: Final[dict[str, Check]] = {"heading": _is_text, "file": _is_text, "first_line": _is_text}
COLUMNS: Final[dict[str, Check]] = {
    "to": _is_text,
    "unit": _is_text,
    "sign": lambda value: value in SIGNS and not isinstance(value, bool),
    "format": _is_text,
}
