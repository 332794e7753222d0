"""From rows to a visible test revision: derive, write, and one registry transaction.

Nothing is visible before the transaction; whatever a killed process left behind is not listed and not read. Several
processes may prepare at once: a commit refuses what was made from a revision that is not the current one any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import sqlalchemy as sa

from warehouse.arrays import doubles
from warehouse.conform import check_time, clean, conform, hash_data, judge
from warehouse.cycles import derive_cycles, infer_convention
from warehouse.drives import see_drives
from warehouse.errors import ContradictionError, Outdated, UsageError
from warehouse.marts import invalidate_answers, retire_cell, retire_files
from warehouse.parts import read_progress, read_stored, store_tables
from warehouse.progress import Progress, derive_all, derive_onward
from warehouse.proportions import COARSE_FLAG, check_rate, flag_coarse
from warehouse.registry import CELL, PROGRESS, STORED_FILE, TEST, Row
from warehouse.rowhash import hash_rows, join_digests
from warehouse.schema import CYCLES, MEASUREMENTS, SPECTRA, STEPS, fill_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warehouse.home import Home

HASH_DIGITS: Final = 12
TRIES: Final = 5
# Every file of a test costs a question some tenths of a millisecond.
MOST_PARTS: Final = 4
CAPACITY_FLAG: Final = "the manifest contradicts the rows"
# Rows before new ones that the gate looks at together with them.
LOOKED_BACK: Final = 2000


@dataclass(frozen=True)
class Incoming:
    """What a reader hands over: a source's rows and what is known of them.

    Args:
        shown: the source as the user knows it.
        sha256: hash of its raw bytes.
        format: the format that read it.
        reader_version: version of that reader.
        kind: ``cycling`` or ``eis``.
        measurements: rows of ``schema.MEASUREMENTS``.
        spectra: rows of ``schema.SPECTRA``.
        about: what the file says of itself.
        warnings: sentences of the reader.
    """

    shown: str
    sha256: str
    format: str
    reader_version: int
    kind: str
    measurements: pl.DataFrame
    spectra: pl.DataFrame
    about: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def channel(self) -> str | None:
        """Cycler and channel as the file names it."""
        channel = self.about.get("channel")
        return None if channel is None else str(channel)

    @property
    def size(self) -> int:
        """Rows of both tables together."""
        return self.measurements.height + self.spectra.height

    @cached_property
    def data_sha256(self) -> str:
        """Hash of the rows: the same data in other bytes has the same."""
        return hash_data(self.measurements, self.spectra)

    @cached_property
    def first_clock(self) -> float | None:
        """Wall clock of the first record, seconds since 1970-01-01 UTC, where the file knows it."""
        first: float | None = _clock_range(self.measurements, self.spectra)["first_unix_second"]
        return first


@dataclass(frozen=True)
class Owner:
    """Whose test it is, and by which rule that was found (``test.assigned_by``)."""

    firm: str | None = None
    cell_id: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A revision whose files are written and that waits for its transaction.

    Args:
        test: its row.
        files: the files to list.
        base: the revision that it was made from, 0 for a new test.
        grows: whether the rows of the revision before stay where they are, and the files hold what came after.
        new_rows: rows that the revision before did not have.
        progress: how to go on with its derivation, as JSON.
    """

    test: Row
    files: tuple[Row, ...]
    base: int = 0
    grows: bool = False
    new_rows: int = 0
    progress: str = ""


def admit(incoming: Incoming) -> Incoming:
    """Let rows through the gate: what comes out may be stored, with a warning where its currents are coarse.

    Raises:
        ContradictionError: the gate refuses the values.
    """
    measurements, spectra = conform(incoming.measurements, incoming.spectra, incoming.shown)
    told = flag_coarse(see_drives(measurements))
    warnings = (*incoming.warnings, told) if told else incoming.warnings
    return replace(incoming, measurements=measurements, spectra=spectra, warnings=warnings)


