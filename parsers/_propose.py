"""A proposal of a description for a table that no reader knows, as TOML to paste into ``settings.toml``.

Looked for in the file's first lines: the encoding, what parts the cells, the line of the headings, a line of units
below it, the decimal sign, and by their names what the columns are. Nothing that the file does not state is filled in:
units, the sign of the current, which counter a capacity is, states of other words stand there as ``"?"``, which the
reader refuses until somebody has said it.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

import polars as pl

from parsers._cells import split_headings
from parsers._dates import CLOCKS, DATES
from parsers._headings import STATES, suggest
from parsers._impedance import find_places, is_impedance
from parsers._states import name_state
from parsers._table import QUANTITIES, split_slash
from parsers._units import duration_seconds, is_duration, parse_unit, split_header

HEAD: Final = 1 << 16
MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# A Korean site's before a Japanese one's: nearly any bytes are text in either, and known words tell which.
ENCODINGS: Final = ("cp949", "cp932", "gb18030", "cp1252")
DELIMITERS: Final = {"\t": "tab", ";": ";", ",": ",", "|": "|"}
LEAST_COLUMNS: Final = 3
LEAST_ROWS: Final = 2
MOST_HEADINGS: Final = 200
MOST_STATES: Final = 20
NUMERIC_PART: Final = 0.5
PLAIN: Final = re.compile(r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$")
COMMA: Final = re.compile(r"^\s*[+-]?(?:\d+,\d*|,\d+)(?:[eE][+-]?\d+)?\s*$")
SUFFIX: Final = re.compile(r"^(?P<label>.+?)[ _](?P<unit>[^ _]+)$")
NAME: Final = re.compile(r"[^a-z0-9]+")
IMPEDANCE: Final = {
    "frequency": "frequency_hertz",
    "real": "real_impedance_ohm",
    "imaginary": "imaginary_impedance_ohm",
    "modulus": "modulus",
    "phase": "phase",
    "time": "test_time_second",
    "voltage": "bias_voltage_volt",
    "loop": "spectrum_index",
}
UNSAID: Final = "?"


@dataclass(frozen=True)
class Found:
    """A table in the first lines of a text.

    Args:
        delimiter: as a description names it.
        line: of the headings, from 1.
        headings: the cells of that line.
        units: those of a line of units below it, or nothing.
        rows: the first records.
    """

    delimiter: str
    line: int
    headings: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, place: int) -> list[str]:
        """Return the first cells of a column that hold anything."""
        cells = (row[place].strip() for row in self.rows if place < len(row))
        return [cell for cell in cells if cell]


def propose_description(path: str | PathLike[str]) -> str | None:
    """Return a description of the table in a file, as TOML; None where no table is found."""
    with Path(path).open("rb") as file:
        head = file.read(HEAD)
    if b"\0" in head.removeprefix(b"\xff\xfe") and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    encoding = _guess_encoding(head)
    # A decoder that goes on knows that the head may end inside a sign.
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head).removeprefix("\ufeff")
    # The last line may be cut, by us or by who writes it.
    found = _find_table(text[: text.rfind("\n") + 1].splitlines())
    return _write(found, encoding, Path(path).name) if found else None


def _guess_encoding(head: bytes) -> str:
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    fitting = [encoding for encoding in ("utf-8", *ENCODINGS) if _known_words(head, encoding) is not None]
    if fitting[:1] == ["utf-8"]:
        return "utf-8"
    return max(fitting, key=lambda encoding: _known_words(head, encoding) or 0, default="cp1252")


def _known_words(head: bytes, encoding: str) -> int | None:
    """Return how many names of columns and units a text has in an encoding; None where it is none."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None
    cells = re.split(r"[\t;,|\n]", text)[:MOST_HEADINGS]
    parts = [split_slash(cell.strip()) for cell in cells]
    return sum(bool(suggest(label)) + bool(parse_unit(unit)) for label, unit in parts)


