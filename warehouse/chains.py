"""Tests that continue others: several files of one run of a cell, linked by what they say of themselves.

Names alone link nothing. Two tests on different channels, of different firms or cells, or that overlap in time are
never linked. What links is a counter that goes on (test time, record, cycle), a recording that went on at once, or a
name that continues another on the same channel, later, with voltages that join; a name that is marked as a continuation
needs no join. What looks like a continuation and lacks that is not linked, and the technician is told why.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import polars as pl

    from warehouse.registry import Row

# Voltages of one cell before and after a break; a rest of days moves it further, which other evidence has to bridge.
JOINED_VOLT: Final = 0.02
# Clocks of two files of one instrument.
CLOCK_SECONDS: Final = 1.0
# Until here a test's first record may come, some testers record a first rest only after its interval.
FRESH_SECONDS: Final = 3600.0
# How far from the last record before a counted time may go on.
TIME_GAP_SECONDS: Final = 60.0
UNTOLD_GAP_SECONDS: Final = 1.0
AT_ONCE_SECONDS: Final = 60.0
ENDS: Final = {
    "second": "test_time_second",
    "volt": "voltage_volt",
    "cycle": "cycle_count",
    "record": "record_index",
}
# What testers append to a test's name: number of the unit and of the channel.
APPENDED: Final = re.compile(r"-\d{2}-\d{3}$")
CONTINUED: Final = re.compile(r"^[ _.-]?con(?:t|tinued|tinuation)?[ _.-]?\d*$", re.IGNORECASE)
MARKED: Final = re.compile(r"^(.*(?<![A-Za-z])(?:con|cont|cc|loop|part|file|seg))[ _.-]?(\d{0,4})$", re.IGNORECASE)
NUMBERED: Final = re.compile(r"^(.*?)(\d{1,3})$")
LETTERED: Final = re.compile(r"^(.*\d)([A-Za-z])$")
# Facts that one run has in all its files.
IDENTITY: Final = ("serial", "instrument", "sample", "comment", "operator", "electrode_material")


@dataclass(frozen=True)
class Verdict:
    """Whether a test continues another.

    Args:
        linked: whether it does.
        reason: by what, or why not although it looks like it.
    """

    linked: bool
    reason: str


@dataclass(frozen=True)
class End:
    """A test with its first and last record, as far as continuations are told by them.

    Args:
        test: its row.
        ends: its row of ``schema.TEST_END``.
    """

    test: Row
    ends: Row

    @property
    def about(self) -> dict[str, Any]:
        """What its file says of itself."""
        found: dict[str, Any] = json.loads(self.test["about"])
        return found

    def __getitem__(self, name: str) -> Any:
        """Return a value of either row."""
        return self.ends[name] if name in self.ends else self.test[name]


def read_ends(measurements: pl.DataFrame) -> Row:
    """Return what the first and the last record say that a continuation may be told by."""
    found: Row = {}
    for name, column in ENDS.items():
        values = measurements[column].to_list() if column in measurements.columns and measurements.height else []
        found |= {f"first_{name}": values[0] if values else None, f"last_{name}": values[-1] if values else None}
    return found


def judge(before: End, after: End) -> Verdict | None:
    """Say whether one test continues another; None where nothing hints at it, or it cannot be."""
    if _contradict(before, after):
        return None
    named = relate_names(before.about.get("test_name"), after.about.get("test_name"))
    same_channel = before["channel"] is not None and before["channel"] == after["channel"]
    follows = _gap(before, after) is not None
    counter = _find_counter(before, after)
    joined = _volts_apart(before, after) <= JOINED_VOLT
    if counter == "test time" and joined and (same_channel or _are_alike(before, after)):
        return Verdict(True, "test time goes on, voltage joins")
    if not same_channel or not follows:
        return None
    evidence = _weigh(named, counter, joined=joined, at_once=_is_at_once(before, after))
    if evidence is not None:
        return Verdict(True, f"same channel, {evidence}")
    return None if named is None else Verdict(False, _doubt(before, after, named))


def relate_names(before: object, after: object) -> str | None:
    """Return how a test's name continues another: ``marked``, ``numbered``, ``same``, or None."""
    if not isinstance(before, str) or not isinstance(after, str):
        return None
    first, second = _plain(before), _plain(after)
    if first == second:
        return "same"
    if second.startswith(first) and CONTINUED.match(second.removeprefix(first)):
        return "marked"
    for pattern, relation in ((MARKED, "marked"), (NUMBERED, "numbered")):
        one, two = pattern.match(first), pattern.match(second)
        if one and two and one[1] == two[1] and int(two[2] or 1) == int(one[2] or 1) + 1:
            return relation
    one, two = LETTERED.match(first), LETTERED.match(second)
    successive = one and two and one[1] == two[1] and ord(two[2]) == ord(one[2]) + 1
    return "numbered" if successive else None


