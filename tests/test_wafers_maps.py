"""Wafer maps: what testers and inspection tools write lands on the right piece of silicon, or is refused."""

from __future__ import annotations

import gzip
import itertools
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from map_files import (
    FAR,
    MRR,
    Part,
    begin_lot,
    begin_wafer,
    draw,
    end_wafer,
    record,
    unpack_foreign,
    write_klarf,
    write_part,
    write_sinf,
    write_stdf,
)

import parsers
from parsers import WaferMap, read_wafer_maps
from warehouse.errors import ContradictionError, FormatUnknown, ParseError, QuarantineError, UsageError
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.registry import SQL_TABLES, Row
from warehouse.sentences import SENTENCES
from warehouse.wafer_frame import frame_of
from warehouse.wafers.map_frames import Stated
from warehouse.wafers.maps import MapFile, MapReceipt, store_maps

# An L with a long and a short leg looks different from every side, and in every mirror.
PATTERN = ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (-1, -4))
SIDES = {"down": "D", "left": "L", "up": "U", "right": "R"}
DRAWINGS = list(itertools.product(SIDES, ("right", "left"), ("up", "down"), ((0, 0), (-7, 12))))
FILE = MapFile("map.stdf", "0" * 64)


def read(path: Path, raw: bytes) -> WaferMap:
    """Write and read a file of one wafer."""
    path.write_bytes(raw)
    (found,) = read_wafer_maps(path)
    return found


def refusal_of(path: Path) -> QuarantineError | None:
    """Return the error by which a file is refused, or None where it reads."""
    try:
        read_wafer_maps(path)
    except QuarantineError as error:
        return error
    return None


def count(die: tuple[int, int], notch: str, x_axis: str, y_axis: str, centre: tuple[int, int]) -> tuple[int, int]:
    """Return how a drawing counts a canonical die: turned as a complex number, then counted."""
    turned = complex(*die) * {"down": 1, "right": 1j, "up": -1, "left": -1j}[notch]
    x, y = turned.real, turned.imag
    return (
        round(x if x_axis == "right" else -x) + centre[0],
        round(y if y_axis == "up" else -y) + centre[1],
    )


def draw_pattern(notch: str, x_axis: str, y_axis: str, centre: tuple[int, int]) -> bytes:
    """Return the pattern as a tester with this drawing writes it, each die's place in its soft bin."""
    counted = [count(die, notch, x_axis, y_axis, centre) for die in PATTERN]
    parts = [Part(*die, soft_bin=number) for number, die in enumerate(counted)]
    return write_stdf(parts, draw(SIDES[notch], x_axis[0].upper(), y_axis[0].upper(), centre))


@pytest.fixture
def fab(local_home: Home) -> Home:
    """A home with one firm."""
    add_firm(local_home, "A")
    return local_home


def store(home: Home, one: WaferMap, sha256: str = "0" * 64, stated: Stated | None = None) -> MapReceipt:
    (receipt,) = store_maps(home, "A", MapFile("map.stdf", sha256), [one], stated)
    return receipt


def results(home: Home, quantity: str) -> dict[tuple[int, int], Row]:
    table = SQL_TABLES["die_result"]
    found = home.registry.rows(table.select().where(table.c.quantity == quantity))
    return {(row["die_x"], row["die_y"]): row for row in found}


@pytest.mark.parametrize("order", ["little", "big"])
def test_reads_what_another_library_wrote(tmp_path: Path, order: str) -> None:
    """A file of another maker's writer gives its dies, bins, values and drawing, in either byte order."""
    found = read(tmp_path / "map.stdf", unpack_foreign(order))
    assert (found.lot, found.wafer, found.about["temperature"]) == ("L2603", "W03", "25")
    assert (found.notch, found.x_axis, found.y_axis, found.centre) == ("left", "right", "down", (7, 4))
    assert (found.diameter_metre, found.pitch_metre) == (0.2, (0.0085, 0.016))
    assert found.dies.rows() == [
        (7, 4, 1, 1, True, "7_4"),
        (8, 4, 4, 401, False, "8_4"),
        (7, 5, 1, 1, True, "7_5"),
    ]
    # Text and unit stand in the first value only, as the standard allows.
    assert found.values.rows()[1] == (8, 4, "capacity", 61.25, "uAh", True)


