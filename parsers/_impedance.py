"""Tables of frequency and impedance, whoever wrote them: names of columns, signs, sweeps.

Names are compared without case, blanks and underscores; primes and quotes are the same marks as in ``Z'`` and ``Z''``.
A minus before a name (``-Z''``, ``-Im(Z)``) turns the column's sign; without one the imaginary part is taken as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._cells import LINE, numbers
from parsers._numbers import Doubles, shortest_decimals
from parsers._table import drop_empty
from parsers._units import Unit, parse_unit, split_header
from parsers.contract import Source
from warehouse.errors import ContradictionError, ParseError

NAMES: Final[Mapping[str, frozenset[str]]] = {
    "frequency": frozenset({"f", "freq", "freq.", "frequency", "frequenz"}),
    "real": frozenset({"z'", "zre", "zreal", "re(z)", "re[z]", "rez", "real", "realz", "zr", "re", "realpart"}),
    "imaginary": frozenset(
        {"z''", "zim", "zimag", "zimg", "im(z)", "im[z]", "imz", "imag", "imagz", "zi", "im", "zimaginary", "imaginary"}
        | {"imagpart", "imaginarypart"}
    ),
    "modulus": frozenset({"|z|", "z", "zmod", "mod(z)", "abs(z)", "zabs", "modulus", "magnitude"}),
    "phase": frozenset({"phase", "phase(z)", "phasez", "theta", "theta(z)", "arg(z)", "zphz", "phz", "phaseangle"}),
    "time": frozenset({"time", "t", "elapsedtime"}),
    "voltage": frozenset({"ewe", "<ewe>", "edc", "vdc", "dcvoltage", "dcpotential"}),
    "current": frozenset({"<i>", "idc", "i", "dccurrent"}),
    "loop": frozenset({"loop", "loopindex", "scan", "sweep", "spectrum"}),
}
# Phase and loop have units and meanings of their own.
QUANTITIES: Final = {
    "frequency": "frequency",
    "real": "resistance",
    "imaginary": "resistance",
    "modulus": "resistance",
    "time": "time",
    "voltage": "voltage",
    "current": "current",
}
SCHEMA: Final = {
    "frequency": "frequency_hertz",
    "real": "real_impedance_ohm",
    "imaginary": "imaginary_impedance_ohm",
    "time": "test_time_second",
    "voltage": "bias_voltage_volt",
    "current": "bias_current_ampere",
}
CARTESIAN: Final = frozenset({"frequency", "real", "imaginary"})
POLAR: Final = frozenset({"frequency", "modulus", "phase"})
DEGREES: Final = frozenset({"deg", "deg.", "°", "degree", "degrees"})
NUMBER: Final = re.compile(r"[-+.]?\d")
RADIANS: Final = frozenset({"rad", "radian", "radians"})
# Prime, curly and accented quotes for the apostrophe, and the typographic minus.
MARKS: Final = {
    "\u2032": "'",
    "\u2019": "'",
    "`": "'",
    "\u00b4": "'",
    '"': "''",
    "\u201d": "''",
    "\u2212": "-",
    "_": "",
    " ": "",
}
# Part of the modulus that real and imaginary part may be off what modulus and phase say; printing rounds them.
AGREES: Final = 0.02
# More turns than this part of the points are no sweeps but an order of another kind.
MOST_TURNS: Final = 0.25
SINGLE_DIGITS: Final = 1e-14


@dataclass(frozen=True)
class Place:
    """Where a role stands, with what its numbers are multiplied by.

    Args:
        index: of the column, from 0.
        heading: as the file writes it.
        unit: None for roles without a unit and for units that are not known.
        text: the unit as the file writes it.
        sign: -1 for a column that holds the negative.
    """

    index: int
    heading: str
    unit: Unit | None
    text: str = ""
    sign: float = 1.0


def find_places(headings: Sequence[str], stated: Mapping[str, str] | None = None) -> dict[str, Place]:
    """Find the roles among headings; ``stated`` holds the units that a format fixes where a heading names none."""
    found: dict[str, Place] = {}
    for index, heading in enumerate(headings):
        role, text, sign = _recognise(heading)
        if role and role not in found:
            text = text or (stated or {}).get(role, "")
            found[role] = Place(index, heading.strip(), parse_unit(text), text, sign)
    return found


def is_impedance(places: Mapping[str, Place]) -> bool:
    """Whether the roles make an impedance."""
    return places.keys() >= CARTESIAN or places.keys() >= POLAR


def read_points(cells: pl.DataFrame, places: Mapping[str, Place], source: Source) -> pl.DataFrame:
    """Convert the cells of the roles to columns of the spectra, with ``loop`` beside them where the file has one.

    Raises:
        ParseError: a unit that is not known, a cell that is no number.
        ContradictionError: modulus and phase do not fit real and imaginary part.
    """
    read = {role: _read(cells, role, place, source) for role, place in places.items() if role not in {"phase", "loop"}}
    # Only a phase whose unit is known can contradict anything.
    is_polar = not read.keys() >= CARTESIAN
    phase = _read_phase(cells, places, source, required=is_polar) if "phase" in places else None
    if is_polar:
        if phase is None:
            raise ParseError(source.name, "expected real and imaginary part or modulus and phase", line=1)
        # Polar form holds the same numbers; nothing is assumed by turning it.
        read["real"] = read["modulus"] * np.cos(phase)
        read["imaginary"] = read["modulus"] * np.sin(phase)
    elif "modulus" in read and phase is not None:
        _check_modulus(read, phase, cells, places, source)
    frame = pl.DataFrame({SCHEMA[role]: values for role, values in read.items() if role in SCHEMA}, nan_to_null=True)
    if "loop" in places:
        frame = frame.with_columns(numbers(cells, "loop", source, required=True))
    return frame


def to_spectra(points: pl.DataFrame, lines: pl.Series, source: Source) -> tuple[pl.DataFrame, list[str]]:
    """Number the sweeps of a table of points; points without a frequency are left out with a warning.

    Raises:
        ParseError: a frequency below zero.
    """
    frequency = points["frequency_hertz"].to_numpy()
    negative = np.flatnonzero(frequency < 0)
    if len(negative):
        row = int(negative[0])
        detail = f"expected a positive frequency, found {frequency[row]}"
        raise ParseError(source.name, detail, line=lines[row], column="frequency")
    still = frequency == 0
    kept = points.filter(~still) if still.any() else points
    if "loop" in kept.columns:
        # Loops count from 0 in some files and may lack one.
        index = np.unique(kept["loop"].to_numpy(), return_inverse=True)[1] + 1
        kept = kept[[name for name in kept.columns if name != "loop"]]
        if (np.diff(index) < 0).any():
            order = np.argsort(index, kind="stable")
            kept, index = kept[order], index[order]
    else:
        breaks = np.concatenate([[False], still])[:-1][~still]
        index = number_sweeps(frequency[~still], breaks)
    kept = kept.with_columns(pl.Series("spectrum_index", index, dtype=pl.Int64))
    warning = f"{still.sum()} points at frequency 0 are no impedance and are left out"
    return drop_empty(kept), [warning] if still.any() else []


def number_sweeps(frequency: Doubles, breaks: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Number sweeps from 1: a new one where the frequency turns back, or behind a break."""
    if not len(frequency):
        return np.zeros(0, dtype=np.int64)
    starts = np.zeros(len(frequency), dtype=bool)
    cut = np.zeros(len(frequency), dtype=bool) if breaks is None else breaks
    way = 0.0
    # Repeated frequencies are no turn.
    steps = np.sign(np.diff(np.log(frequency), prepend=np.log(frequency[0])))
    if not cut.any() and not ((steps > 0).any() and (steps < 0).any()):
        return np.ones(len(frequency), dtype=np.int64)
    for place in np.flatnonzero((steps != 0) | cut):
        if (cut[place] and place) or (way and steps[place] != way):
            starts[place], way = True, 0.0
        else:
            way = steps[place]
    turns = starts & ~cut
    # A list in no order would fall into as many sweeps as it has points.
    if turns.sum() > MOST_TURNS * len(frequency):
        starts &= cut
    return np.cumsum(starts) + 1


