"""Manifests as files: any usual encoding, separator or workbook is read, and nothing else is taken for one."""

from __future__ import annotations

import unicodedata
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from manifest_files import CELLS, FULL, WAFER, codes, find, load, load_rows, text_of, write_book

import parsers
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.manifest import claims_manifest, import_manifest, try_manifest
from warehouse.manifest_fields import Kind, fold_header
from warehouse.manifest_kinds import KINDS, kind_of
from warehouse.manifest_values import Unfit, read_quantity

SHARED_HOME = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LIKELY = st.sampled_from(
    ["", "-", "A", "C1", "C2", "4.2", "1,234", "-1", "1e999", "inf", "½", "2026-03-02", "up", "\0"]
)
PROGRAMS = [
    "plain",
    "mark",
    "korean",
    "utf-16",
    "no-mark",
    "excel",
    "semicolon",
    "sep",
    "crlf",
    "capitals",
    "mac",
    "title",
]
ROWS = st.lists(st.lists(st.one_of(LIKELY, TEXTS), max_size=9), max_size=5)
NAMES = sorted({one.shown for kind in KINDS for one in kind.fields})

# Files


@pytest.mark.parametrize(
    "raw",
    [
        text_of(FULL).encode(),
        text_of(FULL).encode("utf-8-sig"),
        text_of(FULL).encode("cp949"),
        text_of(FULL).encode("utf-16"),
        text_of(FULL).encode("utf-16-le"),
        text_of(FULL, delimiter="\t").encode("utf-16"),
        text_of(FULL, delimiter=";").encode(),
        b"sep=;\r\n" + text_of(FULL, delimiter=";").encode("cp949"),
        text_of(FULL).replace("\n", "\r\n").encode(),
        text_of({name.upper() + " ": value for name, value in FULL.items()}).encode(),
        unicodedata.normalize("NFD", text_of(FULL)).encode(),
        ("My cells,,\n\n" + text_of(FULL)).encode(),
    ],
    ids=PROGRAMS,
)
def test_csv_of_any_program(local_home: Home, tmp_path: Path, raw: bytes) -> None:
    """A csv in the encodings, separators and line ends of usual programs is read, and recognised."""
    load(local_home, tmp_path, raw)
    row = find(local_home)
    assert (row["remarks"], row["die_y"], row["nominal_capacity_ah"]) == ("시험", -4, 50.5e-6)
    assert claims_manifest(tmp_path / "m.csv", "whatever.dat")


def test_workbook_is_read(local_home: Home, tmp_path: Path) -> None:
    """A workbook is read like a csv, its numbers as numbers, and its moments by the site's clock."""
    path = write_book(
        tmp_path / "m.xlsx",
        cells=[["firm", "cell_id", "die_x", "nominal_capacity_uah"], ["A", 12, 2, 50.5]],
        held=[["firm", "cell_id", "channel", "from"], ["A", 12, "LAB-1", "2026-03-02 09:00"]],
    )
    receipt = import_manifest(local_home, path)
    assert dict(receipt.taken) == {"assignments": 1, "cells": 1}
    assert find(local_home, cell_id="12")["nominal_capacity_ah"] == 50.5e-6
    # The site's clock is nine hours ahead of UTC.
    assert find(local_home, "assignment", channel="LAB-1")["from_unix_second"] == 1_772_409_600.0


def test_sheets_are_recognised_by_their_columns(local_home: Home, tmp_path: Path) -> None:
    """Every sheet of a workbook is taken by what its columns are; one that is no manifest is left out, and said."""
    path = write_book(
        tmp_path / "m.xlsx",
        a=[["notes"], ["nothing"]],
        b=[[], ["Firm", "Cell ID"], ["A", "C1"]],
        c=[list(WAFER), list(WAFER.values())],
        d=[],
    )
    receipt = import_manifest(local_home, path)
    assert dict(receipt.taken) == {"cells": 1, "wafers": 1}
    assert ("sheet_unknown", "a") in receipt.notices
    assert claims_manifest(path)


