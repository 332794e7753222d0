"""File histories against a model: whatever people and instruments do to files, what counts is what the table says.

The model knows bytes, paths and tests, and nothing of hashes, leases or files. The table that it follows stands in
``docs/reliability.md``. After each step every receipt is compared with what the model expects of that drop, the list of
tests with the model's, and the rows of what changed with one reading of the version that should count.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from made_cells import DAY, START, cycle, measure

import parsers
from flows.ingest import ingest_file
from flows.nightly import run_night
from flows.watch import recover
from warehouse.conform import conform, hash_data
from warehouse.errors import QuarantineError
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells
from warehouse.parts import read_stored
from warehouse.progress import derive_all
from warehouse.registry import TEST
from warehouse.schema import MEASUREMENTS, STEPS
from warehouse.sources import count_states, receipts_after
from warehouse.verify import check_home

HEAD: Final = 4096
CURRENT: Final = ("committed", "unchanged")
Owner = tuple[str | None, str | None]
NOBODY: Final[Owner] = (None, None)
# Folder of the inbox, and whose it is.
FOLDERS: Final[dict[str, Owner]] = {"": NOBODY, "A/C1": ("A", "C1"), "B/C2": ("B", "C2")}
NAMES: Final = ("a.csv", "b.csv", "시험.csv")
STEPS_DONE: Final = {"steps": 0, "drops": 0, "kills": 0}
MOST_KILL: Final = 24


def make_run(number: int) -> bytes:
    """Return the whole file of a run: a short one, one beyond a head, one beyond what is kept whole; one repeats."""
    cycles, start = ((1, 0), (3, 1), (13, 2), (3, 3))[number]
    frame = measure(cycle([1e-3 * (1 - 0.01 * each) for each in range(cycles)]), START + start * DAY)
    return frame.write_csv().encode()


RUNS: Final = tuple(make_run(number) for number in range(4))


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Test:
    """A test as it should be: the bytes whose rows it shows, and whose it is."""

    shows: bytes
    owner: Owner


@dataclass
class Source:
    """A content that was taken: what became of it, and where its rows went."""

    state: str
    test: str | None


@dataclass(frozen=True)
class Outcome:
    """What may become of a drop: its state, its test, and whether that shows this drop's bytes from now on."""

    state: str
    test: str | None = None
    shows: bool = False
    owner: Owner | None = None