def meant_decimals(values: pl.Series) -> pl.Series:
    """Bring single precision that was printed with the digits of doubles back to the decimal that was meant."""
    plain = values.to_numpy().astype(np.float64)
    # Beyond single precision the comparison below fails, as it should.
    with np.errstate(over="ignore"):
        single = plain.astype(np.float32)
    known = np.isfinite(plain)
    if np.any(np.abs(single[known].astype(np.float64) - plain[known]) > SINGLE_DIGITS * np.abs(plain[known])):
        return values
    return pl.Series(values.name, shortest_decimals(single), nan_to_null=True)


@lru_cache(maxsize=4096)
def _recognise(heading: str) -> tuple[str | None, str, float]:
    """Return the role of a heading, its unit and its sign."""
    whole = heading.strip().strip('"')
    # Every text file's first lines are looked at, and most of their cells are numbers.
    if not whole or NUMBER.match(whole):
        return None, "", 1.0
    slash = whole.rpartition("/")
    # The whole heading first: Re(Z) is a name and no unit in brackets.
    for label, unit in ((whole, ""), (slash[0], slash[2]), split_header(whole)):
        plain = _fold(label)
        for name, sign in ((plain, 1.0), (plain.removeprefix("-"), -1.0)):
            role = next((role for role, names in NAMES.items() if name in names), None)
            if role:
                return role, unit, sign
    return None, "", 1.0