@pytest.mark.parametrize(("notch", "x_axis", "y_axis", "centre"), DRAWINGS)
def test_asymmetric_pattern_comes_home(
    tmp_path_factory: pytest.TempPathFactory, notch: str, x_axis: str, y_axis: str, centre: tuple[int, int]
) -> None:
    """However a wafer is drawn and counted, an asymmetric pattern lands on the same dies and finds its way back."""
    one = read(tmp_path_factory.mktemp("map") / "map.stdf", draw_pattern(notch, x_axis, y_axis, centre))
    row = {"notch": one.notch, "x_axis": one.x_axis, "y_axis": one.y_axis}
    row |= dict(zip(("centre_die_x", "centre_die_y"), one.centre or (), strict=True))
    frame = frame_of(row)
    placed = {frame.place(x, y): soft for x, y, soft in one.dies.select("die_x", "die_y", "soft_bin").iter_rows()}
    assert placed == {die: number for number, die in enumerate(PATTERN)}
    assert [frame.count(*die) for die in PATTERN] == one.dies.select("die_x", "die_y").rows()


@pytest.mark.parametrize("notch", SIDES)
def test_stored_dies_are_canonical(fab: Home, tmp_path: Path, notch: str) -> None:
    """What is stored of a die is its canonical place, the map's own counts, and the way between them."""
    one = read(tmp_path / "map.stdf", draw_pattern(notch, "right", "down", (5, 5)))
    receipt = store(fab, one)
    stored = results(fab, "soft_bin")
    assert {die: row["value"] for die, row in stored.items()} == {die: n for n, die in enumerate(PATTERN)}
    (a, b, c), (d, e, f) = json.loads(receipt.row["to_canonical"])
    for die, row in stored.items():
        x, y = row["source_die_x"], row["source_die_y"]
        assert (a * x + b * y + c, d * x + e * y + f) == die
    assert receipt.row["dies"] == len(PATTERN)


def test_counts_meet(fab: Home, tmp_path: Path) -> None:
    """A map counts as many dies and good ones as its file, and knows which cells lie on them."""
    put_cells(
        fab, [{"firm": "A", "cell_id": f"C{x}", "lot": "L1", "wafer": "W1", "die_x": x, "die_y": 0} for x in (0, 9)]
    )
    one = read(tmp_path / "map.stdf", write_stdf([Part(0, 0), Part(1, 0, hard_bin=4), Part(2, 0)]))
    receipt = store(fab, one)
    assert (receipt.row["dies"], receipt.row["good_dies"], receipt.cells) == (3, 2, 1)
    assert any("1 of 2 cells lie on no die" in warning for warning in receipt.warnings)


def test_values_go_to_their_dies(fab: Home, tmp_path: Path) -> None:
    """A tester's values are stored with name, unit and the shortest decimal behind their single precision."""
    store(fab, read(tmp_path / "map.stdf", write_stdf([Part(2, -1, values={"leak": 12.7})], draw("L"))))
    ((die, row),) = results(fab, "leak").items()
    assert (die, row["value"], row["unit"]) == ((1, 2), 12.7, "uAh")


def test_second_map_takes_over(fab: Home, tmp_path: Path) -> None:
    """A later map of a wafer is the current one; the former stays; the same bytes once more change nothing."""
    first, second = (read(tmp_path / "map.stdf", write_stdf([Part(0, 0, hard_bin=n)])) for n in (1, 4))
    states = [store(fab, one, sha).state for one, sha in ((first, "a" * 64), (second, "b" * 64), (second, "b" * 64))]
    assert states == ["committed", "committed", "unchanged"]
    maps = fab.registry.rows(SQL_TABLES["die_map"].select())
    assert [(row["revision"], bool(row["current"])) for row in maps] == [(1, False), (2, True)]


def test_retest_counts_last(tmp_path: Path) -> None:
    """Of a die that was tested twice the last result holds, and that is said."""
    found = read(tmp_path / "map.stdf", write_stdf([Part(0, 0, hard_bin=4), Part(0, 0)]))
    assert found.dies["hard_bin"].to_list() == [1]
    assert any("superseded" in warning for warning in found.warnings)