@dataclass
class Model:
    """What was dropped so far, and what should be there."""

    tests: dict[str, Test] = field(default_factory=dict)
    sources: dict[bytes, Source] = field(default_factory=dict)
    at_path: dict[str, bytes] = field(default_factory=dict)
    held_at: dict[str, bytes] = field(default_factory=dict)
    drops: int = 0

    def expect(self, shown: str, content: bytes, *, container: bool) -> list[Outcome]:
        """Return what may become of a drop, by the table."""
        known = self.sources.get(content)
        if known is not None and not self._has_come_back(shown, content, known):
            return [Outcome("duplicate", known.test)]
        if container:
            return [Outcome("ignored")]
        later = self._find_later(shown, content)
        if later is not None:
            return [Outcome("superseded", test) for test in later]
        rows = read_rows(content, name_of(shown))
        if not isinstance(rows, str):
            return self._place(shown, content, rows)
        # What came after the version before may be read, and be nothing yet.
        return [Outcome(rows)]

    def _place(self, shown: str, content: bytes, rows: Rows) -> list[Outcome]:
        owner, name = owner_of(shown), name_of(shown)
        before, grown = self._find_before(shown, content)
        source = self.sources.get(before) if before is not None else None
        test = self.tests.get(source.test) if source is not None and source.test else None
        version = test is not None and source.state in CURRENT and is_open(test.owner, owner)
        version = version and (grown or not contradicts(test.shows, rows))
        found: list[Outcome] = []
        if version and grown:
            same = read_rows(test.shows, name) == rows
            found.append(Outcome("unchanged" if same else "committed", source.test, True, keep(test.owner, owner)))
        alike = [key for key, each in self.tests.items() if self._is_same(each, rows, owner)]
        if alike:
            return found + [Outcome("unchanged", key, False, keep(self.tests[key].owner, owner)) for key in alike]
        if version:
            return [*found, Outcome("committed", source.test, True, keep(test.owner, owner))]
        name = name_test(content)
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        return [Outcome("committed", next(free for free in names if free not in self.tests), True, owner)]

    def apply(self, shown: str, content: bytes, outcome: Outcome) -> None:
        """Note what became of a drop."""
        self.drops += 1
        self.at_path[shown] = content
        if outcome.test is not None:
            self.held_at[shown] = content
        if outcome.state == "duplicate":
            return
        if outcome.shows and outcome.test is not None:
            self.tests[outcome.test] = Test(content, outcome.owner or NOBODY)
            for source in self.sources.values() if outcome.state == "committed" else ():
                if source.test == outcome.test and source.state in CURRENT:
                    source.state = "superseded"
        elif outcome.owner is not None and outcome.test is not None:
            self.tests[outcome.test].owner = outcome.owner
        self.sources[content] = Source(outcome.state, outcome.test)

    def _has_come_back(self, shown: str, content: bytes, known: Source) -> bool:
        at_path = self.at_path.get(shown)
        if at_path is None or known.state != "superseded" or self._find_later(shown, content) is not None:
            return False
        return self.sources[at_path].state in CURRENT and self.sources[at_path].test == known.test

    def _find_later(self, shown: str, content: bytes) -> list[str | None] | None:
        if len(content) < HEAD:
            return None
        longer = [key for key in self.sources if len(key) > len(content) and key.startswith(content)]
        held = [self.sources[key].test for key in longer if self.sources[key].test is not None]
        tests = [test for test in held if is_open(self.tests[test].owner, owner_of(shown))]
        return tests or None

    def _find_before(self, shown: str, content: bytes) -> tuple[bytes | None, bool]:
        """Return the largest content with a test that a drop begins with, else the last one at its path."""
        at_path = self.held_at.get(shown)
        held = [key for key, source in self.sources.items() if source.test is not None]
        alike = [key for key in held if key[:HEAD] == content[:HEAD] or key == at_path]
        begun = [key for key in alike if content.startswith(key) and key != content]
        return (max(begun, key=len), True) if begun else (at_path, False)

    def _is_same(self, test: Test, rows: Rows, owner: Owner) -> bool:
        mine = test.owner == owner or owner[0] is None or test.owner[0] is None
        return mine and read_rows(test.shows, "x") == rows


@dataclass(frozen=True)
class Rows:
    """The rows of a content: their hash, their number, and the earliest clock."""

    sha256: str
    count: int
    start: float | None