def check_capacity(home: Home, measurements: pl.DataFrame, owner: Owner, shown: str) -> None:
    """Refuse currents that no cell of the manifest's nominal capacity is cycled by.

    Raises:
        ContradictionError: code ``nominal_capacity``.
    """
    if owner.cell_id is None or not measurements.height:
        return
    cell = home.registry.row(CELL, firm=owner.firm, cell_id=owner.cell_id)
    # Two electrodes of a metal hold whatever is plated on them.
    if cell is not None and cell["nominal_capacity_ah"] and cell["convention"] != "symmetric":
        check_rate(see_drives(measurements), cell["nominal_capacity_ah"], shown)


def prepare_test(home: Home, incoming: Incoming, owner: Owner) -> Prepared:
    """Derive and write a new test from admitted rows."""
    test = {"test_id": _find_free_name(home, incoming.sha256), "revision": 1, **_describe(incoming)}
    return _write_whole(home, test, owner, incoming.measurements, incoming.spectra)


def prepare_reread(home: Home, test: Row, incoming: Incoming, owner: Owner | None = None) -> Prepared:
    """Write a test again from what a source says now, as its next revision.

    The source may be the test's own, read anew, or one that replaces it.

    Args:
        home: the platform.
        test: the current revision.
        incoming: all rows of the new one, admitted.
        owner: whose it is from now on; as before by default.
    """
    row = {**test, "revision": test["revision"] + 1, **_describe(incoming)}
    prepared = _write_whole(home, row, owner or owner_of(test), incoming.measurements, incoming.spectra)
    return replace(prepared, new_rows=max(incoming.measurements.height - test["rows"], 0))


def prepare_rederived(home: Home, test: Row, owner: Owner) -> Prepared:
    """Derive a stored test again, for another owner or convention, as its next revision."""
    measurements = read_stored(home, test["test_id"], MEASUREMENTS)
    spectra = read_stored(home, test["test_id"], SPECTRA)
    test = {**test, "warnings": _warn_of_capacity(home, test, owner, measurements)}
    return _write_whole(home, {**test, "revision": test["revision"] + 1}, owner, measurements, spectra)


def _warn_of_capacity(home: Home, test: Row, owner: Owner, measurements: pl.DataFrame) -> str:
    """Return a test's warnings: rows that were taken in stay, even if a manifest that came later contradicts them."""
    warnings = [said for said in json.loads(test["warnings"] or "[]") if not said.startswith(CAPACITY_FLAG)]
    try:
        check_capacity(home, measurements, owner, test["test_id"])
    except ContradictionError as error:
        warnings.append(f"{CAPACITY_FLAG}: {error.detail}")
    return json.dumps(warnings, ensure_ascii=False)


def owner_of(test: Row) -> Owner:
    """Return whose a test is."""
    return Owner(test["firm"], test["cell_id"], test["assigned_by"])


def name_test(sha256: str) -> str:
    """Return the name of the test that comes from these bytes."""
    return f"t-{sha256[:HASH_DIGITS]}"


def find_same_data(home: Home, incoming: Incoming, owner: Owner) -> Row | None:
    """Return the test that holds these very rows from the same format and channel, or None.

    A drop that names no owner is of the owner that its rows have; rows without an owner are of the one that is named.
    """
    found = home.registry.rows(sa.select(TEST).where(TEST.c.data_sha256 == incoming.data_sha256))
    return next((test for test in found if _is_same_data(test, incoming.format, incoming.channel, owner)), None)


def continues(test: Row, incoming: Incoming) -> bool:
    """Say whether a test's rows are the first of those that came, bit for bit."""
    if test["spectra"] or incoming.spectra.height or test["format"] != incoming.format:
        return False
    first = incoming.measurements.head(test["rows"])
    same: bool = hash_data(first, incoming.spectra) == test["data_sha256"]
    return same and incoming.measurements.height > test["rows"]


def take_over(connection: sa.Connection, test: Row, sha256: str) -> None:
    """Note inside the caller's transaction that a test's rows stand in these bytes from now on.

    Raises:
        Outdated: the test has another revision by now.
    """
    mine = TEST.c.test_id == test["test_id"], TEST.c.revision == test["revision"]
    if not connection.execute(sa.update(TEST).where(*mine).values(source_sha256=sha256)).rowcount:
        raise Outdated(f"{test['test_id']} has changed since revision {test['revision']}")