def test_file_of_several_wafers(fab: Home, tmp_path: Path) -> None:
    """A lot's file gives a map for each wafer, and one name cannot stand for all."""
    wafers = (begin_wafer(name) + write_part(Part(0, 0)) + end_wafer(1) for name in ("W1", "W2"))
    path = tmp_path / "lot.stdf"
    path.write_bytes(FAR + begin_lot("로트") + draw() + b"".join(wafers) + MRR)
    maps = read_wafer_maps(path)
    assert [(one.lot, one.wafer) for one in maps] == [("로트", "W1"), ("로트", "W2")]
    with pytest.raises(UsageError, match="2 wafers"):
        store_maps(fab, "A", FILE, maps, Stated(wafer="W9"))


def test_gzip_stands_for_what_is_in_it(tmp_path: Path) -> None:
    """A packed map reads as the map; a cut one is told from a damaged one."""
    raw = gzip.compress(write_stdf([Part(0, 0)]))
    assert read(tmp_path / "map.stdf.gz", raw).dies.height == 1
    for bad, code in ((raw[:-9], "incomplete_file"), (raw[:20] + b"xxxx" + raw[24:], "broken_file")):
        (tmp_path / "bad.gz").write_bytes(bad)
        with pytest.raises(ParseError) as caught:
            read_wafer_maps(tmp_path / "bad.gz")
        assert caught.value.code == code


@pytest.mark.parametrize("fnloc", ["0", "90", "180", "270"])
def test_text_map_lies_by_its_flat(fab: Home, tmp_path: Path, fnloc: str) -> None:
    """A text map counts columns from the left and rows from the top, and its flat says how that lies."""
    # The same wafer, held with the notch on each side: clockwise turns of the paper.
    rows = [["__", "01", "__"], ["05", "01", "01"], ["__", "02", "__"]]
    for _ in range({"180": 0, "270": 1, "0": 2, "90": 3}[fnloc]):
        rows = [list(row) for row in zip(*rows[::-1], strict=True)]
    one = read(tmp_path / "map.txt", write_sinf([" ".join(row) for row in rows], FNLOC=fnloc))
    receipt = store(fab, one)
    bins = {die: row["value"] for die, row in results(fab, "hard_bin").items()}
    assert bins == {(0, 1): 1, (-1, 0): 5, (0, 0): 1, (1, 0): 1, (0, -1): 2}
    assert (receipt.row["good_dies"], receipt.row["frame_source"]) == (3, "file, middle of all dies")


def test_text_map_knows_what_was_not_inspected(tmp_path: Path) -> None:
    """A die that was not inspected is on the wafer without a bin; a reference die has no verdict."""
    found = read(tmp_path / "map.txt", write_sinf(["01 @@ FF __"]))
    assert found.dies.select("die_x", "hard_bin", "passed").rows() == [(0, 1, True), (1, None, None), (2, 255, None)]


def test_even_map_has_its_centre_between_dies(fab: Home, tmp_path: Path) -> None:
    """With an even number of columns the centre lies between two dies: the right one is nearest, half a die away."""
    receipt = store(fab, read(tmp_path / "map.txt", write_sinf(["01 02 03 04"])))
    assert (receipt.row["centre_die_x"], receipt.row["canonical_offset_x_metre"]) == (2, 0.008)
    assert receipt.row["canonical_offset_y_metre"] == 0.0


def test_inspection_gives_defects_and_clean_dies(fab: Home, tmp_path: Path) -> None:
    """Defects go to their dies and to their place on the wafer; a die of the plan without one has none."""
    receipt = store(fab, read(tmp_path / "map.001", write_klarf()))
    assert (receipt.row["kind"], receipt.row["canonical_offset_y_metre"]) == ("inspection", 0.004)
    assert {die: row["value"] for die, row in results(fab, "defects").items()} == {(0, 0): 1, (1, 0): 2, (0, -1): 0}
    first, second, _ = fab.registry.rows(SQL_TABLES["die_defect"].select())
    assert (first["die_x"], first["x_metre"], first["size_metre"]) == (1, 0.0081005, 2.5e-6)
    # The second lies 1 mm right of the centre, whatever die that is.
    assert (second["x_metre"], second["y_metre"], second["class_number"]) == (0.001, 0.0, 4)


def test_inspection_turns_with_its_mark(fab: Home, tmp_path: Path) -> None:
    """With the notch on the right, what is drawn to the right lies below, canonically."""
    store(fab, read(tmp_path / "map.001", write_klarf("RIGHT")))
    second = fab.registry.rows(SQL_TABLES["die_defect"].select())[1]
    assert (second["x_metre"], second["y_metre"]) == (0.0, -0.001)