@lru_cache(maxsize=4096)
def read_frame(content: bytes, name: str) -> pl.DataFrame | str:
    """Read a content once, from its first byte to its last; what becomes of it where it has no rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(content)
        try:
            reading = parsers.read(path, name)
            if reading.kind in {"companion", "empty"}:
                return "ignored"
            return conform(reading.measurements, reading.spectra, name)[0]
        except QuarantineError:
            return "quarantined"


@lru_cache(maxsize=4096)
def read_rows(content: bytes, name: str) -> Rows | str:
    """Return what identifies the rows of a content, or what becomes of it where it has none."""
    frame = read_frame(content, "x.csv" if name == "x" else name)
    if isinstance(frame, str):
        return frame
    clock = frame["unix_time_second"].min() if "unix_time_second" in frame.columns else None
    return Rows(hash_data(frame), frame.height, clock if isinstance(clock, float) else None)


def owner_of(shown: str) -> Owner:
    """Return whose a drop is by its folder."""
    return next((owner for folder, owner in FOLDERS.items() if folder and f"/inbox/{folder}/" in shown), NOBODY)


def name_of(shown: str) -> str:
    """Return the name of a drop."""
    return shown.rpartition("!")[2].rpartition("/")[2]


def name_test(content: bytes) -> str:
    """Return the name of a test that begins with these bytes."""
    return f"t-{hashlib.sha256(content).hexdigest()[:12]}"


def is_open(test: Owner, owner: Owner) -> bool:
    """Say whether a test may take rows of an owner."""
    return owner[0] is None or test[0] in {None, owner[0]}


def keep(test: Owner, owner: Owner) -> Owner:
    """Return whose a test is after rows of an owner came to it."""
    return test if test[0] is not None else owner


def contradicts(shows: bytes, rows: Rows) -> bool:
    """Say whether two contents are two runs, by their earliest clocks."""
    before = read_rows(shows, "x")
    if isinstance(before, str) or before.start is None or rows.start is None:
        return False
    return abs(before.start - rows.start) > 1.0


class Histories(RuleBasedStateMachine):
    """Everything that happens to files, in any order."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")  # noqa: S108 memory makes a sync free, and nothing is shared through it
        self.root = Path(tempfile.mkdtemp(prefix="cellar-histories-", dir=memory if memory.is_dir() else None))
        self.home = Home(self.root / "home")
        self.inbox = self.root / "home" / "inbox"
        self.model = Model()
        self.seen: dict[str, bytes] = {}
        self.receipt = 0

    @initialize()
    def begin(self) -> None:
        """Two firms, each with a cell."""
        for firm, cell in (("A", "C1"), ("B", "C2")):
            add_firm(self.home, firm)
            put_cells(self.home, [{"firm": firm, "cell_id": cell}])

    # What happens to files

    @rule(folder=st.sampled_from(sorted(FOLDERS)), name=st.sampled_from(NAMES), run=st.integers(0, 3), data=st.data())
    def drop(self, folder: str, name: str, run: int, data: st.DataObject) -> None:
        """A run lies at a path, whole or as far as it got; what lay there is replaced."""
        end = data.draw(st.one_of(st.just(len(RUNS[run])), st.integers(0, len(RUNS[run]))), label="end")
        self.put(self.inbox / folder / name, RUNS[run][:end])

    @precondition(lambda self: self.files())
    @rule(data=st.data())
    def grow(self, data: st.DataObject) -> None:
        """A file goes on, to any byte."""
        path, content = self.choose(data)
        whole = next((run for run in RUNS if content and run.startswith(content)), content)
        self.put(path, whole[: data.draw(st.integers(len(content), len(whole)), label="end")])

    @precondition(lambda self: self.files())
    @rule(data=st.data())
    def shrink(self, data: st.DataObject) -> None:
        """A file is cut short."""
        path, content = self.choose(data)
        self.put(path, content[: data.draw(st.integers(0, len(content)), label="end")])

    @precondition(lambda self: self.files())
    @rule(data=st.data(), how=st.sampled_from(["value", "line ends", "word", "tail"]))
    def rewrite(self, data: st.DataObject, how: str) -> None:
        """A file is written again: with another value, other line ends, a word for a number, or more at its end."""
        path, content = self.choose(data)
        lines = content.split(b"\n")
        place = data.draw(st.integers(0, len(lines) - 1), label="line")
        cells = lines[place].split(b",")
        if how in {"value", "word"} and place and len(cells) > 1:
            cells[1] = {"value": b"3.5", "word": b"three"}[how]
            content = b"\n".join([*lines[:place], b",".join(cells), *lines[place + 1 :]])
        elif how == "line ends":
            content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        elif how == "tail":
            content += b"\n"
        self.put(path, content)

    @precondition(lambda self: self.files())
    @rule(data=st.data(), folder=st.sampled_from(sorted(FOLDERS)), name=st.sampled_from(NAMES), move=st.booleans())
    def copy(self, data: st.DataObject, folder: str, name: str, move: bool) -> None:  # noqa: FBT001 drawn by Hypothesis
        """A file is copied or renamed, perhaps to another firm's folder, perhaps over another."""
        path, content = self.choose(data)
        if move:
            path.unlink()
        self.put(self.inbox / folder / name, content)

    @precondition(lambda self: self.files())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A file is deleted: nothing changes."""
        path, _ = self.choose(data)
        path.unlink()
        self.check()

    @precondition(lambda self: self.files())
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        """A file is taken once more, as after a copy onto itself."""
        path, content = self.choose(data)
        self.put(path, content)

    @precondition(lambda self: self.files())
    @rule(data=st.data(), folder=st.sampled_from(sorted(FOLDERS)), together=st.booleans())
    def pack(self, data: st.DataObject, folder: str, together: bool) -> None:  # noqa: FBT001 drawn by Hypothesis
        """Files are sent in a zip, one alone or two together."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for number in range(2 if together else 1):
                _, content = self.choose(data)
                archive.writestr(zipfile.ZipInfo(f"{number}.csv"), content)
        self.put(self.inbox / folder / "z.zip", packed.getvalue())

    @precondition(lambda self: self.files())
    @rule(data=st.data(), last=st.integers(1, MOST_KILL))
    def kill(self, data: st.DataObject, last: int) -> None:
        """The process dies somewhere in a taking; another one recovers and finds the file still there."""
        path, content = self.choose(data)
        whole = next((run for run in RUNS if content and run.startswith(content)), content + b"\n")
        path.write_bytes(whole[: data.draw(st.integers(len(content), len(whole)), label="end")])
        self.note(path)
        STEPS_DONE["kills"] += 1
        with suppress(Killed), killing(last):
            list(ingest_file(self.home, path))
        self.restart()
        recover(self.home)
        list(ingest_file(self.home, path))
        self.check()

    # What the platform does

    @rule()
    def night(self) -> None:
        """A night passes: nothing that can be asked changes, and nothing is left lying about."""
        run_night(self.home)
        self.check()
        assert list(check_home(self.home)) == []

    @precondition(lambda self: self.model.tests)
    @rule(data=st.data(), cell=st.sampled_from(["C1", "C2"]))
    def assign(self, data: st.DataObject, cell: str) -> None:
        """A test is given to a cell."""
        test = data.draw(st.sampled_from(sorted(self.model.tests)), label="test")
        firm = {"C1": "A", "C2": "B"}[cell]
        assign_test(self.home, test, find_cell(self.home, cell, firm))
        self.model.tests[test].owner = (firm, cell)
        self.check()

    def teardown(self) -> None:
        """At the end everything that ever came is in the archive, and all tables are those of one reading."""
        try:
            self.check_everything()
        finally:
            self.home.close()
            shutil.rmtree(self.root)

    # Helpers

    def files(self) -> list[Path]:
        """Return what lies in the inbox, without zips."""
        return sorted(path for path in self.inbox.rglob("*.csv"))

    def choose(self, data: st.DataObject) -> tuple[Path, bytes]:
        """Choose a file of the inbox."""
        path = data.draw(st.sampled_from(self.files()), label="file")
        return path, path.read_bytes()

    def put(self, path: Path, content: bytes) -> None:
        """Let a file have a content, and take it in."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.note(path)
        list(ingest_file(self.home, path))
        self.check()

    def note(self, path: Path) -> None:
        """Remember the bytes that a drop brings."""
        content = path.read_bytes()
        contents = [content]
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
            contents += [archive.read(entry) for entry in archive.infolist()]
        self.seen |= {hashlib.sha256(each).hexdigest(): each for each in contents}

    def restart(self) -> None:
        """Leave everything as a dead process does, and open the home again."""
        self.home.leases._stop.set()
        with self.home.registry.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE worker SET born = 'long ago'")
        self.home.registry.close()
        self.home = Home(self.root / "home")

    def check(self) -> None:
        """Compare what is there with the model."""
        STEPS_DONE["steps"] += 1
        touched = set()
        for receipt in receipts_after(self.home, self.receipt):
            self.receipt = receipt["receipt_id"]
            touched |= self.account(receipt)
        rows = self.home.registry.rows(sa.select(TEST))
        found = {row["test_id"]: (row["source_sha256"], (row["firm"], row["cell_id"])) for row in rows}
        assert found.keys() == self.model.tests.keys()
        for name, test in self.model.tests.items():
            assert found[name][1] == test.owner, name
        for name in touched & found.keys():
            self.check_rows(name)

    def account(self, receipt: dict[str, Any]) -> set[str]:
        """Compare one receipt with what the model expects of its drop; returns the tests that it touches."""
        STEPS_DONE["drops"] += 1
        content, shown = self.seen[receipt["sha256"]], receipt["path"]
        container = (receipt["reason"] or {}).get("code") == "container"
        container = container or (shown.endswith(".zip") and self.is_container(content))
        expected = self.model.expect(shown, content, container=container)
        told = receipt["state"], receipt["test_id"]
        agreed = [outcome for outcome in expected if (outcome.state, outcome.test) == told]
        assert agreed, f"{shown}: {told}, {receipt['reason']}; expected {expected}"
        outcome = agreed[0]
        if (receipt["reason"] or {}).get("code") == "same_data":
            outcome = next((each for each in agreed if not each.shows), outcome)
        self.model.apply(shown, content, outcome)
        assert self.home.archive.is_sound(receipt["sha256"]), f"{shown} is not in the archive"
        return {outcome.test} - {None} if outcome.test else set()

    def is_container(self, content: bytes) -> bool:
        """Say whether a zip has drops of its own."""
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return len(archive.infolist()) > 1

    def check_rows(self, name: str) -> None:
        """Compare the rows of a test with one reading of the version that should count."""
        wanted = read_frame(self.model.tests[name].shows, "x.csv")
        assert isinstance(wanted, pl.DataFrame)
        stored = read_stored(self.home, name, MEASUREMENTS)
        assert stored.height == wanted.height, name
        assert stored.select(wanted.columns).equals(wanted), name

    def check_everything(self) -> None:
        """Every content is in the archive bit for bit, every table is that of one reading, and counts add up."""
        for sha256, content in self.seen.items():
            if content in self.model.sources:
                with self.home.archive.materialise(sha256) as path:
                    assert path.read_bytes() == content
        for name, test in self.model.tests.items():
            self.check_rows(name)
            wanted, _ = derive_all(read_stored(self.home, name, MEASUREMENTS), self.home.recipe.derivation)
            stored = read_stored(self.home, name, STEPS)
            same = [column for column in wanted.columns if column not in {"test_id", "revision", "cycle"}]
            assert stored.select(same).equals(wanted.select(same)), name
            assert isinstance(read_frame(test.shows, "x.csv"), pl.DataFrame)
        counts = count_states(self.home)
        assert counts.pop("seen") == sum(counts.values())
        assert counts["in_progress"] == 0
        assert len(receipts_after(self.home, 0)) == self.model.drops
        assert [finding for finding in check_home(self.home) if finding.serious] == []


@contextmanager
def killing(last: int) -> Iterator[None]:
    """End what runs inside at its ``last``-th sync, rename or commit, on either side of it."""
    done = 0
    honest = {name: getattr(os, name) for name in ("fsync", "replace", "unlink")}
    commit = sa.engine.default.DefaultDialect.do_commit

    def stepping(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            nonlocal done
            for _ in range(2):
                done += 1
                if done == last:
                    raise Killed
                if done % 2:
                    told = call(*arguments, **options)
            return told

        return step

    for name, call in honest.items():
        setattr(os, name, stepping(call))
    sa.engine.default.DefaultDialect.do_commit = stepping(commit)  # type: ignore[method-assign]  # that is the point
    try:
        yield
    finally:
        for name, call in honest.items():
            setattr(os, name, call)
        sa.engine.default.DefaultDialect.do_commit = commit  # type: ignore[method-assign]  # as it was