def test_row_numbers_are_the_spreadsheets(local_home: Home, tmp_path: Path) -> None:
    """A refusal names the sheet and the row as the spreadsheet counts it, empty rows and header included."""
    path = write_book(tmp_path / "m.xlsx", x=[["title"], [], ["firm", "cell_id", "die_x"], [], ["A", "C1", "half"]])
    (error,) = import_manifest(local_home, path).refused
    assert error.where == "sheet x, row 5, column die_x"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"firm,lot\nA,L\n", r"its first row is 'firm, lot'.*firm and cell_id \(cells\)"),
        (b"", "it is empty"),
        (b"\xff\xfe\x00\x81", "is no manifest"),
        (b"\xff\xfe\x00", "cannot be read as a table"),
        (b"\x81\xff\xff", "cannot be read as a table"),
        (b'firm,cell_id\nA,"C1\n', "row 2: unexpected end of data"),
        (b"PK\x03\x04 no workbook", "cannot be read as a table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no workbook", "cannot be read as a table"),
    ],
    ids=["column", "empty", "text", "utf-16", "binary", "quote", "workbook", "old-workbook"],
)
def test_what_is_no_manifest_is_a_usage_error(local_home: Home, tmp_path: Path, raw: bytes, reason: str) -> None:
    """A file that is no table, or whose columns are those of no manifest, is told as such and changes nothing."""
    with pytest.raises(UsageError, match=reason):
        load(local_home, tmp_path, raw)
    assert local_home.query("cells").is_empty()


def test_absent_file_is_a_usage_error(local_home: Home, tmp_path: Path) -> None:
    """A manifest that is not there is told as such."""
    with pytest.raises(UsageError, match="cannot be read"):
        import_manifest(local_home, tmp_path / "absent.csv")
    assert not claims_manifest(tmp_path / "absent.csv")


def test_zip_is_no_manifest(local_home: Home, tmp_path: Path) -> None:
    """A zip file that is no workbook is none, whatever it holds."""
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("m.csv", text_of(CELLS))
    assert not claims_manifest(tmp_path / "m.zip")
    with pytest.raises(UsageError, match="no workbook"):
        import_manifest(local_home, tmp_path / "m.zip")


def test_no_cycler_file_is_a_manifest(corpus: Path) -> None:
    """No file of the whole corpus is taken for a manifest."""
    files = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
    assert len(files) > 150
    assert [path.name for path in files if claims_manifest(path, path.name)] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_cycler_format_claims_a_manifest(tmp_path: Path, kind: Kind) -> None:
    """A manifest of any kind, csv or workbook, is claimed by no cycler format."""
    names = [one.shown for one in kind.fields]
    path = tmp_path / "m.csv"
    path.write_text(text_of(dict.fromkeys(names, "1")), encoding="utf-8")
    book = write_book(tmp_path / "m.xlsx", rows=[names, ["1"] * len(names)])
    assert (parsers.detect(path), parsers.detect(book)) == ([], [])
    assert claims_manifest(path)
    assert claims_manifest(book)


def test_long_manifest_is_recognised_by_its_head(local_home: Home, tmp_path: Path) -> None:
    """A manifest longer than what is looked at is recognised, also where that ends inside a character."""
    rows = text_of(
        {**CELLS, "remarks": "x"}, *({**CELLS, "cell_id": f"X{n}", "remarks": "시험 " * 9} for n in range(999))
    )
    for shift in range(3):
        path = tmp_path / f"{shift}.csv"
        path.write_bytes(b"x\n" * shift + b"x" * shift + b"\n" + rows.encode())
        assert claims_manifest(path)
    assert import_manifest(local_home, path).cells == 1000


# Columns and values


@pytest.mark.parametrize(
    ("header", "text", "column", "value"),
    [
        ("active_area_cm2", "1.5", "active_area_square_metre", 1.5e-4),
        ("Active Area (mm²)", "150", "active_area_square_metre", 150e-6),
        ("electrode_area_um2", "1e6", "active_area_square_metre", 1e-6),
        ("die_area_cm2", "0.25", "die_area_square_metre", 25e-6),
        ("footprint_area_mm2", "12", "package_area_square_metre", 12e-6),
        ("nominal_capacity_µAh", "50,5", "nominal_capacity_ah", 50.5e-6),
        ("Nominal Capacity [mAh]", "0.0505", "nominal_capacity_ah", 50.5e-6),
        ("V_upper", "4.2", "voltage_upper_volt", 4.2),
        ("voltage_lower_mV", "-100", "voltage_lower_volt", -0.1),
        ("cathode_thk_um", "3.3", "cathode_thickness_metre", 3.3e-6),
        ("elec_thk_nm", "1,200.5", "electrolyte_thickness_metre", 1200.5e-9),
        ("anode_thickness_Å", "500", "anode_thickness_metre", 5e-8),
        ("cell_convention", "half-anode vs Li", "convention", "half_anode"),
        ("layer_stack", "S1", "stack", "S1"),
        ("die_x", "\N{MINUS SIGN}3", "die_x", -3),
        ("reticle_x", "2.0", "reticle_x", 2),
    ],
)
def test_columns_of_labs_are_taken(
    local_home: Home, tmp_path: Path, *, header: str, text: str, column: str, value: object
) -> None:
    """Column names that labs use are understood in any spelling, and their units converted to the last digit."""
    receipt = load_rows(local_home, tmp_path, {**CELLS, header: text})
    assert (receipt.refused, receipt.notices) == ((), ())
    assert find(local_home)[column] == value
    assert column in local_home.query("cells").columns