def test_unknown_orientation_is_refused(fab: Home, tmp_path: Path) -> None:
    """A map that does not say where its notch is is refused until somebody says it."""
    one = read(tmp_path / "map.stdf", write_stdf([Part(0, 0), Part(1, 0)], draw(" ", " ", " ")))
    with pytest.raises(ParseError) as caught:
        store(fab, one)
    assert caught.value.code == "map_orientation"
    receipt = store(fab, one, stated=Stated(notch="down", x_axis="left", y_axis="up"))
    assert receipt.row["frame_source"] == "stated, file"
    assert set(results(fab, "hard_bin")) == {(0, 0), (-1, 0)}


def test_statement_against_the_file_is_refused(fab: Home, tmp_path: Path) -> None:
    """Nobody can turn a map whose file says how it lies."""
    one = read(tmp_path / "map.stdf", write_stdf([Part(0, 0)]))
    with pytest.raises(ContradictionError) as caught:
        store(fab, one, stated=Stated(notch="up"))
    assert caught.value.code == "map_contradicts"


def test_manifest_fills_what_the_file_lacks(fab: Home, tmp_path: Path) -> None:
    """The manifest's row of the wafer says what the map does not, and where the two disagree is told."""
    wafer = {"firm": "A", "lot": "L1", "wafer": "W1", "updated_unix_second": 0.0, "gross_dies": 5}
    said = {"notch": "left", "x_axis": "right", "y_axis": "up", "centre_die_x": 3, "centre_die_y": 0}
    with fab.registry.write() as connection:
        fab.registry.put(connection, SQL_TABLES["wafer"], wafer | said)
    one = read(tmp_path / "map.stdf", write_stdf([Part(4, 0)], draw(" ", " ", " ", (-32768, -32768))))
    receipt = store(fab, one)
    assert (receipt.row["frame_source"], set(results(fab, "hard_bin"))) == ("manifest", {(0, 1)})
    assert any("counts 5 dies" in warning for warning in receipt.warnings)


def test_dies_off_the_wafer_are_refused(fab: Home, tmp_path: Path) -> None:
    """A centre by which a tested die would lie beside the wafer cannot be right; the outermost one within it can."""
    assert store(fab, read(tmp_path / "map.stdf", write_stdf([Part(6, 0)]))).row["dies"] == 1
    one = read(tmp_path / "map.stdf", write_stdf([Part(0, 0), Part(7, 0)]))
    with pytest.raises(ContradictionError, match=r"\(7, 0\)") as caught:
        store(fab, one, "1" * 64)
    assert caught.value.code == "map_outside"


def test_map_without_a_name_needs_one(fab: Home, tmp_path: Path) -> None:
    """A map that names no wafer is refused, and taken when somebody names it."""
    one = read(tmp_path / "map.stdf", write_stdf([Part(0, 0)], lot="", wafer=""))
    with pytest.raises(ParseError) as caught:
        store(fab, one)
    assert caught.value.code == "map_without_wafer"
    assert store(fab, one, stated=Stated(lot="L9", wafer="W9")).row["wafer"] == "W9"


def test_map_of_a_strange_firm_is_refused(local_home: Home, tmp_path: Path) -> None:
    """A map goes to a firm that is known, and to no other."""
    with pytest.raises(UsageError, match="no firm"):
        store_maps(local_home, "A", FILE, [read(tmp_path / "map.stdf", write_stdf([Part(0, 0)]))])