def commit_prepared(home: Home, connection: sa.Connection, prepared: Prepared) -> None:
    """List a prepared revision inside the caller's transaction, in place of the one before.

    Raises:
        Outdated: the test has another revision by now, or another test has come with the same rows.
    """
    test = prepared.test
    mine = STORED_FILE.c.test_id == test["test_id"]
    _refuse_outdated(connection, prepared)
    _leave_firm(connection, test)
    retired = sa.update(STORED_FILE).where(mine)
    if prepared.grows:
        retired = retired.where(STORED_FILE.c.table_name.in_([STEPS.name, CYCLES.name]))
    connection.execute(retired.values(current=False))
    home.note_recipe(connection, test["firm"])
    home.registry.put(connection, TEST, {**test, "committed_unix_second": time.time()})
    home.registry.put(connection, STORED_FILE, prepared.files)
    state = {"test_id": test["test_id"], "revision": test["revision"], "state": prepared.progress}
    home.registry.put(connection, PROGRESS, state)
    invalidate_answers(connection, test["firm"] or "")


def _leave_firm(connection: sa.Connection, test: Row) -> None:
    """Take what was made of a test that goes to another firm out of use: none keeps another's rows until the night."""
    before = connection.execute(sa.select(TEST.c.firm, TEST.c.cell_id).where(TEST.c.test_id == test["test_id"])).first()
    if before is not None and before.firm != test["firm"]:
        retire_cell(connection, before.firm or "", before.cell_id or test["test_id"])
        invalidate_answers(connection, before.firm or "")


def merge_grown(home: Home) -> list[str]:
    """Merge the files of tests that grew into one each; the rows and the revision stay. Returns the tests."""
    files = sa.func.count().label("files")
    grown = sa.select(STORED_FILE.c.test_id, files).where(STORED_FILE.c.current, STORED_FILE.c.test_id.is_not(None))
    many = grown.where(STORED_FILE.c.table_name == MEASUREMENTS.name).group_by(STORED_FILE.c.test_id)
    names = [row["test_id"] for row in home.registry.rows(many.having(files > MOST_PARTS))]
    return [name for name in names if _merge_parts(home, name)]


def _merge_parts(home: Home, test_id: str) -> bool:
    test = home.registry.row(TEST, test_id=test_id)
    if test is None:
        return False
    merged = store_tables(home, test, [(MEASUREMENTS, read_stored(home, test_id, MEASUREMENTS), 0)])
    with home.registry.write() as connection:
        revision = connection.execute(sa.select(TEST.c.revision).where(TEST.c.test_id == test_id)).scalar()
        if revision == test["revision"]:
            parts = STORED_FILE.c.test_id == test_id, STORED_FILE.c.table_name == MEASUREMENTS.name
            connection.execute(sa.update(STORED_FILE).where(*parts).values(current=False))
            home.registry.put(connection, STORED_FILE, merged)
            return True
    # It went on growing meanwhile; the next night finds it again.
    discard_prepared(home, Prepared(test, merged))
    return False


def discard_prepared(home: Home, prepared: Prepared) -> None:
    """Remove the files of a revision that was not committed."""
    for row in prepared.files:
        home.store.path_of(row["path"]).unlink(missing_ok=True)


def convention_of(home: Home, owner: Owner) -> str | None:
    """Return the cell convention that the manifest gives, or None."""
    if owner.cell_id is None:
        return None
    cell = home.registry.row(CELL, firm=owner.firm, cell_id=owner.cell_id)
    return cell["convention"] if cell else None


def _find_free_name(home: Home, sha256: str) -> str:
    """Return the name of a new test: bytes that come back may find that the test named after them shows others."""
    name = name_test(sha256)
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(free for free in names if home.registry.row(TEST, test_id=free) is None)


def _describe(incoming: Incoming, data_sha256: str | None = None) -> Row:
    return {
        "source_sha256": incoming.sha256,
        "data_sha256": data_sha256 or incoming.data_sha256,
        "format": incoming.format,
        "reader_version": incoming.reader_version,
        "kind": incoming.kind,
        "about": json.dumps(dict(incoming.about), ensure_ascii=False, sort_keys=True),
        "channel": incoming.channel,
        "warnings": json.dumps(incoming.warnings, ensure_ascii=False),
        **_clock_range(incoming.measurements, incoming.spectra),
    }


