"""Reading in a process of its own: the same rows, every refusal, and what a file may do to its reader."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from corpus_files import cases
from made_cells import cycle, measure, write_bdf

import parsers
from flows import apart, reader_pool
from flows.ingest import ingest_paths
from flows.virtual_lab import LabOptions, simulate
from parsers.contract import SITE_ZONE, Known
from warehouse.errors import FormatUnknown, ParseError, UsageError
from warehouse.home import Home
from warehouse.sentences import SENTENCES

SMALL_BYTES: Final = 40_000
DYING: Final = (sys.executable, str(Path(__file__).with_name("dying_reader.py")))
FILES: Final = [case.file for case in cases() if case.format]


@pytest.fixture(scope="module")
def pool() -> Iterator[reader_pool.Pool]:
    """One process that dies on demand, kept over these tests."""
    pool = reader_pool.Pool(DYING)
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def on(monkeypatch: pytest.MonkeyPatch, pool: reader_pool.Pool) -> None:
    monkeypatch.setenv(reader_pool.VARIABLE, reader_pool.APART)
    monkeypatch.setattr(reader_pool, "POOL", pool)


@pytest.fixture
def test_file(tmp_path: Path) -> Path:
    return write_bdf(tmp_path / "new.csv", measure(cycle([1e-3])))


def read(path: Path, **options: Any) -> parsers.Reading:
    return apart.read(path, path.name, SITE_ZONE, {}, **options)


def drop(folder: Path, word: str) -> Path:
    path = folder / f"{word}.csv"
    path.write_text(f"{word}\n")
    return path


def test_corpus_reads_the_same(corpus: Path) -> None:
    """Small real files give bit for bit what reading them here gives, facts and warnings too, or the same refusal."""
    small = [corpus / file for file in FILES if (corpus / file).stat().st_size < SMALL_BYTES]
    assert len(small) > 50
    for path in small[::6]:
        there, here = outcome(path, apart=True), outcome(path, apart=False)
        assert there == here, path.name


def outcome(path: Path, *, apart: bool) -> Any:
    try:
        found = read(path) if apart else parsers.read(path)
    except (ParseError, FormatUnknown) as error:
        return type(error), error.path, error.detail, error.code, error.where
    tables = [table.to_dict(as_series=False) | {"types": table.schema} for table in (found.measurements, found.spectra)]
    return tables, dict(found.about), found.warnings, found.incomplete, found.format, found.kind


def test_named_format_is_obeyed(test_file: Path) -> None:
    """What a technician insists on is read as that, and an unknown name is the user's error."""
    assert read(test_file, format_name="bdf_csv").format == "bdf_csv"
    with pytest.raises(ParseError):
        read(test_file, format_name="arbin_csv")
    with pytest.raises(UsageError):
        read(test_file, format_name="nothing")


def test_claimants_are_told(test_file: Path) -> None:
    """The names of the formats that claim a file are those found here."""
    assert apart.detect(test_file, "new.csv") == ["bdf_csv"]


def test_growing_file_is_read_on(tmp_path: Path) -> None:
    """The end of a grown file comes out as when it is read here."""
    options = LabOptions(cells=1, cycles=60, long_cells=0, points=6, formats=("arbin_csv",))
    (path,) = simulate(tmp_path / "lab", options).files
    whole = path.read_bytes()
    half = whole[: whole.index(b"\n", len(whole) // 2) + 1]
    (tmp_path / "half").write_bytes(half)
    known = Known(len(half), parsers.read(tmp_path / "half").measurements.height)
    with path.open("rb") as here, path.open("rb") as there:
        ours = parsers.read_tail(here, "arbin_csv", known)
        theirs = parsers.read_tail(there, "arbin_csv", known, read_part=apart.read_part)
    assert ours is not None
    assert theirs is not None
    assert ours.reading.measurements.equals(theirs.reading.measurements)


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("segfault", "reader_died", "code -11"),
        ("allocate", "reader_memory", "allocate"),
        ("spin", "reader_time", "longer"),
        ("sleep", "reader_time", "longer"),
        ("fail", "reader_died", "KeyError"),
    ],
)
def test_file_that_ends_its_reader_is_refused(
    tmp_path: Path, test_file: Path, monkeypatch: pytest.MonkeyPatch, *, word: str, code: str, said: str
) -> None:
    """Whatever a file does to its reader is a refusal with its own code, and the next file is read."""
    if word in {"spin", "sleep"}:
        monkeypatch.setattr(apart, "SECONDS", 1)
        monkeypatch.setattr(reader_pool, "WALL_PER_SECOND", 20 if word == "spin" else 0.2)
    with pytest.raises(ParseError, match=said) as refusal:
        read(drop(tmp_path, word))
    assert refusal.value.code == code
    assert refusal.value.path == f"{word}.csv"
    monkeypatch.undo()
    monkeypatch.setenv(reader_pool.VARIABLE, reader_pool.APART)
    assert read(test_file).format == "bdf_csv"


