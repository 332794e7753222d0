"""The work list of tests that are nobody's: what is known of each, and whose it might be, ranked and explained.

A suggestion is never taken by itself; ``cellar assign`` does what a person decides.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl
import sqlalchemy as sa

from warehouse.owners import IDENTIFYING, Evidence, find_claims, normalise
from warehouse.parts import read_stored
from warehouse.registry import ASSIGNMENT, CELL, FIRM, SOURCE_FILE, TEST, Row
from warehouse.schema import CYCLES

if TYPE_CHECKING:
    from warehouse.home import Home

MOST_SUGGESTIONS: Final = 5
SHORTEST_WORD: Final = 3
ALIKE: Final = 0.6
FIRM_ALIKE: Final = 0.75
CONTAINED: Final = 0.9
CACHED: Final = 1 << 16
# What a rule says weighs more than where the channel's other tests went, that more than likeness, that more than a fit.
RULE, NEAR, FAR, LIKENESS, FIT = 100, 40, 20, 30, 10
# Cells are charged to their limit, not beyond; young ones hold about what their makers say.
LIMIT_VOLT: Final = 0.05
CAPACITY_RANGE: Final = (0.5, 1.3)


class _Hint(NamedTuple):
    """One reason why a test might be of a cell, or of a firm where no cell is named."""

    points: float
    firm: str
    cell_id: str | None
    why: str


def unassigned_tests(home: Home) -> list[dict[str, Any]]:
    """Return every test without a firm, the oldest first, with suggestions.

    Each has ``test_id, path, format, channel, first_time, rows, suggestions``; a suggestion has ``firm, cell_id, why``,
    the likeliest first.
    """
    joined = sa.outerjoin(TEST, SOURCE_FILE, TEST.c.source_sha256 == SOURCE_FILE.c.sha256)
    query = sa.select(TEST, SOURCE_FILE.c.path).select_from(joined).where(TEST.c.firm.is_(None))
    waiting = home.registry.rows(query.order_by(TEST.c.committed_unix_second))
    known = _Known.look(home) if waiting else None
    return [_describe(test, known.suggest(home, test)) for test in waiting if known is not None]


def _describe(test: Row, suggestions: list[dict[str, Any]]) -> dict[str, Any]:
    first = test["first_unix_second"]
    return {
        "test_id": test["test_id"],
        "path": test["path"],
        "format": test["format"],
        "channel": test["channel"],
        "first_time": None if first is None else _show(first),
        "rows": test["rows"] + test["spectra"],
        "suggestions": suggestions,
    }


@dataclass(frozen=True)
class _Known:
    """Everything that hints are made from, looked up once for the whole list."""

    firms: list[Row]
    cells: list[Row]
    assignments: list[Row]
    tests: list[Row]

    @classmethod
    def look(cls, home: Home) -> _Known:
        on_channel = sa.select(TEST.c.test_id, TEST.c.channel, TEST.c.firm, TEST.c.cell_id).where(
            TEST.c.channel.is_not(None), TEST.c.cell_id.is_not(None)
        )
        tables = (sa.select(table) for table in (FIRM, CELL, ASSIGNMENT))
        return cls(*(home.registry.rows(query) for query in (*tables, on_channel)))

    def suggest(self, home: Home, test: Row) -> list[dict[str, Any]]:
        """Return the likeliest owners of a test, each with all that speaks for it."""
        hints = defaultdict(list)
        for hint in self._find_hints(home, test):
            hints[hint.firm, hint.cell_id].append(hint)
        ranked = sorted(hints.items(), key=lambda item: (-sum(hint.points for hint in item[1]), str(item[0])))
        return [
            {"firm": firm, "cell_id": cell_id, "why": "; ".join(dict.fromkeys(hint.why for hint in found))}
            for (firm, cell_id), found in ranked[:MOST_SUGGESTIONS]
        ]

    def _find_hints(self, home: Home, test: Row) -> Iterator[_Hint]:
        evidence = _evidence_of(test)
        for claim in find_claims(home, evidence):
            yield _Hint(RULE, claim.firm, claim.cell_id, str(claim))
        yield from self._from_channel(test)
        yield from self._from_words(evidence)
        yield from self._from_folders(evidence)
        yield from self._from_values(home, test)

    def _from_channel(self, test: Row) -> Iterator[_Hint]:
        channel, first = test["channel"], test["first_unix_second"]
        for row in self.assignments:
            if channel is not None and row["channel"] == channel:
                begin, end = row["from_unix_second"], row["to_unix_second"]
                held = f"from {_show(begin)}" if begin else "at first"
                until = f" until {_show(end)}" if end is not None else ""
                near = first is None or end is None or first >= end
                yield _Hint(
                    NEAR if near else FAR, row["firm"], row["cell_id"], f"channel {channel} held it {held}{until}"
                )
        for row in self.tests:
            if channel is not None and row["channel"] == channel:
                yield _Hint(FAR, row["firm"], row["cell_id"], f"{row['test_id']} on channel {channel} is of this cell")

    def _from_words(self, evidence: Evidence) -> Iterator[_Hint]:
        words = {key: str(evidence.about[key]) for key in IDENTIFYING if evidence.about.get(key) is not None}
        words |= {"name": evidence.name} | {f"folder {folder}": folder for folder in evidence.folders[-2:]}
        for key, text in words.items():
            for cell in self.cells:
                likeness = compare_names(text, cell["cell_id"])
                if likeness:
                    yield _Hint(LIKENESS * likeness, cell["firm"], cell["cell_id"], f"{key} {text!r} is like its name")

    def _from_folders(self, evidence: Evidence) -> Iterator[_Hint]:
        for folder in evidence.folders:
            for firm in self.firms:
                if any(_is_like_firm(folder, name) for name in (firm["code"], firm["name"])):
                    yield _Hint(FAR, firm["code"], None, f"folder {folder!r} is like the firm's name")

    def _from_values(self, home: Home, test: Row) -> Iterator[_Hint]:
        """Yield the cells whose limits and capacity fit, where they are few enough to tell anything."""
        seen = _measure(home, test["test_id"])
        # All dies of a wafer have the same limits, which then tell nothing.
        fitting = [cell for cell in self.cells if seen and _fits(cell, **seen)]
        if seen and len(fitting) <= MOST_SUGGESTIONS:
            window = f"{seen['lower']:.3g} to {seen['upper']:.3g} V and {seen['capacity'] * 1e3:.3g} mAh"
            for cell in fitting:
                yield _Hint(FIT, cell["firm"], cell["cell_id"], f"{window} fit its limits")


def compare_names(text: str, name: str) -> float:
    """Return how much a text is like a cell's name: 1 for the same but for case, zeros and separators, 0 for not.

    The numbers must be the same: W03-D12 and W03-D13 are neighbours, and not alike.
    """
    said, known = _fold(text), _fold(name)
    if said == known:
        return float(bool(known))
    if len(known) < SHORTEST_WORD or not _letters(known):
        return 0.0
    if known in said and re.search(rf"(?<!\d){re.escape(known)}(?!\d)", said):
        return CONTAINED
    if _numbers(said) != _numbers(known):
        return 0.0
    ratio = SequenceMatcher(None, _letters(said), _letters(known)).ratio()
    return ratio if ratio >= ALIKE else 0.0


@lru_cache(CACHED)
def _fold(text: str) -> str:
    """Return a name without case, separators and leading zeros; two numbers side by side stay two."""
    joined = re.sub(r"(?<=\d)[\W_]+(?=\d)|([\W_]+)", lambda gap: "" if gap[1] else ".", normalise(text).casefold())
    return re.sub(r"(?<!\d)0+(?=\d)", "", joined)


@lru_cache(CACHED)
def _numbers(folded: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\d+", folded))


@lru_cache(CACHED)
def _letters(folded: str) -> str:
    return re.sub(r"[\d.]+", "", folded)


def _is_like_firm(folder: str, firm: str) -> bool:
    said, known = _fold(folder), _fold(firm)
    if min(len(said), len(known)) < SHORTEST_WORD:
        return False
    return said in known or known in said or SequenceMatcher(None, said, known).ratio() >= FIRM_ALIKE


def _evidence_of(test: Row) -> Evidence:
    outside, _, inside = (test["path"] or "").partition("!")
    # Members of an archive have their folders inside it behind those outside.
    folders = (*PurePath(outside).parent.parts, *PurePath(inside).parent.parts)
    name = PurePath(inside or outside).name
    return Evidence(test["channel"], test["first_unix_second"], json.loads(test["about"]), folders, name)


def _measure(home: Home, test_id: str) -> dict[str, float]:
    """Return highest and lowest voltage and largest capacity of a test's cycles; nothing where they are not known."""
    try:
        cycles = read_stored(home, test_id, CYCLES)
    except (OSError, pl.exceptions.PolarsError):
        # `cellar verify` tells of files that cannot be read; the list of tests is shown all the same.
        return {}
    seen = {
        "upper": cycles["upper_voltage_volt"].max(),
        "lower": cycles["lower_voltage_volt"].min(),
        "capacity": cycles["discharging_capacity_ah"].max(),
    }
    known = {name: value for name, value in seen.items() if isinstance(value, float)}
    return known if len(known) == len(seen) else {}


def _fits(cell: Row, upper: float, lower: float, capacity: float) -> bool:
    low, high = CAPACITY_RANGE
    nominal = cell["nominal_capacity_ah"]
    limits = ((cell["voltage_upper_volt"], upper), (cell["voltage_lower_volt"], lower))
    tests = [abs(seen - limit) <= LIMIT_VOLT for limit, seen in limits if limit is not None]
    tests += [low * nominal <= capacity <= high * nominal] if nominal is not None else []
    return bool(tests) and all(tests)


def _show(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="seconds")
