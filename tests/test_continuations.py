"""Files that continue others: linked by what they say of themselves, in whatever order they come, not by names."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from made_cells import cycle, measure, write_bdf
from polars.testing import assert_frame_equal

from flows.ingest import ingest_paths
from warehouse.chains import End, judge, offset_after, read_ends, relate_names
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells
from warehouse.links import link_all, link_test
from warehouse.publish import Incoming, Owner, commit_prepared, prepare_test
from warehouse.registry import TEST, TEST_END, Row
from warehouse.schema import SPECTRA

START: Final = 1_700_000_000.0
LINKED: Final = ("continues", "part", "linked_by")
MACCOR: Final = "maccor/TRI-AMDD-beep__xTESLADIAG_000038"
LETTERS: Final = "maccor/ROVI-org-battery-data-toolkit__hist__example_"
LOOPS: Final = "biologic_mpr/jepegit-cellpy__hist__Bec01_01_1_C20_loop_20170219_01_MB_C02_loop"
CELLPY: Final = "arbin_res/jepegit-cellpy__20210210_FC_01_cc_0"
CONTINUED: Final = {
    "con": [f"{MACCOR}.078", f"{MACCOR}con.078"],
    "001": [f"maccor/ROVI-org-battery-data-toolkit__maccor_example.00{number}" for number in (1, 2)],
    "a-d": [f"{LETTERS}{name}.062" for name in ("formation", "rate", "hppc", "cycl")],
    "loop": [f"{LOOPS}{number}.mpr" for number in range(3)],
    "cc": [f"{CELLPY}{number}.res" for number in (1, 2)],
}
DIAGNOSTICS: Final = "maccor/TRI-AMDD-beep__PredictionDiagnostics_000151_"
SAMPLES: Final = "biologic_mpt/ImperialCollegeLondon-PyProBE__Sample_data_biologic_"
APART: Final = {
    "other copies of the same rows": [f"{DIAGNOSTICS}{name}.052" for name in ("paused", "test")],
    "months apart on a channel": [f"{SAMPLES}{name}.txt" for name in ("01_MB_CA1", "timestamped")],
}


def end(test_id: str = "t-a", **other: Any) -> End:
    """Return a test of one hour on a channel; what is named differs."""
    test: Row = {column.name: None for column in TEST.columns}
    about = {"test_name": "ageing", **other.pop("about", {})}
    test |= {"test_id": test_id, "channel": "M1-3", "format": "bdf_csv", "about": json.dumps(about)}
    test |= {"first_unix_second": START, "last_unix_second": START + 3600}
    ends: Row = {"first_second": 0.0, "last_second": 3600.0, "first_volt": 3.0, "last_volt": 3.7}
    ends |= dict.fromkeys(("first_cycle", "last_cycle", "first_record", "last_record"))
    changed = [{name: other.get(name, value) for name, value in row.items()} for row in (test, ends)]
    return End(*changed)


def later(**other: Any) -> End:
    """Return a test that begins two hours later at the voltage where the first ended."""
    times = {"first_unix_second": START + 10_800, "last_unix_second": START + 14_400, "first_volt": 3.7}
    return end("t-b", **{**times, **other})


def is_linked(before: End, after: End) -> bool:
    verdict = judge(before, after)
    return verdict is not None and verdict.linked


# Names


@pytest.mark.parametrize(
    ("before", "after", "relation"),
    [
        ("xTESLADIAG_000038", "xTESLADIAG_000038con", "marked"),
        ("aging", "aging_cont2", "marked"),
        ("run con1", "run con2", "marked"),
        ("FC_01_cc_01-01-032", "FC_01_cc_02-01-032", "marked"),
        ("MB_loop0", "MB_loop1", "marked"),
        ("cell_011", "cell_012", "numbered"),
        ("B32B-P3a", "B32B-P3b", "numbered"),
        ("수명", "수명", "same"),
        ("cell_011", "cell_013", None),
        ("cell_45_cc_01", "cell_46_cc_01", None),
        ("20260101", "20260102", "numbered"),
        ("silicon", "silicon2", None),
        ("aging", "control", None),
        ("aging", "agingconcept", None),
        (None, "aging", None),
    ],
)
def test_relation_of_names(before: str | None, after: str, relation: str | None) -> None:
    """A name continues another by a mark, by the number or letter at its end, or by being the same."""
    assert relate_names(before, after) == relation


# Evidence


def test_same_name_with_joining_voltage_links() -> None:
    """The same channel and name, later, beginning at the voltage where the other ended: one run of the cell."""
    assert judge(end(), later()).reason == "same channel, name continues, voltage joins"  # type: ignore[union-attr]  # it is linked


def test_same_name_alone_is_told_and_not_linked() -> None:
    """The same name on the same channel may be another cell: without more it is not linked, and the reason is told."""
    verdict = judge(end(), later(first_volt=3.2))
    assert verdict is not None
    assert not verdict.linked
    assert "3.2 V does not join 3.7 V" in verdict.reason


def test_mark_needs_no_join() -> None:
    """A name that is marked as a continuation links on the same channel, though the cell relaxed in between."""
    assert is_linked(end(), later(first_volt=3.2, about={"test_name": "ageing con"}))


def test_mark_on_another_channel_does_not_link() -> None:
    """A name alone never links: on another channel nothing does."""
    assert judge(end(), later(channel="M1-4", about={"test_name": "ageing con"})) is None


def test_mark_without_a_channel_does_not_link() -> None:
    """Nor does a mark where no channel is known."""
    assert judge(end(channel=None), later(channel=None, about={"test_name": "ageing con"})) is None


def test_cycle_number_that_goes_on_links() -> None:
    """The instrument's cycle number that goes on bridges a voltage that does not join."""
    assert is_linked(end(last_cycle=21), later(first_volt=3.2, first_cycle=21))
    assert not is_linked(end(last_cycle=21), later(first_volt=3.2, first_cycle=1))


