"""Receipts: each drop's fate in plain words, in the registry and as a small file for people who open no page."""

from __future__ import annotations

import logging
import os
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cellar_runner import Runner
from made_cells import cycle, measure, write_bdf

from flows import receipts as receipts_module
from flows.accounts import Receipt, blank_receipt
from flows.ingest import ingest_paths
from flows.receipts import (
    follow_receipts,
    name_receipt_file,
    prune_receipt_files,
    render_receipt,
    write_receipt_file,
)
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.publish import Owner
from warehouse.schema import SOURCE_STATES
from warehouse.sentences import SENTENCES, STATES, explain
from warehouse.settings import read_settings
from warehouse.sources import receipts_of, write_receipt

SEOUL = ZoneInfo("Asia/Seoul")
AT = datetime(2026, 3, 2, 9, 15, tzinfo=SEOUL)
TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
MARK = b"\xef\xbb\xbf"
DAY = 86_400.0


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Home]:
    """A home whose site wants receipt files."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "settings.toml").write_text('receipts = "receipts"\n')
    with closing(Home(folder)) as home:
        yield home


def written(home: Home) -> list[Path]:
    return sorted((home.folder / "receipts").iterdir())


def committed(home: Home, tmp_path: Path, name: str = "a.csv") -> Receipt:
    (receipt,) = ingest_paths(home, [write_bdf(tmp_path / "in" / name, TWO_CYCLES)], Owner("A", "C1", "option"))
    return receipt


def quarantined(shown: str = "/inbox/cut.csv") -> Receipt:
    return blank_receipt(shown, "ab" * 32, "quarantined") | {"reason": explain("broken_file", "two values", "line 3")}


# What it says


def test_committed_receipt_is_plain(local_home: Home, tmp_path: Path) -> None:
    """A committed drop's text says in both languages what was read, whose it is, and when, in the site's time."""
    text = render_receipt(committed(local_home, tmp_path), AT)
    korean, english = text.split("-" * 60)
    assert korean.startswith("[등록됨] a.csv\n파일을 읽어 데이터를 등록했습니다.\n")
    assert "처리 시각: 2026-03-02 09:15:00 KST" in korean
    assert "기업 / 셀: A / C1" in korean
    assert "데이터: 88행, 새로 추가 88행, 2사이클\n" in korean
    assert "측정 기간: 2026-03-02 09:00:00 ~ " in korean
    assert "[Taken in] a.csv" in english
    assert "Data: 88 rows, 88 of them new, 2 cycles\n" in english


def test_quarantined_receipt_says_what_to_do() -> None:
    """A quarantined drop's text says what happened, where, and what to do, in both languages."""
    korean, english = render_receipt(quarantined(), AT).split("-" * 60)
    assert f"내용: {SENTENCES['broken_file'].ko} (two values)\n위치: line 3\n" in korean
    assert f"할 일: {SENTENCES['broken_file'].ko_do}\n" in korean
    assert f"What to do: {SENTENCES['broken_file'].en_do}\n" in english
    assert "번호: abababababab" in korean


def test_unassigned_receipt_says_so(local_home: Home, tmp_path: Path) -> None:
    """A drop that is nobody's is told to be invisible until it is assigned."""
    (receipt,) = ingest_paths(local_home, [write_bdf(tmp_path / "x.csv", TWO_CYCLES)], Owner())
    text = render_receipt(receipt, AT)
    assert "기업 / 셀: 미지정 (운영자가 지정할 때까지 어느 기업에도 보이지 않습니다)" in text
    assert "not assigned (no firm sees it until an operator assigns it)" in text


@pytest.mark.parametrize("state", SOURCE_STATES)
def test_every_state_is_told(state: str) -> None:
    """Each state has a text in both languages, whatever else is known."""
    text = render_receipt(blank_receipt("a.csv", "", state), AT)
    assert f"[{STATES[state].ko}] a.csv" in text
    assert STATES[state].en_means in text


def test_warnings_are_told() -> None:
    """Each warning stands on a line of its own."""
    text = render_receipt(quarantined() | {"warnings": ["one", "two"]}, AT)
    assert "주의: one\n주의: two\n" in text


# Its name


@pytest.mark.parametrize(
    ("shown", "begins"),
    [
        ("/inbox/A/C1.csv", "C1.csv."),
        ("D:\\inbox\\A\\C1.csv", "C1.csv."),
        ("/inbox/a.zip!in/b.csv", "b.csv."),
        ('/inbox/a<b>:"|?*\t\x00.csv', "a_b________.csv."),
        ("/inbox/..", "file."),
        ("/inbox/.hidden", "hidden."),
        ("", "file."),
        ("/inbox/con.csv", "_con.csv."),
        ("/inbox/LPT1", "_LPT1."),
        ("/inbox/contact.csv", "contact.csv."),
        ("/inbox/\\xbc\\xbf 1.csv", "_xbc_xbf 1.csv."),
        ("/inbox/\u202egnp.csv", "_gnp.csv."),
    ],
)
def test_name_is_safe(shown: str, begins: str) -> None:
    """A receipt file is called like the drop, without what a system would take for a path, a device or a command."""
    assert name_receipt_file(shown, "committed", AT) == f"{begins}20260302-091500.committed.txt"


@pytest.mark.parametrize("letter", ["x", "한", "😀", unicodedata.normalize("NFD", "각")])
def test_name_is_short_enough(tmp_path: Path, letter: str) -> None:
    """The longest drop's name gives a name of at most 255 bytes, in NFC, that can be written."""
    name = name_receipt_file("/inbox/" + letter * 255, "quarantined", AT, 12)
    assert len(name.encode()) <= 255
    assert name.endswith(".20260302-091500-12.quarantined.txt")
    assert name == unicodedata.normalize("NFC", name)
    (tmp_path / name).touch()


