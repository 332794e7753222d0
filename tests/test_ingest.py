"""Ingest: every drop ends in one state, told by a receipt, and no drop stops the others."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_cells import START, cycle, measure, write_bdf

from flows.ingest import finish_unfinished, ingest_paths, retry_source
from flows.virtual_lab import LabReport
from parsers._zips import unpack_only_file
from warehouse.errors import SourceBusy, StoreBusy, UsageError
from warehouse.foreign import Foreign
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.publish import Owner
from warehouse.sentences import SENTENCES, explain
from warehouse.sources import begin_source, count_states, find_source, list_quarantine, newest_receipts

ROOT = Path(__file__).parent.parent
RECEIPT_KEYS = [
    *("path", "sha256", "state", "format", "kind", "test_id", "revision", "firm", "cell_id"),
    *("rows", "new_rows", "spectra", "steps", "cycles", "first_time", "last_time", "warnings", "reason", "seconds"),
]
TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
HEADER = ",".join(TWO_CYCLES.columns)
SETTINGS_FILE = "EC-LAB SETTING FILE\r\n\r\nNumber of linked techniques : 1\r\n"


@pytest.fixture
def dropped(tmp_path: Path) -> Path:
    return write_bdf(tmp_path / "in" / "a.csv", TWO_CYCLES)


def take(home: Home, *paths: Path, wish: Owner | None = None) -> list[dict[str, Any]]:
    return list(ingest_paths(home, list(paths), wish or Owner()))


def take_one(home: Home, path: Path) -> dict[str, Any]:
    (receipt,) = take(home, path)
    return receipt


def text_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


# States


def test_every_layout_is_committed(home: Home, small_lab: LabReport) -> None:
    """Files of five vendors' layouts become tests with all their rows, of the cells whose folders they lay in."""
    import_manifest(home, small_lab.manifest)
    receipts = take(home, *small_lab.files)
    assert {receipt["state"] for receipt in receipts} == {"committed"}
    assert sum(receipt["rows"] for receipt in receipts) == small_lab.rows
    assert all(Path(receipt["path"]).parent.name == receipt["cell_id"] for receipt in receipts)
    assert home.query("tests")["rows"].sum() == small_lab.rows


def test_committed_receipt_tells_what_is_there(home: Home, dropped: Path) -> None:
    """Rows, steps, cycles and times of a receipt are those of the test that queries show."""
    receipt = take_one(home, dropped)
    assert (receipt["rows"], receipt["new_rows"], receipt["steps"], receipt["cycles"]) == (88, 88, 8, 2)
    assert (receipt["format"], receipt["kind"], receipt["revision"]) == ("bdf_csv", "cycling", 1)
    assert receipt["first_time"] == "2026-03-02T00:00:00.000+00:00"
    assert home.query("steps", test=receipt["test_id"]).height == 8
    assert home.query("measurements").select(TWO_CYCLES.columns).equals(TWO_CYCLES)


def test_same_bytes_are_a_duplicate(home: Home, dropped: Path) -> None:
    """The same bytes, under whatever name, add nothing and are told what they are."""
    first = take_one(home, dropped)
    copy = dropped.with_name("복사본.csv")
    copy.write_bytes(dropped.read_bytes())
    again = take_one(home, copy)
    assert (again["state"], again["test_id"], again["new_rows"]) == ("duplicate", first["test_id"], 0)
    assert (again["reason"]["code"], str(dropped) in again["reason"]["en"]) == ("same_bytes", True)
    assert home.query("tests").height == 1


@pytest.mark.parametrize(
    ("old", "new"), [("\n", "\r\n"), ("\n", " \n"), (HEADER, "\ufeff" + HEADER), ("0.0,3.0", "0.000,3.00")]
)
def test_same_rows_in_other_bytes_are_unchanged(local_home: Home, dropped: Path, old: str, new: str) -> None:
    """A file that was written again with other line ends, blanks, mark or zeros holds the same test."""
    first = take_one(local_home, dropped)
    dropped.write_text(dropped.read_text().replace(old, new), newline="")
    again = take_one(local_home, dropped)
    assert (again["state"], again["test_id"], again["new_rows"]) == ("unchanged", first["test_id"], 0)
    assert again["sha256"] != first["sha256"]
    assert local_home.query("measurements").height == TWO_CYCLES.height