def test_record_number_that_goes_on_links() -> None:
    """The instrument's record number that goes on links whatever the names are."""
    assert is_linked(end(last_record=500), later(first_volt=3.2, first_record=501, about={"test_name": "other"}))


def test_recording_that_went_on_at_once_links() -> None:
    """Within a minute and at the same voltage it is the same run, though the names have nothing in common."""
    other = {"test_name": "other"}
    assert is_linked(end(), later(first_unix_second=START + 3605, about=other))
    assert judge(end(), later(about=other)) is None


def test_test_time_that_goes_on_links_without_channel_and_clock() -> None:
    """Test time that goes on where the other ended, at its voltage, links files that say little else."""
    silent: dict[str, Any] = {
        "channel": None,
        "first_unix_second": None,
        "last_unix_second": None,
        "about": {"comment": "Si/C"},
    }
    assert is_linked(end(**silent), later(**{**silent, "first_second": 3600.1, "last_second": 7200.0}))
    other = {**silent, "about": {"comment": "LFP"}}
    assert not is_linked(end(**silent), later(**{**other, "first_second": 3600.1, "last_second": 7200.0}))


def test_overlap_in_time_never_links() -> None:
    """A test that begins before the other ended is no continuation."""
    assert judge(end(), later(first_unix_second=START + 1800)) is None


def test_copy_of_later_records_never_links() -> None:
    """A file whose test time begins in the middle of the other's is a copy of a part, whatever its clock says."""
    assert judge(end(last_second=9000.0), later(first_second=8000.0)) is None


@pytest.mark.parametrize("other", [{"firm": "B"}, {"firm": "A", "cell_id": "C2"}, {"about": {"serial": "2"}}])
def test_other_owner_or_instrument_never_links(other: dict[str, Any]) -> None:
    """Two firms, two cells and two instruments share no run."""
    assert judge(end(firm="A", cell_id="C1", about={"serial": "1"}), later(**other)) is None


def test_time_goes_on_in_the_chain() -> None:
    """What is added to a continuation's test time keeps the chain's from going back: by the clock, or its own count."""
    assert offset_after(end(), later(), 100.0) == 100.0 + 3600.0 + 7200.0
    assert offset_after(end(), later(first_second=3601.0), 100.0) == 100.0
    unclocked = later(first_unix_second=None)
    assert offset_after(end(), unclocked, 0.0) == 3600.0