def _find_table(lines: Sequence[str]) -> Found | None:
    """Return the table whose headings are best known; of equals the one with more columns."""
    tables = [_find_with(lines, sign, name) for sign, name in DELIMITERS.items()]
    tables.append(_find_with(["\t".join(line.split()) for line in lines], "\t", "blanks"))
    known = [table for table in tables if table is not None]
    return max(known, key=lambda table: (_count_known(table.headings), len(table.headings)), default=None)


def _count_known(headings: Sequence[str]) -> int:
    places = find_places(headings)
    return sum(bool(suggest(_label(heading)[0])) for heading in headings) + len(places) * is_impedance(places)


def _find_with(lines: Sequence[str], sign: str, name: str) -> Found | None:
    rows = [tuple(split_headings(line, sign)) for line in lines]
    for place, headings in enumerate(rows):
        width = len(headings)
        if width < LEAST_COLUMNS or _is_record(headings) or not _count_known(headings):
            continue
        below = rows[place + 1 :]
        units = below[0] if below and len(below[0]) <= width and _are_units(below[0]) else ()
        records = tuple(row for row in below[1 if units else 0 :] if row and abs(len(row) - width) <= 1)
        if len(records) >= LEAST_ROWS and _is_record(records[0]):
            return Found(name, place + 1, headings, units, records)
    return None


