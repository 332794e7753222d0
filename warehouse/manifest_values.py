"""How a manifest's text becomes a value: numbers without guessing, units from the column's name, words, moments.

Numbers are shifted as decimals, so that 50.5 µAh is 5.05e-05 Ah to the last digit.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from warehouse.identity import FIRM_CODE

# Unit in a column's name → power of ten that leads to the SI unit.
AREAS: Final = {"mm2": -6, "cm2": -4, "m2": 0, "um2": -12, "square_metre": 0}
LENGTHS: Final = {"nm": -9, "um": -6, "mm": -3, "cm": -2, "m": 0, "metre": 0, "angstrom": -10, "å": -10}
CAPACITIES: Final = {"ah": 0, "mah": -3, "uah": -6, "nah": -9}
VOLTAGES: Final = {"volt": 0, "v": 0, "mv": -3}
CURRENTS: Final = {"ampere": 0, "a": 0, "ma": -3, "ua": -6, "na": -9, "pa": -12}
RESISTANCES: Final = {"ohm": 0, "kohm": 3, "megohm": 6, "gohm": 9, "tohm": 12}
FRACTIONS: Final = {"fraction": 0, "percent": -2, "pct": -2, "ppm": -6}
TEMPERATURES: Final = {"celsius": 0, "c": 0, "degc": 0}
TIMES: Final = {"second": 0, "s": 0, "ms": -3, "us": -6}
FREQUENCIES: Final = {"hertz": 0, "hz": 0, "khz": 3}

# An empty cell says nothing and changes nothing; one of these says that there is no value.
NO_VALUE: Final = frozenset({"-", "–", "—"})  # noqa: RUF001 spreadsheets turn a hyphen into one of these dashes
LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 10_000
LARGEST_COUNT: Final = 10_000_000
YEARS: Final = range(1970, 2200)

PLAIN: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?")
# One group of three after a comma may be thousands or decimals; these may not.
THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+|[+-]?[0-9]{1,3}(,[0-9]{3}){2,}")
DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[+-]?[0-9]*,[0-9]+")
EITHER: Final = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
MOMENT: Final = re.compile(
    r"([0-9]{4})[-./] ?([0-9]{1,2})[-./] ?([0-9]{1,2})\.?"
    r"(?:[t ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)? ?(z|[+-][0-9]{2}:?[0-9]{2})?"
)


class Unfit(ValueError):  # noqa: N818 it never leaves the manifest's own modules
    """A value that cannot be taken: the code of a refusal, what was found, and the column if it is another's."""

    def __init__(self, code: str, found: str, column: str = "") -> None:
        self.code = code
        self.found = found
        self.column = column
        super().__init__(f"{code}: {found}")


def read_quantity(text: str, exponent: int, *, positive: bool) -> float:
    """Return a number in its SI unit.

    Args:
        text: the number as written.
        exponent: power of ten of its unit.
        positive: whether zero and less are refused.
    """
    value = float(_to_decimal(text).scaleb(exponent))
    if not math.isfinite(value):
        raise Unfit("range", text)
    if positive and not value > 0:
        raise Unfit("positive", text)
    return value


def read_count(text: str) -> int:
    """Return a whole number."""
    value = _to_decimal(text)
    if abs(value) > LARGEST_COUNT:
        raise Unfit("range", text)
    if value != int(value):
        raise Unfit("whole", text)
    return int(value)


def read_number(text: str) -> float:
    """Return a number, whatever its sign."""
    return read_quantity(text, 0, positive=False)


def read_positive_count(text: str) -> int:
    """Return a whole number above zero."""
    value = read_count(text)
    if value < 1:
        raise Unfit("positive", text)
    return value


def read_name(text: str) -> str:
    """Return a name: no line break and nothing that cannot be seen."""
    if len(text) > LONGEST_NAME or any(unicodedata.category(sign) in {"Cc", "Cf"} for sign in text):
        raise Unfit("text", repr(text[:40]))
    return text


def read_text(text: str) -> str:
    """Return a free text."""
    if len(text) > LONGEST_TEXT or any(unicodedata.category(sign) == "Cc" and sign not in "\n\r\t" for sign in text):
        raise Unfit("text", repr(text[:40]))
    return text


def read_firm(text: str) -> str:
    """Return a firm's code."""
    if not FIRM_CODE.fullmatch(text):
        raise Unfit("firm_code", text[:LONGEST_NAME])
    return text


def one_of(words: Mapping[str, tuple[str, ...]]) -> Callable[[str], str]:
    """Return a reader of words: each key, in any case, and its other spellings."""
    spellings = {spelling: word for word, others in words.items() for spelling in (word, *others)}

    def read(text: str) -> str:
        folded = re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFKC", text).casefold())
        if folded not in spellings:
            raise Unfit("choice", f"{text[:40]}: {', '.join(words)}")
        return spellings[folded]

    return read


def read_yes(text: str) -> bool:
    """Return whether a word says yes; it must say yes or no."""
    return _YES_OR_NO(text) == "yes"


def read_moment(text: str) -> datetime:
    """Return a moment; one that names no offset is the site's own wall clock and comes without a zone."""
    found = MOMENT.fullmatch(" ".join(unicodedata.normalize("NFKC", text).casefold().split()))
    if found is None or int(found[1]) not in YEARS:
        raise Unfit("moment", text[:40])
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    microsecond = int((found[7] or "").ljust(6, "0")[:6])
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, _read_offset(found[8]))
    except ValueError as error:
        raise Unfit("moment", text[:40]) from error


def as_number(text: str) -> float | None:
    """Return the number that a free value is, or None if it is none or may be two."""
    try:
        return read_quantity(text, 0, positive=False)
    except Unfit:
        return None


_YES_OR_NO: Final = one_of({"yes": ("y", "true", "1", "예", "유"), "no": ("n", "false", "0", "아니오", "무")})


def _to_decimal(text: str) -> Decimal:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{MINUS SIGN}", "-")
    if EITHER.fullmatch(folded):
        raise Unfit("comma", text)
    if THOUSANDS.fullmatch(folded):
        folded = folded.replace(",", "")
    elif DECIMAL_COMMA.fullmatch(folded):
        folded = folded.replace(".", "").replace(",", ".")
    if len(folded) > LONGEST_NAME or not PLAIN.fullmatch(folded):
        raise Unfit("number", text[:40])
    return Decimal(folded)


def _read_offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text == "z":
        return timezone(timedelta())
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))