# The file


def test_file_opens_in_notepad(told: Home, tmp_path: Path) -> None:
    """The file has the mark and the line ends that an old Notepad of a Korean Windows needs."""
    committed(told, tmp_path)
    (path,) = written(told)
    raw = path.read_bytes()
    assert raw.startswith(MARK)
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert "등록됨" in raw.decode("utf-8-sig")


def test_same_name_at_the_same_time(told: Home) -> None:
    """Receipts of one second and one name lie beside each other."""
    receipts = [quarantined(f"/inbox/{folder}/x.csv") | {"at_unix_second": AT.timestamp()} for folder in "abc"]
    paths = [write_receipt_file(told, receipt) for receipt in receipts]
    assert [path.name for path in paths if path] == [
        "x.csv.20260302-091500.quarantined.txt",
        "x.csv.20260302-091500-2.quarantined.txt",
        "x.csv.20260302-091500-3.quarantined.txt",
    ]
    for folder, path in zip("abc", paths, strict=True):
        assert path is not None
        assert f"/inbox/{folder}/x.csv" in path.read_text("utf-8-sig")


def test_no_folder_no_file(local_home: Home) -> None:
    """A site that names no folder gets no files."""
    assert write_receipt_file(local_home, quarantined()) is None
    assert not (local_home.folder / "receipts").exists()


def test_system_files_get_no_receipt_file(told: Home) -> None:
    """What the system leaves lying about is not told."""
    assert (
        write_receipt_file(told, blank_receipt(".DS_Store", "", "ignored") | {"reason": explain("system_file")}) is None
    )


def test_folder_that_cannot_be_written_stops_nothing(told: Home, caplog: pytest.LogCaptureFixture) -> None:
    """A receipts folder that cannot be made is a warning in the log."""
    (told.folder / "receipts").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert write_receipt_file(told, quarantined()) is None
    assert "no receipt file for /inbox/cut.csv" in caplog.text


def test_full_disk_leaves_no_half_file(told: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last step fails, neither half a receipt nor a temporary file stays."""

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(receipts_module, "publish_file", full)
    assert write_receipt_file(told, quarantined()) is None
    assert written(told) == []


def test_old_files_are_pruned(told: Home) -> None:
    """Receipt files older than the site keeps them are removed, and nothing else that lies there."""
    old, new = write_receipt_file(told, quarantined("old.csv")), write_receipt_file(told, quarantined("new.csv"))
    mine = told.folder / "receipts" / "my notes.txt"
    mine.touch()
    now = AT.timestamp()
    for path, age in ((old, 91), (new, 89), (mine, 1000)):
        assert path is not None
        os.utime(path, (now - age * DAY,) * 2)
    assert prune_receipt_files(told, now) == 1
    assert set(written(told)) == {new, mine}


def test_nothing_to_prune(told: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Before the first receipt there is nothing to prune, and nothing to complain about."""
    assert prune_receipt_files(told) == 0
    assert caplog.text == ""


@pytest.mark.parametrize("folder", ["inbox", "inbox/receipts", "./x/../inbox/r", "archive", "tables/r"])
def test_receipts_are_no_drops(tmp_path: Path, folder: str) -> None:
    """A receipts folder inside an inbox, the archive or the tables is refused: its files would be taken in."""
    (tmp_path / "settings.toml").write_text(f'receipts = "{folder}"\n')
    with pytest.raises(UsageError, match="receipts cannot be"):
        read_settings(tmp_path)


# In the registry


def test_receipts_of_a_file(local_home: Home, tmp_path: Path) -> None:
    """All receipts of a file, the newest first, are found by path, end of path, hash, or its beginning."""
    first = committed(local_home, tmp_path)
    committed(local_home, tmp_path, "b_c.csv")
    again = committed(local_home, tmp_path)
    by_path = receipts_of(local_home, first["path"])
    assert [receipt["state"] for receipt in by_path] == ["duplicate", "committed"]
    assert receipts_of(local_home, "in/a.csv") == receipts_of(local_home, "a.csv") == by_path
    assert len(receipts_of(local_home, again["sha256"][:8])) == 3
    assert receipts_of(local_home, "b%c.csv") == receipts_of(local_home, ".csv") == []


def test_following_tells_what_comes(local_home: Home) -> None:
    """Whoever follows is told of each receipt that comes from then on, in order and once."""

    def drop(_seconds: float) -> None:
        with local_home.registry.write() as connection:
            for name in ("1.csv", "2.csv"):
                write_receipt(connection, quarantined(name))

    drop(0)
    followed = list(islice(follow_receipts(local_home, drop), 4))
    assert [receipt["path"] for receipt in followed] == ["1.csv", "2.csv"] * 2


def test_receipt_command(local_home: Home, tmp_path: Path) -> None:
    """``receipt`` prints all receipts of a file with their times; of an unknown file it is wrong usage."""
    receipt = committed(local_home, tmp_path)
    where = ["--home", str(local_home.folder)]
    with closing(Runner()) as runner:
        (told,) = runner.run(["receipt", receipt["path"], "--json", *where], tmp_path).json()
        assert (told["sha256"], told["rows"]) == (receipt["sha256"], 88)
        shown = runner.run(["receipt", "a.csv", *where], tmp_path).out
        assert f"{datetime.now(UTC):%Y-%m-%d}" in shown
        assert "committed" in shown
        assert runner.run(["receipt", "z.csv", *where], tmp_path).code == 2