def test_one_other_value_is_another_test(local_home: Home, dropped: Path) -> None:
    """A single other voltage makes another test."""
    take_one(local_home, dropped)
    write_bdf(dropped, TWO_CYCLES.with_columns(pl.col("voltage_volt") + 1e-9))
    assert take_one(local_home, dropped)["state"] == "committed"


def test_unchanged_without_owner_stays_its_owners(local_home: Home, dropped: Path) -> None:
    """The vendor's program rewrites a file of a known owner: nobody's copy of it is not taken beside."""
    first = take(local_home, dropped, wish=Owner("A", "C1", "option"))[0]
    dropped.write_text(dropped.read_text() + "\n")
    again = take_one(local_home, dropped)
    assert (again["state"], again["test_id"], again["firm"]) == ("unchanged", first["test_id"], "A")


def test_unchanged_of_a_named_owner_is_given(local_home: Home, dropped: Path) -> None:
    """The same rows, dropped again with an owner's name, are given to that owner and not stored twice."""
    take_one(local_home, dropped)
    dropped.write_text(dropped.read_text() + "\n")
    (again,) = take(local_home, dropped, wish=Owner("A", None, "option"))
    assert (again["state"], again["firm"], again["warnings"][-1]) == (
        "unchanged",
        "A",
        "the test had no firm and now belongs to A",
    )
    assert local_home.query("tests").height == 1


def test_same_rows_of_two_firms_are_two_tests(local_home: Home, dropped: Path) -> None:
    """The same rows named by another firm are that firm's own test: neither learns of the other."""
    for firm in "AB":
        write_bdf(dropped, TWO_CYCLES)
        dropped.write_text(dropped.read_text() + "\n" * (firm == "B"))
        (receipt,) = take(local_home, dropped, wish=Owner(firm, None, "option"))
        assert (receipt["state"], receipt["firm"], receipt["warnings"]) == ("committed", firm, [])