# The registry


def run(shift: float, volt: float = 0.0, seconds: float = 0.0) -> pl.DataFrame:
    """Return two cycles that begin so many seconds later, at another voltage, with another test time."""
    frame = measure(cycle([1e-3, 0.9e-3]))
    return frame.with_columns(
        unix_time_second=START + shift + pl.col("test_time_second"),
        voltage_volt=pl.col("voltage_volt") + volt,
        test_time_second=pl.col("test_time_second") + seconds,
    )


def commit(home: Home, name: str, frame: pl.DataFrame, about: Mapping[str, Any], owner: Owner) -> str:
    """Commit a test as ingest does; returns its name."""
    sha256 = name.encode().hex().ljust(64, "0")
    incoming = Incoming(name, sha256, "bdf_csv", 1, "cycling", frame, SPECTRA.empty(), about)
    prepared = prepare_test(home, incoming, owner)
    with home.registry.write() as connection:
        commit_prepared(home, connection, prepared)
        link_test(home, connection, prepared.test["test_id"], read_ends(frame))
    return str(prepared.test["test_id"])


def links(home: Home) -> dict[str, tuple[Any, ...]]:
    rows = home.registry.rows(TEST.select())
    return {row["test_id"]: tuple(row[name] for name in ("continues", "chain", "part")) for row in rows}


PARTS: Final = {"one": (0.0, "ageing"), "two": (50_000.0, "ageing con"), "three": (100_000.0, "ageing con2")}


@pytest.mark.parametrize("order", [("one", "two", "three"), ("three", "two", "one"), ("one", "three", "two")])
def test_order_of_arrival_does_not_matter(local_home: Home, order: tuple[str, ...]) -> None:
    """Three parts of a run are one chain, in whatever order they come."""
    names = {}
    for name in order:
        shift, called = PARTS[name]
        names[name] = commit(local_home, name, run(shift), {"channel": "1-1", "test_name": called}, Owner())
    one, two, three = (names[name] for name in PARTS)
    assert links(local_home) == {one: (None, one, 1), two: (one, one, 2), three: (two, one, 3)}


def test_tests_show_their_chain(local_home: Home) -> None:
    """The question about tests shows what each continues, its place, and what shows that."""
    for name, (shift, called) in PARTS.items():
        commit(local_home, name, run(shift), {"channel": "1-1", "test_name": called}, Owner())
    shown = local_home.query("tests").select(LINKED).rows()
    assert [row[1] for row in shown] == [1, 2, 3]
    assert shown[1][2] == "same channel, name is marked as a continuation"


def test_life_is_in_the_order_of_the_chain(local_home: Home) -> None:
    """Without clocks a cell's cycles come in the order of its chain, and its days go on over all of it."""
    add_firm(local_home, "A")
    put_cells(local_home, [{"firm": "A", "cell_id": "C1"}])
    first = run(0.0).drop("unix_time_second")
    last = first["test_time_second"].max()
    assert isinstance(last, float)
    later_part = first.with_columns(pl.col("test_time_second") + last + 1.0)
    owner = Owner("A", "C1", "option")
    # Named so that the later part comes first by its name.
    before = commit(local_home, "zz", first, {"comment": "x"}, owner)
    after = commit(local_home, "aa", later_part, {"comment": "x"}, owner)
    fade = local_home.query("fade", cell="C1")
    assert fade["test_id"].to_list() == [before, before, after, after]
    days = fade["elapsed_day"].to_list()
    assert None not in days
    assert days == sorted(days)


def test_link_between_firms_goes(local_home: Home) -> None:
    """Once two linked tests belong to different firms they are linked no more."""
    for firm in ("A", "B"):
        add_firm(local_home, firm)
        put_cells(local_home, [{"firm": firm, "cell_id": f"C{firm}"}])
    one = commit(local_home, "one", run(0.0), {"channel": "1-1", "test_name": "x"}, Owner())
    two = commit(local_home, "two", run(50_000.0), {"channel": "1-1", "test_name": "x con"}, Owner())
    assert links(local_home)[two][0] == one
    assign_test(local_home, one, find_cell(local_home, "CA"))
    assert links(local_home)[two][0] == one
    assign_test(local_home, two, find_cell(local_home, "CB"))
    assert set(links(local_home).values()) == {(None, None, None)}