def _is_record(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    numbers = sum(bool(PLAIN.match(cell) or COMMA.match(cell)) for cell in filled)
    return bool(filled) and numbers >= NUMERIC_PART * len(filled)


def _are_units(cells: Sequence[str]) -> bool:
    filled = [cell.strip(" []()") for cell in cells if cell.strip()]
    return any(parse_unit(cell) for cell in filled) and not any(PLAIN.match(cell) for cell in filled)


def _label(heading: str) -> tuple[str, str]:
    """Return a heading's name and the unit that it states."""
    label, unit = split_slash(heading) if parse_unit(split_slash(heading)[1]) else split_header(heading)
    if unit:
        return label, unit
    tail = SUFFIX.match(heading.strip())
    # The last word is a unit only if it is one of what the name stands for.
    if tail and (named := parse_unit(tail["unit"])) and _quantity(suggest(tail["label"])) == named.quantity:
        return tail["label"], tail["unit"]
    return heading.strip(), ""


def _quantity(ours: Sequence[str]) -> str | None:
    return QUANTITIES.get(ours[0].rpartition("_")[2]) if ours else None


def _write(found: Found, encoding: str, name: str) -> str:
    cells = [cell for row in found.rows for cell in row]
    comma = found.delimiter != "," and sum(map(bool, map(COMMA.match, cells))) > 0
    places = find_places(found.headings)
    eis = is_impedance(places)
    columns = _eis_columns(found) if eis else _columns(found)
    head = {
        "name": _toml(NAME.sub("_", Path(name).stem.lower()).strip("_")[:30].lstrip("0123456789_") or "table"),
        "kind": _toml("eis" if eis else "cycling"),
        "delimiter": _toml(found.delimiter),
        "encoding": _toml(encoding),
        "header_row": str(found.line),
        **({"skip_rows": "1"} if found.units else {}),
        "decimal": _toml("," if comma else "."),
    }
    lines = [f'# Proposed for {name}. What stands as "?" the file does not say: put it in, then paste all of this into']
    lines += ["# settings.toml. Leave out header_row where the headings do not always stand in that line.", "[[table]]"]
    lines += [f"{key} = {value}" for key, value in head.items()]
    lines += ["", "[table.columns]", *columns]
    states = [] if eis else _states(found)
    return "\n".join([*lines, *(["", "[table.states]", *states] if states else []), ""])


def _columns(found: Found) -> list[str]:
    lines, taken = [], set[str]()
    for place, heading in enumerate(found.headings):
        label, unit = _label(heading)
        ours = [name for name in suggest(label) if name not in taken]
        unit = unit or (found.units[place].strip(" []()") if place < len(found.units) else "")
        if heading.strip() and ours:
            entry, note = _entry(found, place, ours, unit)
            if entry["to"] != UNSAID:
                taken.add(entry["to"])
            lines.append(f"{_key(found, place)} = {{ {_pairs(entry)} }}{f'  # {note}' if note else ''}")
        elif heading.strip():
            lines.append(f"# {_key(found, place)} is not known; without an entry it is left out")
    return lines


def _entry(found: Found, place: int, ours: Sequence[str], unit: str) -> tuple[dict[str, str], str]:
    """Return the entry of a column, and what to think of."""
    to, quantity = ours[0], _quantity(ours)
    if to in {"unix_time_second", "time_of_day"}:
        return {"to": to, "format": _clock_format(found.column(place), to)}, ""
    if to == "step_type":
        return {"to": to}, ""
    if quantity is None:
        return {"to": to}, ""
    entry = {"to": to if len(ours) == 1 else UNSAID, "unit": _unit(found, place, quantity, unit)}
    if to == "current_ampere":
        return entry | {
            "sign": UNSAID
        }, 'sign: 1 if positive charges the cell, -1 if it discharges, "state" if unsigned'
    return entry, f"one of {', '.join(ours)}" if len(ours) > 1 else ""


def _unit(found: Found, place: int, quantity: str, unit: str) -> str:
    if quantity == "time":
        cells = pl.Series(found.column(place), dtype=pl.String)
        if is_duration(unit) or (cells.len() and not duration_seconds(cells).has_nulls()):
            return "hh:mm:ss"
    named = parse_unit(unit)
    return unit if named is not None and named.quantity == quantity else UNSAID


def _clock_format(cells: Sequence[str], to: str) -> str:
    """Return the only pattern that all moments of the head fit, or a question."""
    clocks = [clock.replace("%S%.f", f"%S{tail}") for clock in CLOCKS for tail in ("", ".%f")]
    patterns = clocks if to == "time_of_day" else [f"{date} {clock}" for date in DATES for clock in clocks]
    patterns += [] if to == "time_of_day" else [pattern.replace(" ", "T", 1) for pattern in patterns]
    known = pl.Series(list(dict.fromkeys(cells)), dtype=pl.String)
    fitting = [pattern for pattern in dict.fromkeys(patterns) if known.len() and _fits(known, pattern, to)]
    # Day and month may change places, and nothing in a few lines tells.
    return fitting[0] if len(fitting) == 1 else UNSAID


def _fits(known: pl.Series, pattern: str, to: str) -> bool:
    plain = pattern.replace(".%f", "%.f")
    if ".%f" in pattern and not known.str.contains(r":\d\d\.\d").all():
        return False
    if to == "time_of_day":
        known, plain = "2000-01-01 " + known, f"%Y-%m-%d {plain}"
    return not known.str.to_datetime(plain, strict=False).has_nulls()


def _states(found: Found) -> list[str]:
    place = next((n for n, each in enumerate(found.headings) if suggest(_label(each)[0])[:1] == ("step_type",)), None)
    if place is None:
        return []
    words = Counter(found.column(place))
    said = {word: name_state(word, STATES) for word in list(words)[:MOST_STATES]}
    lines = [f"{_toml(word)} = {_toml(UNSAID if ours == 'other' else ours)}" for word, ours in said.items()]
    return [*lines, "# further states that come later in the file have to be listed too"]


def _eis_columns(found: Found) -> list[str]:
    lines = []
    for role, place in find_places(found.headings).items():
        if role not in IMPEDANCE:
            continue
        known = place.unit is not None or role == "loop" or (role == "phase" and place.text)
        entry = {"to": IMPEDANCE[role]} | ({} if role == "loop" else {"unit": place.text if known else UNSAID})
        entry |= {"sign": "-1"} if place.sign < 0 else {}
        lines.append(f"{_key(found, place.index)} = {{ {_pairs(entry)} }}")
    return lines


def _key(found: Found, place: int) -> str:
    heading = found.headings[place].strip()
    alone = sum(each.strip() == heading for each in found.headings) == 1
    return _toml(heading if alone else f"#{place + 1}")


def _pairs(entry: dict[str, str]) -> str:
    return ", ".join(f"{key} = {value if value in {'1', '-1'} else _toml(value)}" for key, value in entry.items())


def _toml(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in plain) + '"'