def test_reader_that_another_killed_gets_a_second_try(
    tmp_path: Path, test_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was killed from outside, as by a system without memory, is no verdict on the file."""
    monkeypatch.setenv("DYING_MARK", str(tmp_path / "mark"))
    monkeypatch.setattr(reader_pool, "POOL", reader_pool.Pool(DYING))
    once = tmp_path / "once.csv"
    once.write_bytes(b"once\n" + test_file.read_bytes())
    with pytest.raises(FormatUnknown):
        read(once)
    assert (tmp_path / "mark").exists()
    reader_pool.POOL.close()


def test_printing_does_not_disturb(tmp_path: Path) -> None:
    """What a library prints does not get between the answers."""
    with pytest.raises(FormatUnknown):
        read(drop(tmp_path, "chatter"))


def test_grown_process_is_replaced(test_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that took much memory gives it back by ending."""
    first = reader_pool.POOL.take()
    reader_pool.POOL.give_back(first)
    monkeypatch.setattr(reader_pool, "KEPT_RESIDENT", 1)
    read(test_file)
    second = reader_pool.POOL.take()
    reader_pool.POOL.give_back(second)
    assert first is not second


def test_two_threads_read_at_a_time(test_file: Path) -> None:
    """Each thread has a process of its own, and gets its own answers."""
    other = write_bdf(test_file.with_name("other.csv"), measure(cycle([1e-3, 0.9e-3])))
    found: dict[str, int] = {}

    def work(path: Path) -> None:
        for _ in range(5):
            found[path.name] = read(path).measurements.height

    threads = [threading.Thread(target=work, args=(path,)) for path in (test_file, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found["other.csv"] > found["new.csv"] > 0


def test_fork_does_not_use_its_parents_process() -> None:
    """A forked process starts its own: two that talk through one pipe would get each other's answers."""
    reader = reader_pool.POOL.take()
    reader_pool.POOL.give_back(reader)
    child = os.fork()
    if child == 0:
        os._exit(int(reader_pool.POOL.take() is reader))
    assert os.waitpid(child, 0)[1] == 0


def test_ingest_sets_the_file_aside(local_home: Home, tmp_path: Path, test_file: Path) -> None:
    """A drop that kills its reader is kept, quarantined with a sentence in both languages, and the next is taken."""
    receipts = list(ingest_paths(local_home, [drop(tmp_path, "segfault"), test_file]))
    assert [receipt["state"] for receipt in receipts] == ["quarantined", "committed"]
    assert receipts[0]["reason"]["code"] == "reader_died"
    assert receipts[0]["reason"]["ko"] != receipts[0]["reason"]["en"]
    assert local_home.archive.has(receipts[0]["sha256"])


def test_commands_read_apart(tmp_path: Path, test_file: Path) -> None:
    """``cellar ingest`` reads in a process of its own unless the environment says otherwise."""
    environment = {name: value for name, value in os.environ.items() if name != reader_pool.VARIABLE}
    script = "import sys, flows.main as c, flows.reader_pool as a\ntry: c.main()\nfinally: print(len(a.POOL._idle))"
    command = [sys.executable, "-c", script, "ingest", str(test_file), "--home", str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "1"
    environment[reader_pool.VARIABLE] = "inside"
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "0"


@pytest.mark.parametrize("code", sorted(set(apart.CODES.values())))
def test_every_end_has_its_sentences(code: str) -> None:
    """Each way to end is told in both languages."""
    sentence = SENTENCES[code]
    assert all(text.endswith(".") for text in (sentence.en, sentence.ko, sentence.en_do, sentence.ko_do))