def test_other_names_of_firm_and_cell(local_home: Home, tmp_path: Path) -> None:
    """A lab's own words for firm and cell are understood; beside the usual ones they are kept as text."""
    load_rows(local_home, tmp_path, {"firm_code": "A", "device_id": "C1"})
    load_rows(local_home, tmp_path, {**CELLS, "device_id": "D7"})
    assert find(local_home)["more"] == '{"device_id": "D7"}'


@pytest.mark.parametrize(("kind", "column"), [("die", "die"), ("전극", "active"), ("Package", "package")])
def test_area_goes_where_its_kind_says(local_home: Home, tmp_path: Path, kind: str, column: str) -> None:
    """An area beside a column that says its kind is that kind of area."""
    load_rows(local_home, tmp_path, {**CELLS, "area_mm2": "4", "area_kind": kind})
    assert find(local_home)[f"{column}_area_square_metre"] == 4e-6


@pytest.mark.parametrize(
    ("header", "text", "code"),
    [
        ("firm", "", "empty"),
        ("firm", "a/b", "firm_code"),
        ("cell_id", " ", "empty"),
        ("cell_id", "-", "empty"),
        ("cell_id", "C\N{ZERO WIDTH SPACE}1", "text"),
        ("cell_id", "C" * 201, "text"),
        ("die_x", "1.5", "whole"),
        ("die_y", "inf", "number"),
        ("die_y", "1e30", "range"),
        ("convention", "anode", "choice"),
        ("nominal_capacity_uah", "0", "positive"),
        ("nominal_capacity_uah", "1e-400", "positive"),
        ("nominal_capacity_uah", "nan", "number"),
        ("nominal_capacity_uah", "1,234", "comma"),
        ("nominal_capacity_uah", "50 µAh", "number"),
        ("nominal_capacity_uah", "1_000", "number"),
        ("nominal_capacity_uah", "1e999", "range"),
        ("nominal_capacity", "50", "unit_missing"),
        ("area_mm2", "50", "area_kind"),
        ("active_area_mm2", "-1", "positive"),
        ("remarks", "a\0b", "text"),
    ],
)
def test_bad_value_is_refused(local_home: Home, tmp_path: Path, header: str, text: str, code: str) -> None:
    """A value that cannot be taken refuses its row, with the row, the column as written, and both languages."""
    row = {**CELLS, header: text}
    receipt = load_rows(
        local_home, tmp_path, row, {**row, "cell_id": "C2", "firm": "A", header: ""} if code != "empty" else row
    )
    assert codes(receipt)[0] == (2, header, code)
    assert local_home.query("cells").filter(cell_id="C1").is_empty()
    told = receipt.as_dict()["refused"][0]
    assert told["en"] != told["ko"]
    assert f"row 2, column {header}" in receipt.reason["where"]


def test_unit_that_is_not_known_is_kept_and_said(local_home: Home, tmp_path: Path) -> None:
    """A quantity in a unit that is not known is kept as text, and the receipt says how to name it."""
    receipt = load_rows(local_home, tmp_path, {**CELLS, "active_area_in2": "0.1"})
    assert find(local_home)["more"] == '{"active_area_in2": "0.1"}'
    assert receipt.notices[0] == ("unit_unknown", "active_area_in2: active_area_mm2")


def test_every_error_of_a_row_is_told(local_home: Home, tmp_path: Path) -> None:
    """A row with two bad values is refused for both, so that both are mended at once."""
    receipt = load_rows(local_home, tmp_path, {**CELLS, "die_x": "a", "die_y": "b"})
    assert [column for _, column, _ in codes(receipt)] == ["die_x", "die_y"]
    assert receipt.rows_refused == 1


def test_moved_values_are_refused(local_home: Home, tmp_path: Path) -> None:
    """A row with more values than columns, as by an unquoted comma, is refused: they may have moved."""
    receipt = load(local_home, tmp_path, "firm,cell_id,chemistry,die_x\nA,C1,LCO,LiPON,1\nA,C2,LCO\n")
    assert codes(receipt)[0] == (2, "", "more_values")
    assert find(local_home, cell_id="C2")["chemistry"] == "LCO"


