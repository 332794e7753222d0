"""``verify`` and ``verify --repair`` over a file that grew: damage is found, and mended by whoever has the bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from made_cells import cycle, measure, write_bdf

from flows.ingest import ingest_paths, repair_home
from flows.names import printable
from warehouse.errors import DamageError
from warehouse.files import temporary_beside
from warehouse.home import Home
from warehouse.identity import rederive_test
from warehouse.registry import INBOX_FILE
from warehouse.sources import count_states
from warehouse.verify import Finding, check_home, heal_archive, remove_leftovers

OTHER = "0123456789abcdef" * 2


@pytest.fixture
def grown(local_home: Home, tmp_path: Path) -> list[str]:
    """Hashes of three versions of a growing file, the last of which lies in the inbox."""
    path = tmp_path / "cell.csv"
    raw = write_bdf(path, measure(cycle([1e-3] * 20))).read_bytes()
    rows = raw.splitlines(keepends=True)
    hashes = []
    for part in (0.7, 0.8, 1.0):
        path.write_bytes(b"".join(rows[: int(len(rows) * part)]))
        (receipt,) = ingest_paths(local_home, [path])
        hashes.append(receipt["sha256"])
    remember(local_home, path, hashes[-1])
    assert [local_home.archive.path_of(sha256).exists() for sha256 in hashes] == [True, False, False]
    return hashes


def remember(home: Home, path: Path, sha256: str) -> None:
    """Note a file as the watcher does that took it in."""
    row = {"path": printable(path), "size": 1, "modified_ns": 1, "sha256": sha256, "taken_unix_second": 1.0}
    with home.registry.write() as connection:
        home.registry.put(connection, INBOX_FILE, row)


def spoil(path: Path) -> None:
    """Change a byte in the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def serious(home: Home) -> list[Finding]:
    """Return what is serious."""
    return [finding for finding in check_home(home) if finding.serious]


def test_versions_are_sound(local_home: Home, grown: list[str]) -> None:
    """A home with versions of a growing file is sound."""
    assert len(set(grown)) == 3
    assert list(check_home(local_home)) == []


def test_damaged_root_is_told_by_each_version(local_home: Home, grown: list[str]) -> None:
    """A damaged file that several versions need is named by each of them, with the source that cannot be had."""
    root = local_home.archive.path_of(grown[0])
    spoil(root)
    found = serious(local_home)
    assert {(finding.kind, finding.place, finding.path) for finding in found} == {
        ("damaged", "archive", f"{grown[0][:2]}/{grown[0]}")
    }
    assert {finding.sha256 for finding in found} == set(grown)


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_inbox_heals_the_archive(local_home: Home, grown: list[str], victim: int) -> None:
    """A damaged version is mended from the file in the inbox, which has grown since."""
    spoil(next(local_home.archive.folder.rglob(f"{grown[victim]}*")))
    assert set(heal_archive(local_home, serious(local_home))) == set(grown[victim:])
    assert list(check_home(local_home)) == []


def test_missing_version_comes_back(local_home: Home, grown: list[str]) -> None:
    """A version whose file is gone comes back from the inbox."""
    local_home.archive.path_of(grown[0]).unlink()
    heal_archive(local_home, serious(local_home))
    assert list(check_home(local_home)) == []


def test_archive_heals_itself(local_home: Home, grown: list[str], tmp_path: Path) -> None:
    """A damaged version is mended from a later one that is kept whole, though no inbox has the file any more."""
    path = tmp_path / "cell.csv"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(write_bdf(path, measure(cycle([1e-3] * 60))).read_bytes())
    assert path.read_bytes().startswith(b"".join(rows[:-1]))
    (receipt,) = ingest_paths(local_home, [path])
    path.unlink()
    assert local_home.archive.path_of(receipt["sha256"]).exists()
    spoil(local_home.archive.path_of(grown[0]))
    assert grown[0] in heal_archive(local_home, serious(local_home))


def test_what_nobody_has_stays_serious(local_home: Home, grown: list[str], tmp_path: Path) -> None:
    """Damage that nobody can mend is told again, and its bytes are not handed out."""
    (tmp_path / "cell.csv").write_bytes(b"other")
    spoil(local_home.archive.path_of(grown[0]))
    assert heal_archive(local_home, serious(local_home)) == []
    assert len(serious(local_home)) == 3
    with pytest.raises(DamageError), local_home.archive.materialise(grown[2]):
        pass


def test_living_writers_are_spared(local_home: Home, grown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a living writer works on, or may have named a moment ago, is no leftover until it is dead."""
    part = next(local_home.store.folder.rglob("*.parquet"))
    test = f"t-{grown[0][:12]}"
    assert part.name.startswith(test)
    named = [part.with_name(f"{name}.parquet") for name in (f"{test}-r999-{OTHER[:12]}-1", "mart-0123456789abcdef")]
    for path in (
        *named,
        temporary_beside(part, OTHER),
        temporary_beside(local_home.archive.folder / "incoming" / "x", OTHER),
    ):
        path.write_bytes(b"a moment ago")
    with monkeypatch.context() as patch:
        patch.setattr(local_home.leases, "living", lambda: frozenset({local_home.owner, OTHER}))
        assert remove_leftovers(local_home) == 0
    assert remove_leftovers(local_home) == 4
    assert list(check_home(local_home)) == []


def test_what_was_listed_meanwhile_stays(local_home: Home, grown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process wrote and listed while leftovers were looked for, and is done with, is no leftover."""
    walk = os.walk

    def write_and_walk(folder: str) -> Iterator[Any]:
        with closing(Home(local_home.folder)) as other:
            rederive_test(other, f"t-{grown[0][:12]}")
        return walk(folder)

    monkeypatch.setattr(os, "walk", write_and_walk)
    assert remove_leftovers(local_home) == 0
    monkeypatch.undo()
    assert list(check_home(local_home)) == []


def test_content_without_a_row_is_adopted(local_home: Home, tmp_path: Path) -> None:
    """Bytes whose capture was the last thing that a killed process did are told, and repair takes them in."""
    path = write_bdf(tmp_path / "lost.csv", measure(cycle([1e-3])))
    captured = local_home.archive.capture(path, "lost.csv")
    path.unlink()
    found = list(check_home(local_home))
    assert [(each.kind, each.place, each.serious) for each in found] == [("unlisted", "archive", False)]
    assert repair_home(local_home, found) == [captured.sha256]
    assert count_states(local_home)["committed"] == 1
    assert list(check_home(local_home)) == []