BAD = {
    "letter.txt": ("Dear lab,\nthe cells have arrived.\n", "format_unknown", ""),
    "cut.csv": (f"{HEADER}\n0,3,0.001,1,0\n1,3.1\n2,3,0.001,1,0\n", "broken_file", "line 3"),
    "back.csv": (f"{HEADER}\n5,3,0.001,1,0\n1,3.1,0.001,1,0\n2,3,0.001,1,0\n", "time_goes_back", ""),
    "word.csv": (f"{HEADER}\n0,three,0.001,1,0\n1,3.1,0.001,1,0\n", "broken_file", "line 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_quarantined(local_home: Home, tmp_path: Path, name: str) -> None:
    """A file that cannot be taken is kept and set aside, with its code, its place and two languages."""
    text, code, where = BAD[name]
    receipt = take_one(local_home, text_file(tmp_path, name, text))
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", code)
    assert receipt["reason"]["where"].startswith(where)
    assert set(receipt["reason"]) == {"code", "en", "ko", "where"}
    assert SENTENCES[code].en in receipt["reason"]["en"]
    assert SENTENCES[code].ko in receipt["reason"]["ko"]
    assert local_home.archive.path_of(receipt["sha256"]).read_text() == text


def test_contradiction_is_quarantined(local_home: Home, tmp_path: Path) -> None:
    """Power a thousandfold of V·I is set aside with the likely cause."""
    wrong = TWO_CYCLES.with_columns(power_watt=pl.col("voltage_volt") * pl.col("current_ampere") * 1000)
    source = tmp_path / "wrong.parquet"
    wrong.write_parquet(source)
    receipt = take_one(local_home, source)
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "unit_factor")
    assert "thousandfold unit" in receipt["reason"]["en"]


IGNORED = {
    "settings.mps": (SETTINGS_FILE, "companion", "companion"),
    "nothing.csv": ("", "empty", "empty"),
    "started.csv": (HEADER + "\n", "empty", "empty"),
    ".DS_Store": ("\0\0\0\1Bud1", "companion", "system_file"),
    "~$book.xlsx": ("user", "companion", "system_file"),
    "copy.csv.part": (f"{HEADER}\n0,3,1", "companion", "system_file"),
}


@pytest.mark.parametrize("name", IGNORED)
def test_companions_are_ignored(local_home: Home, tmp_path: Path, name: str) -> None:
    """Settings, files without data yet and the operating system's own are kept and ignored, each with its reason."""
    text, kind, code = IGNORED[name]
    receipt = take_one(local_home, text_file(tmp_path, name, text))
    assert (receipt["state"], receipt["kind"], receipt["reason"]["code"]) == ("ignored", kind, code)
    assert find_source(local_home, receipt["sha256"]) is not None


def test_ignored_again_is_a_duplicate(local_home: Home, tmp_path: Path) -> None:
    """A settings file that is dropped twice is known the second time."""
    path = text_file(tmp_path, "settings.mps", SETTINGS_FILE)
    take_one(local_home, path)
    assert take_one(local_home, path)["state"] == "duplicate"


def test_file_that_got_data_is_committed(local_home: Home, tmp_path: Path) -> None:
    """A file without data is no obstacle for its later self."""
    path = text_file(tmp_path, "a.csv", HEADER + "\n")
    assert take_one(local_home, path)["state"] == "ignored"
    assert take_one(local_home, write_bdf(path, TWO_CYCLES))["state"] == "committed"


# Receipts and counts


def test_receipts_have_the_keys_of_the_contract(home: Home, dropped: Path) -> None:
    """Every receipt, whatever its state, has the keys of the outward contract in their order, and is JSON."""
    letter = text_file(dropped.parent, "letter.txt", "hello")
    empty = text_file(dropped.parent, "empty.csv", "")
    for receipt in take(home, dropped, dropped, letter, empty):
        assert list(receipt) == RECEIPT_KEYS
        json.dumps(receipt)


def test_receipts_are_kept(home: Home, dropped: Path) -> None:
    """The registry keeps every receipt as it was given, the newest first."""
    receipts = take(home, dropped, dropped)
    kept = newest_receipts(home)
    assert [{name: record[name] for name in RECEIPT_KEYS} for record in kept] == receipts[::-1]


def test_counts_add_up(home: Home, small_lab: LabReport, tmp_path: Path) -> None:
    """Each drop is counted once, under its state, and ``seen`` is the sum."""
    copy = tmp_path / "again.mpr"
    copy.write_bytes(small_lab.files[1].read_bytes())
    drops = [
        *small_lab.files,
        copy,
        text_file(tmp_path, "letter.txt", "hello"),
        text_file(tmp_path, "empty.csv", ""),
        text_file(tmp_path, "x.csv", small_lab.files[0].read_text() + "\n"),
    ]
    told = Counter(receipt["state"] for receipt in take(home, *drops))
    counts = count_states(home)
    assert counts.pop("seen") == sum(counts.values()) == len(drops)
    assert {state: number for state, number in counts.items() if number} == dict(told)
    assert told == {"committed": 5, "duplicate": 1, "quarantined": 1, "ignored": 1, "unchanged": 1}


def test_every_code_has_its_sentences() -> None:
    """Every code that the readers and the warehouse use is explained in English and Korean."""
    texts = [path.read_text() for folder in ("parsers", "warehouse", "flows") for path in (ROOT / folder).rglob("*.py")]
    literals = {code for text in texts for code in re.findall(r'\bcode="([a-z_]+)"', text)}
    defaults = {code for text in texts for code in re.findall(r'default_code: ClassVar\[str\] = "(\w+)"', text)}
    subclassed = {code for text in texts for code in re.findall(r'^    default_code = "(\w+)"', text, re.MULTILINE)}
    explained = {code for text in texts for code in re.findall(r'\bexplain\("(\w+)"', text)}
    used = literals | defaults | subclassed | explained
    assert len(literals) > 5
    assert {"unreadable", "format_unknown", "same_data"} <= used
    assert used <= SENTENCES.keys()


def test_sentences_speak_two_languages() -> None:
    """The Korean sentences are Korean, the English ones are not, and each is a sentence."""
    for sentence in SENTENCES.values():
        assert all(re.search("[가-힣]", text) for text in (sentence.ko, sentence.ko_do))
        assert not any(re.search("[가-힣]", text) for text in (sentence.en, sentence.en_do))
        assert all(text.endswith(".") for text in vars(sentence).values())


def test_unknown_code_is_still_explained() -> None:
    """A code without a sentence is shown as unreadable, under its own name."""
    assert explain("no_such_code")["code"] == "no_such_code"
    assert explain("no_such_code")["en"].startswith(SENTENCES["unreadable"].en)


# One bad drop does not stop the others


def test_unreadable_file_does_not_stop_a_folder(
    local_home: Home, dropped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be opened is told, and the rest of its folder is taken."""
    other = write_bdf(dropped.with_name("z.csv"), TWO_CYCLES.with_columns(pl.col("voltage_volt") + 0.1))
    honest = os.open

    def denied(path: Any, *arguments: Any, **options: Any) -> int:
        if path == dropped:
            raise PermissionError(13, "Permission denied")
        return honest(path, *arguments, **options)

    monkeypatch.setattr(os, "open", denied)
    first, second = take(local_home, dropped.parent)
    assert (first["path"], first["state"], first["reason"]["code"]) == (str(dropped), "quarantined", "cannot_open")
    assert (second["path"], second["state"]) == (str(other), "committed")


def test_dangling_link_does_not_stop_a_folder(local_home: Home, dropped: Path) -> None:
    """A link that leads nowhere is set aside, and the rest of its folder is taken."""
    dropped.with_name("0.csv").symlink_to(dropped.with_name("gone.csv"))
    assert [receipt["state"] for receipt in take(local_home, dropped.parent)] == ["quarantined", "committed"]


def test_path_that_does_not_exist_is_a_usage_error(local_home: Home, tmp_path: Path) -> None:
    """A path that leads nowhere is told before anything is taken."""
    with pytest.raises(UsageError, match="no file or folder"):
        take(local_home, tmp_path / "nowhere")


def test_growing_file_does_not_stop_a_folder(local_home: Home, dropped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is still being written is told at the end, after the others were taken."""
    write_bdf(dropped.with_name("z.csv"), TWO_CYCLES.with_columns(pl.col("voltage_volt") + 0.1))
    honest = Foreign.read

    def growing(self: Foreign, begin: int, size: int) -> bytes:
        chunk = honest(self, begin, size)
        if self.shown == str(dropped):
            with dropped.open("a") as file:
                file.write("\n")
        return chunk

    monkeypatch.setattr(Foreign, "read", growing)
    receipts: list[dict[str, Any]] = []
    with pytest.raises(SourceBusy, match=r"a\.csv changed while it was copied"):
        receipts.extend(ingest_paths(local_home, [dropped.parent], Owner()))
    assert newest_receipts(local_home)[0]["path"].endswith("z.csv")
    assert find_source(local_home, "") is None


@pytest.mark.parametrize("name", ["[/red]x[old].csv", "x" * 250 + ".csv", "배터리.csv", "a'b;--.csv", "a!b.csv"])
def test_any_name_is_taken(home: Home, tmp_path: Path, name: str) -> None:
    """Names with brackets, of 255 bytes, in Hangul or with quotes are names."""
    path = write_bdf(tmp_path / "[in]" / name.replace("/", "_"), TWO_CYCLES)
    receipt = take_one(home, path)
    assert (receipt["state"], receipt["path"]) == ("committed", str(path))
    assert home.query("measurements").height == TWO_CYCLES.height


def test_name_that_is_no_utf8_is_taken(home: Home, dropped: Path) -> None:
    """A name in another code page is shown with its bytes, and its file is taken."""
    path = dropped.with_name(b"\xbc\xbf 1.csv".decode("utf-8", "surrogateescape"))
    dropped.rename(path)
    receipt = take_one(home, path)
    assert (receipt["state"], Path(receipt["path"]).name) == ("committed", "\\xbc\\xbf 1.csv")


def test_source_of_another_process_is_left_to_it(local_home: Home, dropped: Path) -> None:
    """What another living process works on is not taken a second time; the other files of the folder are."""
    write_bdf(dropped.with_name("z.csv"), TWO_CYCLES.with_columns(pl.col("voltage_volt") + 0.1))
    with closing(Home(local_home.folder)) as other:
        begin_source(other, other.archive.capture(dropped, str(dropped)), str(dropped), Owner())
        receipts: list[dict[str, Any]] = []
        with pytest.raises(StoreBusy, match="another process"):
            receipts.extend(ingest_paths(local_home, [dropped.parent], Owner()))
    assert newest_receipts(local_home)[0]["path"].endswith("z.csv")
    assert count_states(local_home)["in_progress"] == 1


# Again


def test_retry_after_a_correction(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarantined source that can be read today is committed from the archive, though its file is gone."""
    path = write_bdf(tmp_path / "a.csv", TWO_CYCLES)
    with monkeypatch.context() as patch:
        patch.setattr("parsers.claims", lambda *_: [])
        assert take_one(local_home, path)["state"] == "quarantined"
    path.unlink()
    (waiting,) = list_quarantine(local_home)
    receipt = retry_source(local_home, waiting["sha256"])
    assert (receipt["state"], receipt["rows"], receipt["path"]) == ("committed", 88, str(path))
    assert list_quarantine(local_home) == []


def test_retry_keeps_the_named_owner(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry knows the owner that the first drop named."""
    path = write_bdf(tmp_path / "a.csv", TWO_CYCLES)
    with monkeypatch.context() as patch:
        patch.setattr("parsers.claims", lambda *_: [])
        (first,) = take(local_home, path, wish=Owner("A", "C1", "option"))
    receipt = retry_source(local_home, first["sha256"])
    assert (receipt["firm"], receipt["cell_id"]) == ("A", "C1")


def test_retry_of_what_is_committed_is_refused(local_home: Home, dropped: Path) -> None:
    """Only what is in quarantine is tried again."""
    receipt = take_one(local_home, dropped)
    with pytest.raises(UsageError, match="not in quarantine"):
        retry_source(local_home, receipt["sha256"])


def test_unfinished_is_finished_from_the_archive(local_home: Home, dropped: Path) -> None:
    """What a killed process had captured is finished without its file, for the owner that was named."""
    captured = local_home.archive.capture(dropped, str(dropped))
    begin_source(local_home, captured, str(dropped), Owner("A", "C1", "option"))
    dropped.unlink()
    assert count_states(local_home)["in_progress"] == 1
    (receipt,) = finish_unfinished(local_home)
    assert (receipt["state"], receipt["firm"], receipt["cell_id"]) == ("committed", "A", "C1")
    assert count_states(local_home)["in_progress"] == 0
    assert finish_unfinished(local_home) == []


def test_wall_clock_of_the_site(local_home: Home, small_lab: LabReport) -> None:
    """A file whose clock names no zone is of the site's zone: nine in the morning in Daejeon is midnight UTC."""
    receipt = take_one(local_home, small_lab.files[0])
    assert receipt["first_time"] == "2026-03-02T00:00:00.010+00:00"
    assert pytest.approx(local_home.query("tests")["first_unix_second"].item(), abs=0.02) == START


def test_zip_of_one_file_is_that_file(tmp_path: Path) -> None:
    """A zip that cannot be opened as one stands for itself."""
    assert unpack_only_file(text_file(tmp_path, "x.zip", "PK\x03\x04 nothing"), tmp_path / "y", "x.zip") is None