def offset_after(before: End, after: End, offset: float) -> float:
    """Return what to add to a continuation's test times so that the chain's time goes on, never back.

    Args:
        before: the test that it continues.
        after: the continuation.
        offset: what is added to the times of the former.
    """
    if after["first_second"] >= before["last_second"]:
        # It counts on by itself.
        return offset
    gap = _gap(before, after) or 0.0
    at: float = offset + before["last_second"] + max(gap, 0.0) - after["first_second"]
    return at


def _contradict(before: End, after: End) -> bool:
    """Say whether something makes them two runs, whatever else agrees."""
    if any(_differ(before[name], after[name]) for name in ("channel", "firm", "cell_id")):
        return True
    if _differ(before.about.get("serial"), after.about.get("serial")):
        return True
    gap = _gap(before, after)
    if gap is not None and gap < -CLOCK_SECONDS:
        return True
    # Test time either begins anew or goes on; what begins in between is another copy of a part of the same records.
    return bool(FRESH_SECONDS < after["first_second"] < before["last_second"])


def _weigh(named: str | None, counter: str | None, *, joined: bool, at_once: bool) -> str | None:
    """Return what links two tests of one channel, the second after the first; None where it is not enough."""
    if counter == "record number":
        return "record number goes on"
    if named == "marked":
        return "name is marked as a continuation"
    if named is not None and joined:
        return "name continues, voltage joins"
    if counter is not None and (joined or named is not None):
        return f"{counter} goes on"
    return "recording went on at once, voltage joins" if joined and at_once else None


def _find_counter(before: End, after: End) -> str | None:
    """Return the counter of the first test that goes on in the second."""
    number = after["first_record"]
    if number is not None and number > 1 and number - 1 == before["last_record"]:
        return "record number"
    since = after["first_second"] - before["last_second"]
    if 0 <= since <= TIME_GAP_SECONDS < after["first_second"] and before["last_second"] > before["first_second"]:
        return "test time"
    last, first = before["last_cycle"], after["first_cycle"]
    return "cycle number" if None not in {last, first} and first > 1 and 0 <= first - last <= 1 else None


def _is_at_once(before: End, after: End) -> bool:
    gap = _gap(before, after)
    return gap is not None and gap <= AT_ONCE_SECONDS


def _are_alike(before: End, after: End) -> bool:
    """Say whether two tests without a channel are of one run by what else they say."""
    one, two = before.about, after.about
    shared = [name for name in IDENTITY if one.get(name) and two.get(name)]
    if before["format"] != after["format"] or any(one[name] != two[name] for name in shared):
        return False
    return bool(shared) or after["first_second"] - before["last_second"] <= UNTOLD_GAP_SECONDS


def _doubt(before: End, after: End, named: str) -> str:
    fits = {"same": "is the same", "numbered": "counts on"}[named]
    return (
        f"it may continue {before['test_id']}, as the channel is the same and the name {fits}, and is not linked: its "
        f"first voltage {after['first_volt']:.4g} V does not join {before['last_volt']:.4g} V, and no counter goes on"
    )


def _gap(before: End, after: End) -> float | None:
    """Return seconds by the clock from the last record of one to the first of the other; None without clocks."""
    last, first = before["last_unix_second"], after["first_unix_second"]
    return None if last is None or first is None else float(first - last)


def _volts_apart(before: End, after: End) -> float:
    return abs(float(after["first_volt"]) - float(before["last_volt"]))


def _differ(one: object, two: object) -> bool:
    return one is not None and two is not None and one != two


def _plain(name: str) -> str:
    return APPENDED.sub("", unicodedata.normalize("NFC", name).strip())
