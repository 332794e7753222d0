"""What the operators' pages share."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends

from portal.callers import Caller, require_operator
from portal.charts.text import Text
from portal.pages.wording import Wording, reword
from portal.translation import Language

OperatorHere = Annotated[Caller, Depends(require_operator)]
KILO: Final = 1000.0
# What `warehouse.health` says, and what a page says of it.
CHECKS: Final = tuple(
    Wording(re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"(?P<free>\S+) of (?P<total>\S+) GB are free", Text("{free} of {total} GB are free")),
        (r"process (?P<process>\d+) on (?P<host>.+)", Text("process {process} on {host}")),
        (r"no service runs; .*", Text("no service runs; 'cellar serve' starts one")),
        (r"nobody has looked into the inboxes", Text("nobody has looked into the inboxes")),
        (r"(?P<seconds>\d+) s ago", Text("{seconds} s ago")),
        (r"one runs", Text("one runs now")),
        (r"one is overdue; the last one began (?P<when>.+)", Text("one is overdue; the last one began {when}")),
        (r"one is overdue; none ran yet", Text("one is overdue; none ran yet")),
        (r"night of (?P<date>\S+); failed: (?P<stages>.+)", Text("night of {date}; failed: {stages}")),
        (r"night of (?P<date>\S+)", Text("night of {date}")),
        (r"none was due yet", Text("none was due yet")),
    )
)
# Why a night made a table, or did not, as `warehouse.refresh` says it.
WHYS: Final = tuple(
    Wording(re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"(?P<made>\d+) of (?P<all>\d+) groups of cells", Text("{made} of {all} groups of cells")),
        (
            r"(?P<computed>\d+) computed, (?P<kept>\d+) kept, (?P<failed>\d+) failed",
            Text("{computed} computed, {kept} kept, {failed} failed"),
        ),
        (r"(?P<computed>\d+) computed, (?P<kept>\d+) kept", Text("{computed} computed, {kept} kept")),
        (r"nothing changed", Text("nothing changed")),
    )
)
SIZES: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def write_bytes(size: float | None) -> str:
    """Write a number of bytes with the unit that suits its size: ``12.3 MB``."""
    if size is None:
        return "\N{EN DASH}"
    number, unit = float(size), 0
    while abs(number) >= KILO and unit < len(SIZES) - 1:
        number, unit = number / KILO, unit + 1
    return f"{number:.0f} {SIZES[unit]}" if unit == 0 else f"{number:.3g} {SIZES[unit]}"


def tell_check(says: str, language: Language) -> str:
    """Return what a check of the platform's health says, in the page's language."""
    return reword(says, CHECKS, language)


def tell_step(why: str, language: Language) -> str:
    """Return why a night made or skipped a table, in the page's language."""
    return reword(why, WHYS, language)