def _fold(label: str) -> str:
    plain = unicodedata.normalize("NFKC", label).lower().strip()
    for mark, ours in MARKS.items():
        plain = plain.replace(mark, ours)
    return plain


def _read(cells: pl.DataFrame, role: str, place: Place, source: Source) -> Doubles:
    if place.unit is None or place.unit.quantity != QUANTITIES[role]:
        detail = (
            f"{place.heading!r} names no unit of {QUANTITIES[role]} that is known; write it into the heading, "
            "as in freq/Hz, Re(Z)/Ohm, -Im(Z)/Ohm"
        )
        raise ParseError(source.name, detail, code="unknown_unit", line=_line(cells), column=place.heading)
    found = numbers(cells, role, source, required=role in CARTESIAN | POLAR)
    return place.unit.convert(found.to_numpy().astype(np.float64)) * place.sign


def _read_phase(cells: pl.DataFrame, places: Mapping[str, Place], source: Source, *, required: bool) -> Doubles | None:
    place = places["phase"]
    values = numbers(cells, "phase", source, required=required).to_numpy().astype(np.float64) * place.sign
    unit = place.text.strip().lower()
    if unit in DEGREES:
        return np.radians(values)
    if unit in RADIANS:
        return values
    if places.keys() >= CARTESIAN:
        return None
    detail = f"{place.heading!r} names neither degrees nor radians"
    raise ParseError(source.name, detail, code="unknown_unit", line=_line(cells), column=place.heading)


def _check_modulus(
    read: Mapping[str, Doubles], phase: Doubles, cells: pl.DataFrame, places: Mapping[str, Place], source: Source
) -> None:
    modulus = read["modulus"]
    # A single point may be misprinted; most of them are not.
    off = np.hypot(read["real"] - modulus * np.cos(phase), read["imaginary"] - modulus * np.sin(phase))
    wrong = np.flatnonzero(off > AGREES * np.abs(modulus))
    if len(wrong) > len(off) // 2:
        detail = "real and imaginary part do not fit modulus and phase: another unit, or another sign"
        line, column = cells[LINE][int(wrong[0])], places["imaginary"].heading
        raise ContradictionError(source.name, detail, line=line, column=column)


def _line(cells: pl.DataFrame) -> int:
    return int(cells[LINE][0]) if cells.height else 1