def _is_same_data(test: Mapping[str, Any], format_name: str, channel: str | None, owner: Owner) -> bool:
    same_place = (test["format"], test["channel"]) == (format_name, channel)
    same_owner = (test["firm"], test["cell_id"]) == (owner.firm, owner.cell_id)
    return same_place and (same_owner or owner.firm is None or test["firm"] is None)


def _refuse_outdated(connection: sa.Connection, prepared: Prepared) -> None:
    test = prepared.test
    current = sa.select(TEST.c.revision).where(TEST.c.test_id == test["test_id"])
    if (connection.execute(current).scalar() or 0) != prepared.base:
        raise Outdated(f"{test['test_id']} has changed since revision {prepared.base}")
    if not prepared.base:
        same = sa.select(TEST).where(TEST.c.data_sha256 == test["data_sha256"])
        for other in connection.execute(same).mappings():
            if _is_same_data(dict(other), test["format"], test["channel"], owner_of(test)):
                raise Outdated(f"{other['test_id']} has come with the same rows as {test['test_id']}")


def prepare_onward(home: Home, test: Row, incoming: Incoming) -> Prepared:
    """Write what came after a test's last row, as its next revision; steps and cycles go on from where they were.

    Args:
        home: the platform.
        test: the current revision, a test without spectra.
        incoming: the rows that are new, and what the grown source says of itself.

    Raises:
        ContradictionError: the gate refuses the new rows, or their time lies before the test's last.
    """
    incoming = _admit_onward(home, test, incoming)
    new = incoming.measurements
    steps, progress = _derive_onward(home, test, new, incoming.shown)
    last = progress.row_hash.digest, hash_rows(SPECTRA.empty()).digest
    described = _describe(incoming, join_digests(last))
    clocks = ("first_unix_second", min), ("last_unix_second", max)
    described |= {name: _either(choose, test[name], described[name]) for name, choose in clocks}
    row = {**test, "revision": test["revision"] + 1, **described, "rows": progress.rows, "spectra": 0}
    return _write_revision(home, row, owner_of(test), _Rows(new, SPECTRA.empty(), lambda: (steps, progress)))


def _admit_onward(home: Home, test: Row, incoming: Incoming) -> Incoming:
    """Let new rows through the gate: with some before them, or else together with all.

    A look at a running test brings a few rows, which show nothing by themselves. A single record at the start of a step
    may have the other sign; only among its like it is seen to be no error.
    """
    new = fill_columns(clean(incoming.measurements, MEASUREMENTS, incoming.shown), MEASUREMENTS)
    rows = pl.concat([read_stored(home, test["test_id"], MEASUREMENTS, max(test["rows"] - LOOKED_BACK, 0)), new])
    try:
        _judge(home, test, rows, incoming.shown)
    except ContradictionError:
        _judge(home, test, pl.concat([read_stored(home, test["test_id"], MEASUREMENTS), new]), incoming.shown)
    told = flag_coarse(see_drives(rows))
    known = [warning for warning in json.loads(test["warnings"] or "[]") if warning.startswith(COARSE_FLAG)]
    # What was found in earlier rows is still true.
    warnings = (*incoming.warnings, *(known or ([told] if told else [])))
    return replace(incoming, measurements=new, warnings=warnings)


def _judge(home: Home, test: Row, rows: pl.DataFrame, shown: str) -> None:
    judge(rows, shown)
    check_capacity(home, rows, owner_of(test), shown)


def _derive_onward(home: Home, test: Row, new: pl.DataFrame, shown: str) -> tuple[pl.DataFrame, Progress]:
    """Derive a test's steps with its new rows: from its progress where that holds, else from all rows."""
    progress, recipe = read_progress(home, test), home.recipe_of(test["firm"]).derivation
    if progress is not None:
        rows = pl.concat([read_stored(home, test["test_id"], MEASUREMENTS, progress.keep_from), new])
        check_time(rows, shown)
        onward = derive_onward(progress, read_stored(home, test["test_id"], STEPS), rows, recipe)
        if onward is not None:
            return onward
    rows = pl.concat([read_stored(home, test["test_id"], MEASUREMENTS), new])
    check_time(rows, shown)
    return derive_all(rows, recipe)