def test_grown_test_is_judged_by_its_new_end(local_home: Home, tmp_path: Path) -> None:
    """A test that grows keeps its first record and has a new last one."""
    frame = measure(cycle([1e-3, 0.9e-3, 0.8e-3]))
    for height in (frame.height // 2, frame.height):
        list(ingest_paths(local_home, [write_bdf(tmp_path / "t.csv", frame.head(height))]))
    (row,) = local_home.registry.rows(TEST_END.select())
    first, last = frame["test_time_second"].to_list()[0], frame["test_time_second"].to_list()[-1]
    assert (row["first_second"], row["last_second"]) == (first, last)


def test_tests_of_earlier_versions_are_linked_later(local_home: Home) -> None:
    """Tests whose ends were never noted are linked by a backfill, once."""
    for name, (shift, called) in PARTS.items():
        commit(local_home, name, run(shift), {"channel": "1-1", "test_name": called}, Owner())
    linked = links(local_home)
    with local_home.registry.write() as connection:
        connection.execute(TEST_END.delete())
        connection.execute(TEST.update().values(continues=None, chain=None, part=None, linked_by=None))
    assert len(link_all(local_home)) == len(PARTS)
    assert links(local_home) == linked
    assert link_all(local_home) == []


# Real files


@pytest.mark.parametrize("name", CONTINUED)
def test_real_continuations_are_one_chain(local_home: Home, corpus: Path, name: str) -> None:
    """Real files of one test are one chain in the order of the test, though they are dropped in another."""
    files = [corpus / file for file in CONTINUED[name]]
    dropped = random.Random(name).sample(files, len(files))  # noqa: S311 an order, not a secret
    made = {receipt["path"]: receipt["test_id"] for receipt in ingest_paths(local_home, dropped)}
    in_order = [made[str(file)] for file in files]
    expected = zip(in_order, [None, *in_order[:-1]], range(1, len(files) + 1), strict=True)
    assert links(local_home) == {test: (before, in_order[0], part) for test, before, part in expected}
    offsets = {row["test_id"]: row["chain_offset_second"] for row in local_home.registry.rows(TEST.select())}
    ends = {row["test_id"]: row for row in local_home.registry.rows(TEST_END.select())}
    times = [ends[test][side] + offsets[test] for test in in_order for side in ("first_second", "last_second")]
    assert times == sorted(times)


@pytest.mark.parametrize("name", APART)
def test_real_files_that_are_no_continuations(local_home: Home, corpus: Path, name: str) -> None:
    """Real files of one channel that are copies, or months apart, are not linked."""
    list(ingest_paths(local_home, [corpus / file for file in APART[name]]))
    assert {link[0] for link in links(local_home).values()} == {None}


def test_doubt_is_told_in_the_receipt(local_home: Home, corpus: Path, tmp_path: Path) -> None:
    """A file that looks like a continuation and does not join is committed with a warning that says why."""
    text = (corpus / CONTINUED["001"][1]).read_text("latin-1")
    other = tmp_path / "later.002"
    other.write_text(text.replace("3.30", "3.90"), "latin-1")
    _, receipt = ingest_paths(local_home, [corpus / CONTINUED["001"][0], other])
    assert receipt["state"] == "committed"
    assert any("does not join" in warning for warning in receipt["warnings"])


def test_ends_are_those_of_the_rows() -> None:
    """The ends of a test are its first and last records; what it lacks is null."""
    frame = run(0.0)
    ends = read_ends(frame)
    assert_frame_equal(frame.head(1).select("voltage_volt"), pl.DataFrame({"voltage_volt": [ends["first_volt"]]}))
    assert ends["last_second"] == frame["test_time_second"][-1]
    assert read_ends(frame.head(0))["first_volt"] is None