@pytest.mark.parametrize(
    "header", ["firm,cell_id,FIRM", "firm,cell_id,lot,Lot", "firm,cell_id,active_area,Active Area"]
)
def test_column_that_stands_twice_refuses_the_table(local_home: Home, tmp_path: Path, header: str) -> None:
    """Two columns of one name leave open which counts: none of the rows is taken."""
    receipt = load(local_home, tmp_path, f"{header}\nA,C1,1,1\n")
    assert [(row, code) for row, _, code in codes(receipt)] == [(1, "column_twice")]
    assert receipt.cells == 0


def test_two_units_of_one_quantity_must_agree(local_home: Home, tmp_path: Path) -> None:
    """The same quantity in two units is taken where both say the same, and refused where they do not."""
    good = {**CELLS, "active_area_mm2": "0.3", "active_area_cm2": "0.003"}
    receipt = load_rows(local_home, tmp_path, good, {**good, "cell_id": "C2", "active_area_cm2": "0.03"})
    assert codes(receipt) == [(3, "active_area_cm2", "columns_contradict")]
    assert find(local_home)["active_area_square_metre"] == 0.3e-6


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_numbers_are_exact(number: Decimal) -> None:
    """A number becomes the double that is nearest to what is written, unit included."""
    assert read_quantity(f"{number:f}", -6, positive=False) == float(number.scaleb(-6))
    assert read_quantity(f"{number:,.7f}", 0, positive=False) == float(number)


@given(st.text("0123456789.,+-eE ", max_size=12))
@example("1,234")
@example("1.234,5")
def test_number_is_one_number_or_none(text: str) -> None:
    """A text with one comma before three digits is never read as a number; nothing but Unfit is raised."""
    try:
        read_quantity(text, 0, positive=False)
    except Unfit:
        return
    head, comma, tail = text.lstrip("+-").partition(",")
    assert not (comma and head.isdigit() and head[0] != "0" and len(head) <= 3 and len(tail) == 3 and tail.isdigit())


def test_names_of_columns_are_folded_once() -> None:
    """Every column of every kind is recognised by the name under which it is shown, and no two share one."""
    for kind in KINDS:
        shown = [one.shown for one in kind.fields]
        assert [fold_header(name) for name in shown] == shown
        assert [kind.headers[name][0].name for name in shown] == [one.name for one in kind.fields]
        assert len({one.target for one in kind.fields}) == len(shown)
        targets = {one.target for one in kind.fields if not (kind.gather and one.target.startswith("condition_"))}
        assert targets - {"area_square_metre", "area_kind"} <= set(kind.table.names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_recognised(kind: Kind) -> None:
    """The columns of each kind, all of them or the required ones, are recognised as that kind."""
    for only_required in (False, True):
        names = [one.shown for one in kind.fields if one.required or not only_required]
        assert kind_of(names) is kind


# Anything at all


@SHARED_HOME
@given(st.lists(st.sampled_from(NAMES), max_size=6, unique=True), ROWS)
def test_any_table_is_taken_or_refused_row_by_row(
    local_home: Home, tmp_path: Path, names: list[str], rows: list[list[str]]
) -> None:
    """Whatever a table holds, each of its rows is taken or refused by its number."""
    header = ["firm", "cell_id", *(name for name in names if name not in CELLS)]
    path = tmp_path / "any.csv"
    texts = [dict(zip(header, row, strict=False)) for row in rows]
    path.write_text(text_of(dict.fromkeys(header, ""), *texts, quoted=True), encoding="utf-8")
    receipt = try_manifest(local_home, path)
    filled = sum(any(unicodedata.normalize("NFC", text).strip() for text in row.values()) for row in texts)
    if "column_twice" not in {error.code for error in receipt.refused}:
        assert sum(receipt.taken.values()) + receipt.rows_refused == filled
    assert receipt.reason["en"]
    assert receipt.reason["ko"]


@SHARED_HOME
@given(st.one_of(st.binary(max_size=80), TEXTS.map(str.encode)), st.booleans())
@example(b'"', True)
@example(b"\x00", False)
def test_any_bytes_are_a_manifest_or_are_not(local_home: Home, tmp_path: Path, raw: bytes, headed: bool) -> None:  # noqa: FBT001 drawn by Hypothesis
    """Whatever a file holds, it is imported or told to be none; looking at it never fails."""
    path = tmp_path / "any.bin"
    path.write_bytes(b"firm,cell_id\n" + raw if headed else raw)
    claimed = claims_manifest(path)
    try:
        try_manifest(local_home, path)
    except UsageError:
        assert claimed is False or headed
    else:
        assert claimed