PRR = struct.pack("<BBBHHHhhI", 1, 1, 0, 1, 1, 1, 0, 0, 5)
BROKEN = {
    "of another version": (record(0, 10, bytes([2, 3])) + MRR, "map_layout", "byte 5"),
    "of an unknown processor": (record(0, 10, bytes([0, 4])) + MRR, "map_layout", "byte 4"),
    "without its last record": (write_stdf([Part(0, 0)])[: -len(MRR)], "incomplete_file", "byte"),
    "with a field beyond its record": (
        FAR + begin_wafer("W") + record(5, 20, PRR + b"\x20ab") + end_wafer(1) + MRR,
        "broken_file",
        "byte",
    ),
    "with half a coordinate": (FAR + begin_wafer("W") + record(5, 20, PRR[:10]) + MRR, "broken_file", "byte"),
    "with a part outside any wafer": (FAR + record(5, 20, PRR) + MRR, "broken_file", "byte"),
    "with a wafer inside another": (FAR + begin_wafer("W") + begin_wafer("V") + MRR, "broken_file", "byte"),
    "with an end but no beginning": (FAR + end_wafer(0) + MRR, "broken_file", "byte"),
    "with other counts": (FAR + begin_wafer("W") + end_wafer(3) + MRR, "map_count", "byte"),
    "without a wafer": (FAR + MRR, "map_without_wafer", "byte"),
    "a text map without rows": (write_sinf([]), "incomplete_file", "line"),
    "a text map with too few rows": (write_sinf(["01 01"], ROWCT="2"), "incomplete_file", "line 5"),
    "a text map with a wrong count": (write_sinf(["01 01"], DIECT="3"), "map_count", "line"),
    "a text map with a ragged row": (write_sinf(["01 01", "01", "01 01"]), "broken_file", "line 12"),
    "a text map with a strange bin": (write_sinf(["01 zz"]), "broken_file", "line 11, column 2"),
    "a text map with a strange flat": (write_sinf(["01"], FNLOC="45"), "broken_file", "line 4"),
    "an inspection of 1.8": (write_klarf().replace(b"1 2;", b"1 8;", 1), "map_layout", "line 1"),
    "a mirrored inspection": (write_klarf().replace(b"Slot 3;", b"CoordinatesMirrored YES;"), "map_layout", "line 15"),
    "a cut inspection": (write_klarf()[:-20], "incomplete_file", "line"),
    "an inspection with a short plan": (write_klarf().replace(b"Plan 3", b"Plan 4"), "map_count", "line 17"),
    "a defect with too few values": (write_klarf().replace(b" 3 1 1 1 0 0.5", b" 3 1 1 1"), "broken_file", "line 26"),
    "a defect with no number": (write_klarf().replace(b"100.5", b"abc"), "broken_file", "line 24"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_map_is_refused_with_its_place(tmp_path: Path, what: str) -> None:
    """A map that breaks its layout's rules is refused with file, place and a sentence in two languages."""
    raw, code, where = BROKEN[what]
    (tmp_path / "bad.map").write_bytes(raw)
    with pytest.raises(ParseError) as caught:
        read_wafer_maps(tmp_path / "bad.map")
    assert (caught.value.path, caught.value.code) == ("bad.map", code)
    assert where in caught.value.where
    assert code in SENTENCES


def test_other_files_are_no_maps(tmp_path: Path) -> None:
    """What begins like no map is unknown, and no map is taken for a cycler's file."""
    (tmp_path / "notes.txt").write_text("LOT: 3\nhello\n", encoding="utf-8")
    with pytest.raises(FormatUnknown) as caught:
        read_wafer_maps(tmp_path / "notes.txt")
    assert caught.value.code == "map_unknown"
    for raw in (write_stdf([Part(0, 0)]), write_sinf(["01"]), write_klarf()):
        (tmp_path / "map").write_bytes(raw)
        assert parsers.detect(tmp_path / "map") == []


WHOLE = (
    write_stdf([Part(x, 0, values={"capacity": 1.5, "leak": 2.0}) for x in range(4)]),
    write_sinf(["01 02 __", "01 @@ 0F"]),
    write_klarf(),
)


@pytest.mark.parametrize("raw", WHOLE, ids=["stdf", "sinf", "klarf"])
def test_cut_anywhere_it_reads_or_refuses(tmp_path: Path, raw: bytes) -> None:
    """A map that ends at any byte is refused with a known code, never with another error."""
    path = tmp_path / "cut.map"
    for end in range(len(raw)):
        path.write_bytes(raw[:end])
        error = refusal_of(path)
        assert error is None or (error.path == "cut.map" and error.code in SENTENCES)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_anywhere_it_reads_or_refuses(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, damage: list[tuple[int, int]]
) -> None:
    """Whatever bytes are changed, a map reads or is refused, and nothing else happens."""
    changed = bytearray(raw)
    for place, value in damage:
        changed[place % len(changed)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.map"
    path.write_bytes(bytes(changed))
    error = refusal_of(path)
    assert error is None or error.code in SENTENCES