def _either(choose: Callable[..., float], before: float | None, now: float | None) -> float | None:
    known = [moment for moment in (before, now) if moment is not None]
    return choose(known) if known else None


def revise_test(home: Home, test_id: str, make: Callable[[Row], Prepared]) -> Prepared:
    """Commit a new revision of a test; made again if the test changes meanwhile.

    Args:
        home: the platform.
        test_id: the test.
        make: prepares a revision from the current one.

    Raises:
        UsageError: there is no such test.
        Outdated: it changed as often as we tried.
    """
    for attempt in range(1, TRIES + 1):
        test = home.registry.row(TEST, test_id=test_id)
        if test is None:
            raise UsageError(f"there is no test {test_id!r}")
        prepared = make(test)
        try:
            with home.registry.write() as connection:
                commit_prepared(home, connection, prepared)
        except Outdated:
            discard_prepared(home, prepared)
            if attempt == TRIES:
                raise
        else:
            break
    return prepared


@dataclass(frozen=True)
class _Rows:
    """What a revision is written from.

    Args:
        measurements: the rows to write.
        spectra: the points to write.
        derive: returns the steps of all rows, and how to go on from there.
    """

    measurements: pl.DataFrame
    spectra: pl.DataFrame
    derive: Callable[[], tuple[pl.DataFrame, Progress]]


def _write_whole(home: Home, test: Row, owner: Owner, measurements: pl.DataFrame, spectra: pl.DataFrame) -> Prepared:
    test = {**test, "rows": measurements.height, "spectra": spectra.height}
    recipe = home.recipe_of(owner.firm).derivation
    rows = _Rows(measurements, spectra, lambda: derive_all(measurements, recipe))
    return _write_revision(home, test, owner, rows)


def _write_revision(home: Home, test: Row, owner: Owner, rows: _Rows) -> Prepared:
    test = {**test, "firm": owner.firm, "cell_id": owner.cell_id, "assigned_by": owner.rule}
    first, recipe = test["rows"] - rows.measurements.height, home.recipe_of(owner.firm)
    # The rows are written while steps are derived from them: together these are most of an ingest.
    with ThreadPoolExecutor(1) as writer:
        tables = (MEASUREMENTS, rows.measurements, first), (SPECTRA, rows.spectra, 0)
        samples = writer.submit(store_tables, home, test, tables)
        steps, progress = rows.derive()
        convention = convention_of(home, owner) or infer_convention(steps, recipe.derivation)
        steps, cycles = derive_cycles(steps, convention, recipe.derivation)
        name = pl.lit(test["test_id"]).alias("test_id"), pl.lit(test["revision"], dtype=pl.Int64).alias("revision")
        derived = (STEPS, steps.with_columns(*name), 0), (CYCLES, cycles.with_columns(*name), 0)
        files = (*store_tables(home, test, derived), *samples.result())
    derived_by = recipe.derivation_hash
    test |= {"convention": convention, "steps": steps.height, "cycles": cycles.height, "derived_by": derived_by}
    grown = rows.measurements.height
    return Prepared(test, files, test["revision"] - 1, first > 0, grown, progress.to_json())


def _clock_range(measurements: pl.DataFrame, spectra: pl.DataFrame) -> Row:
    frames = [frame for frame in (measurements, spectra) if "unix_time_second" in frame.columns]
    clocks = np.concatenate([np.empty(0), *(doubles(frame["unix_time_second"]) for frame in frames)])
    known = clocks[~np.isnan(clocks)]
    first, last = (float(known.min()), float(known.max())) if len(known) else (None, None)
    return {"first_unix_second": first, "last_unix_second": last}


def retire_listed(home: Home, paths: Sequence[str]) -> list[str]:
    """Take damaged marts out of use: their parts are read again until the next night. Returns the paths."""
    with home.registry.write() as connection:
        retire_files(connection, paths)
    return list(paths)
