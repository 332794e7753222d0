"""Arbin: result databases, exports as CSV and workbook, companions."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import res_files as jet
import xlsxwriter
from polars.testing import assert_frame_equal

import parsers
from parsers import _arbin, _jet, _mdbtools, arbin_res, arbin_xlsx
from parsers.contract import Reading, Source, still_growing
from warehouse.errors import ParseError

# mdb-export prints 8 digits of a single; 9 would be needed to tell all neighbours apart.
SINGLE_EPSILON: Final = 2**-23
UTC: Final = ZoneInfo("UTC")
RES: Final = (
    "battery-data-alliance-battery-data-format__mits7-0.res",
    "jepegit-cellpy__20160805_test001_45_cc_01.res",
    "jepegit-cellpy__20210210_FC_01_cc_01.res",
    "jepegit-cellpy__20210210_FC_01_cc_02.res",
    "jepegit-cellpy__aux_one_x_dx.res",
    "jepegit-cellpy__hist__20230221_CLP001_1_02_cc_01.res",
)
NAVANI: Final = "arbin_xlsx/be-smith-navani__bs542_004_gr_li_50ua_50mv_1v_191020_Channel_11.xlsx"
PYPROBE: Final = "arbin_csv/ImperialCollegeLondon-PyProBE__sample_data_arbin.csv"
BEEP: Final = "arbin_csv/TRI-AMDD-beep__2017-05-09_test-TC-contact_CH33.csv"
HEADER: Final = "Data_Point,Date_Time,Test_Time(s),Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V)"
LINES: Final = (
    "1,2024/03/15 10:00:00.500,1.5,1.5,1,1,0,3.7001",
    "2,2024/03/15 10:00:01.500,2.5,0.5,2,1,0.25,3.71",
)

Drop = Callable[[str | bytes], Path]

needs_mdbtools = pytest.mark.skipif(shutil.which("mdb-export") is None, reason="mdbtools is not installed")


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    """Write a file and return its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "dropped"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def table_of(*lines: str, header: str = HEADER) -> str:
    return "\n".join((header, *lines, ""))


def refusal(path: Path, format_name: str) -> ParseError:
    with pytest.raises(ParseError) as refused:
        parsers.read_as(path, format_name, "given.name", UTC)
    assert str(refused.value).startswith("given.name")
    return refused.value


# --- result databases: truth


def test_cellpy_cycles(corpus: Path) -> None:
    """Cellpy's first sample has 18 cycles in 10,261 records."""
    table = parsers.read(corpus / "arbin_res" / RES[1]).measurements
    assert (table.height, table["cycle_count"].n_unique()) == (10261, 18)


def test_cellpy_auxiliary_rows(corpus: Path) -> None:
    """Cellpy's sample with a mapped temperature has a temperature at each of its 7,235 records."""
    table = parsers.read(corpus / "arbin_res" / RES[4]).measurements
    assert (table.height, table["temperature_t1_celsius"].null_count()) == (7235, 0)
    assert table["temperature_t1_celsius"][0] == 24.406582


@needs_mdbtools
@pytest.mark.parametrize("file", RES)
def test_mdbtools_prints_what_we_decode(corpus: Path, file: str) -> None:
    """Every number of Channel_Normal_Table is the one that mdb-export prints, to its last digit."""
    source = Source(corpus / "arbin_res" / file, file)
    ours = _jet.Database.open(source).read("Channel_Normal_Table", arbin_res.NORMAL)
    printed = _mdbtools.read_table(source, "Channel_Normal_Table", arbin_res.NORMAL)
    assert ours is not None
    assert printed is not None
    assert ours.columns == printed.columns
    digits = {pl.Float32(): "%.8g", pl.Float64(): "%.16g"}
    for name, dtype in ours.schema.items():
        numbers = ours[name].cast(pl.Float64).to_numpy()
        shown = np.char.mod(digits.get(dtype, "%.16g"), numbers).astype(np.float64)
        assert (shown.astype(np.float32 if dtype == pl.Float32 else np.float64) == printed[name].to_numpy()).all(), name


@needs_mdbtools
@pytest.mark.parametrize("file", RES)
def test_both_routes_give_the_same_table(corpus: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read through mdbtools, a database gives the same rows, up to the last bit of a single, which it cannot print."""
    ours = parsers.read(corpus / "arbin_res" / file)
    # All files of the corpus are Jet 4; this sends them the way of Jet 3.
    monkeypatch.setattr(arbin_res, "JET_3", 1)
    theirs = parsers.read(corpus / "arbin_res" / file)
    assert ours.about == theirs.about
    assert_frame_equal(ours.measurements, theirs.measurements, rel_tol=SINGLE_EPSILON, abs_tol=0)


@pytest.mark.parametrize("file", [RES[0], RES[2]])
def test_access_parser_decodes_the_same_numbers(corpus: Path, file: str) -> None:
    """access-parser, an independent reader, has the same bits in every cell of Channel_Normal_Table."""
    library = pytest.importorskip("access_parser")
    path = corpus / "arbin_res" / file
    theirs = library.AccessParser(str(path)).parse_table("Channel_Normal_Table")
    ours = _jet.Database.open(Source(path, file)).read("Channel_Normal_Table", arbin_res.NORMAL)
    assert ours is not None
    for name in ours.columns:
        assert ours[name].sort().to_list() == sorted(theirs[name]), name


def test_records_are_put_in_order(corpus: Path) -> None:
    """Records that lie out of order in the database come out by Data_Point."""
    file = corpus / "arbin_res" / RES[2]
    stored = _jet.Database.open(Source(file, file.name)).read("Channel_Normal_Table", ("Data_Point",))
    assert stored is not None
    assert not stored["Data_Point"].is_sorted()
    assert parsers.read(file).measurements["record_index"].to_list() == list(range(1, 7219))


def test_clock_of_a_database(corpus: Path) -> None:
    """DateTime is the tester's wall clock in whole seconds; the first record of mits7-0 is 15:58:33 local."""
    table = parsers.read(corpus / "arbin_res" / RES[0], zone=UTC).measurements
    assert table["unix_time_second"][0] == 1775577513.0


def test_about_a_database(corpus: Path) -> None:
    """Global_Table names the test, the tester and its channel."""
    about = parsers.read(corpus / "arbin_res" / RES[1], zone=UTC).about
    assert about["channel"] == "176075-3"
    assert about["test_name"] == "20160805_sic006_45_cc_01-01-003"
    assert about["start_time"] == "2016-08-05T16:16:23.000+00:00"


def test_counters_reset_by_schedule(corpus: Path) -> None:
    """The schedule of cellpy's sample resets the charge counter once in each of its 17 further cycles."""
    table = parsers.read(corpus / "arbin_res" / RES[1]).measurements
    assert (table["schedule_charging_capacity_ah"].diff() < 0).sum() == 17


# --- result databases: made


def records(*numbers: int, test: int = 1) -> list[tuple[Any, ...]]:
    return [(test, n, 10.0 * n, 10.0 * n, 45000.5 + n / 8640, 1, 1, 0.1, 3.7001, 0.0, 0.0) for n in numbers]


def overview(*tests: int) -> jet.Made:
    return jet.Made(jet.OVERVIEW, [(test, f"name {test}", 7, 45000.5, "123456") for test in tests])


def database(rows: Sequence[tuple[Any, ...]], **further: jet.Made) -> bytes:
    tables = {"Global_Table": overview(1), "Channel_Normal_Table": jet.Made(jet.RECORDS, rows), **further}
    return jet.make_database(tables)


def read_database(path: Path) -> Reading:
    return parsers.read(path, "made.res", UTC)


def test_made_database(drop: Drop) -> None:
    """A database made by the layout in the docstring is read, singles as their decimals, and put in order."""
    reading = read_database(drop(database(records(2, 1, 3))))
    table = reading.measurements
    assert table["record_index"].to_list() == [1, 2, 3]
    assert table["voltage_volt"].to_list() == [3.7001] * 3
    assert table["current_ampere"].to_list() == [0.1] * 3
    assert table["unix_time_second"].to_list() == [1678881610.0, 1678881620.0, 1678881630.0]
    assert reading.about["channel"] == "123456-7"


def test_unmeasured_resistance_is_absent(drop: Drop) -> None:
    """A resistance of 0 means that none was measured: no column when all are 0, null before the first."""
    rows = records(1, 2)
    assert "internal_resistance_ohm" not in read_database(drop(database(rows))).measurements.columns
    rows[1] = (*rows[1][:-1], 0.025)
    found = read_database(drop(database(rows))).measurements["internal_resistance_ohm"].to_list()
    assert found == [None, 0.025]


def test_test_without_records_is_empty(drop: Drop) -> None:
    """A test that has not recorded yet is empty, and still says what it is."""
    reading = read_database(drop(database([])))
    assert (reading.kind, reading.measurements.height, reading.about["test_name"]) == ("empty", 0, "name 1")


def test_several_tests_are_refused(drop: Drop) -> None:
    """Records of two tests in one file are never mixed."""
    error = refusal(drop(database(records(1) + records(2, test=2))), "arbin_res")
    assert error.code == "several_tests"


def test_other_tests_without_records_do_not_matter(drop: Drop) -> None:
    """Of several tests in Global_Table the one that has the records counts."""
    made = database(records(1, test=2), Global_Table=overview(1, 2))
    assert read_database(drop(made)).about["test_name"] == "name 2"


def test_temperatures_by_auxiliary_index(drop: Drop) -> None:
    """Auxiliary values of type 1 become temperatures by index from 0; others are left out with a warning."""
    rows = [(1, 1, 0, 1, 24.5), (1, 2, 0, 1, 24.625), (1, 2, 1, 1, 30.1), (1, 1, 0, 0, 3.3), (1, 1, 7, 1, 9.0)]
    made = database(records(1, 2), Auxiliary_Table=jet.Made(jet.AUXILIARY, rows))
    reading = read_database(drop(made))
    assert reading.measurements["temperature_t1_celsius"].to_list() == [24.5, 24.625]
    assert reading.measurements["temperature_t2_celsius"].to_list() == [None, 30.1]
    assert reading.warnings == ("2 values of auxiliary channels are not taken: no temperature, or no place for it",)


def test_fahrenheit_is_refused(drop: Drop) -> None:
    """A temperature whose unit the database states and we do not know is refused."""
    made = database(
        records(1),
        Auxiliary_Table=jet.Made(jet.AUXILIARY, [(1, 1, 0, 1, 75.0)]),
        Aux_Global_Data_Table=jet.Made(jet.AUXILIARY_UNITS, [(0, 1, "F")]),
    )
    assert "'F' is no known unit" in refusal(drop(made), "arbin_res").detail


@pytest.mark.parametrize("missing", ["Global_Table", "Channel_Normal_Table"])
def test_missing_table(drop: Drop, missing: str) -> None:
    """A database without one of the two tables is refused and the table named."""
    tables = {"Global_Table": overview(1), "Channel_Normal_Table": jet.Made(jet.RECORDS, records(1))}
    made = jet.make_database({name: table for name, table in tables.items() if name != missing})
    assert f"no table {missing}" in refusal(drop(made), "arbin_res").detail


def test_missing_column(drop: Drop) -> None:
    """A table of records without voltage is refused and the column named."""
    kept = [name for name in jet.RECORDS if name != "Voltage"]
    places = [list(jet.RECORDS).index(name) for name in kept]
    rows = [tuple(row[place] for place in places) for row in records(1)]
    made = database([], Channel_Normal_Table=jet.Made({name: jet.RECORDS[name] for name in kept}, rows))
    assert refusal(drop(made), "arbin_res").column == "Voltage"


def test_missing_rows(drop: Drop) -> None:
    """A table with fewer rows than its definition says is refused at the definition's byte."""
    made = database([], Channel_Normal_Table=jet.Made(jet.RECORDS, records(1, 2), claimed=3))
    error = refusal(drop(made), "arbin_res")
    assert "should have 3 rows and has 2" in error.detail
    assert error.byte == 6 * jet.PAGE


def test_time_going_back_in_a_database(drop: Drop) -> None:
    """A test time that falls with rising Data_Point is refused and the record named."""
    rows = records(1, 2)
    rows[1] = (*rows[1][:2], 5.0, *rows[1][3:])
    error = refusal(drop(database(rows)), "arbin_res")
    assert "Channel_Normal_Table row 2: the test time goes back from 10.0 s to 5.0 s" in error.detail


def test_null_voltage_in_a_database(drop: Drop) -> None:
    """A record without voltage is refused and named."""
    rows = records(1, 2)
    rows[1] = (*rows[1][:8], None, *rows[1][9:])
    error = refusal(drop(database(rows)), "arbin_res")
    assert (error.column, error.detail) == ("Voltage", "Channel_Normal_Table row 2: no value")


def test_other_database_is_not_arbin(drop: Drop) -> None:
    """A Jet database without Arbin's tables is claimed by nobody."""
    path = drop(jet.make_database({"Invoices": jet.Made(jet.AUXILIARY_UNITS, [])}))
    assert parsers.detect(path, "invoices.res") == []


def test_circle_of_definition_pages(drop: Drop) -> None:
    """A definition that goes on in itself is refused, not followed for ever."""
    made = bytearray(database(records(1)))
    made[6 * jet.PAGE + 4 : 6 * jet.PAGE + 8] = (6).to_bytes(4, "little")
    assert refusal(drop(bytes(made)), "arbin_res").byte == 6 * jet.PAGE


def test_part_of_a_page(drop: Drop) -> None:
    """A database that does not end with a page is refused at that page."""
    error = refusal(drop(database(records(1))[:-100]), "arbin_res")
    assert (error.byte, error.detail) == (7 * jet.PAGE, "the last page has 3996 of 4096 bytes")


def test_lost_pages_are_noticed(drop: Drop) -> None:
    """A database cut at any page is refused: the rows of its tables are counted."""
    made = database(records(1, 2))
    for pages in range(1, len(made) // jet.PAGE):
        refusal(drop(made[: pages * jet.PAGE]), "arbin_res")


def test_old_database_needs_mdbtools(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Jet 3 database without mdbtools is refused with the name of the program."""
    monkeypatch.setenv("PATH", "")
    made = bytearray(database(records(1)))
    made[20] = 0
    assert "needs mdb-export of mdbtools" in refusal(drop(bytes(made)), "arbin_res").detail


@needs_mdbtools
def test_mdbtools_finds_nothing(drop: Drop) -> None:
    """A Jet 3 database in which mdb-export finds no table is refused."""
    made = b"\x00\x01\x00\x00Standard Jet DB\x00\x00" + bytes(9000)
    assert refusal(drop(made), "arbin_res").detail == "no table Global_Table"


@needs_mdbtools
def test_mdbtools_is_not_believed_about_a_cut_file(corpus: Path, tmp_path: Path) -> None:
    """Of a cut database mdb-export prints some rows and reports success; the missing ones are noticed."""
    cut = tmp_path / "cut"
    cut.write_bytes((corpus / "arbin_res" / RES[1]).read_bytes()[: 200 * _jet.PAGE])
    with pytest.raises(ParseError, match=r"should have 10261 rows|printed no table"):
        _mdbtools.read_table(Source(cut, "cut.res"), "Channel_Normal_Table", arbin_res.NORMAL)


def test_slow_mdbtools_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that does not come to an end is ended, and the file refused."""
    sleep = shutil.which("sleep")
    monkeypatch.setattr("shutil.which", lambda _: sleep)
    monkeypatch.setattr(_mdbtools, "TIME_LIMIT_SECOND", 0.2)
    with pytest.raises(ParseError, match="did not finish within"):
        _mdbtools.read_table(Source(Path("5"), "slow.res"), "0", ())


@pytest.mark.parametrize("seed", range(8))
def test_damaged_database(drop: Drop, seed: int) -> None:
    """A database with damaged bytes is read or refused, nothing else."""
    made = np.frombuffer(database(records(1, 2, 3)), dtype=np.uint8).copy()
    random = np.random.default_rng(seed)
    for _ in range(40):
        made[random.integers(jet.PAGE, len(made), 30)] = random.integers(0, 256, 30)
        try:
            parsers.read_as(drop(made.tobytes()), "arbin_res", "given.name")
        except ParseError as error:
            assert error.path == "given.name"  # noqa: PT017 a damaged file may also still be readable


# --- CSV: truth


def test_pyprobe_last_row(corpus: Path) -> None:
    """PyProBE's last row: 301.214 s, 2.650138 A, 3.599601 V, 24.68785 °C, and its charge of 0.00078124 Ah."""
    table = parsers.read(corpus / PYPROBE).measurements
    last = table.row(-1, named=True)
    found = [last[name] for name in ("test_time_second", "current_ampere", "voltage_volt", "temperature_t1_celsius")]
    assert found == [301.214, 2.650138, 3.599601, 24.68785]
    charge, discharge = table["schedule_charging_capacity_ah"], table["schedule_discharging_capacity_ah"]
    # PyProBE counts from the highest value of the charge counter: charge - discharge + max(charge).
    assert charge[-1] - discharge[-1] + charge.max() == pytest.approx(0.00078124, abs=5e-9)


def test_pyprobe_clock(corpus: Path) -> None:
    """Dates after a tab, month first, to the millisecond."""
    table = parsers.read(corpus / PYPROBE, zone=UTC).measurements
    assert table["unix_time_second"][0] == 1726821154.558


def test_beep_units_and_decimals(corpus: Path) -> None:
    """Beep's table without units is in Arbin's, its clock is UTC, and doubles that were singles are decimals again."""
    row = parsers.read(corpus / BEEP).measurements.row(0, named=True)
    assert row["unix_time_second"] == 1494377253.17
    assert (row["voltage_volt"], row["current_ampere"]) == (3.2986684, 6.600445)


def test_empty_columns_are_absent(corpus: Path) -> None:
    """Beep's table has no step and no cycle, so neither is there."""
    columns = parsers.read(corpus / BEEP).measurements.columns
    assert not {"step_id", "step_count", "cycle_count"} & set(columns)


# --- CSV: made


def read_table(path: Path) -> Reading:
    return parsers.read(path, "made.csv", UTC)


def test_steps_are_counted(drop: Drop) -> None:
    """step_count rises where Step_Index changes and where Step_Time falls."""
    lines = [
        f"{n},,{n},{step_time},{step},1,0,3.7" for n, step_time, step in ((1, 1, 1), (2, 2, 1), (3, 1, 1), (4, 2, 2))
    ]
    table = read_table(drop(table_of(*lines))).measurements
    assert table["step_count"].to_list() == [1, 1, 2, 3]
    assert table["step_id"].to_list() == [1, 1, 1, 2]


def test_units_of_the_header(drop: Drop) -> None:
    """A header's unit counts: mA, mV and mAh come out exactly."""
    header = "Test_Time(min),Step_Index,Cycle_Index,Current(mA),Voltage(mV),Charge_Capacity(mAh)"
    table = read_table(drop(table_of("2,1,1,0.3,3700.1,1.1", header=header))).measurements
    assert table.row(0)[:3] == (120.0, 3.7001, 0.0003)
    assert table["schedule_charging_capacity_ah"][0] == 0.0011


def test_unknown_unit_is_refused(drop: Drop) -> None:
    """A unit that is not known is refused at the header."""
    error = refusal(drop(table_of(*LINES, header=HEADER.replace("(A)", "(%)"))), "arbin_csv")
    assert (error.line, error.column) == (1, "Current(%)")


@pytest.mark.parametrize(
    "dates",
    [
        ("2024/03/15 10:00:00.5", "2024/03/15 10:00:01.5"),
        ("2024-03-15 10:00:00.500", "2024-03-15 10:00:01.500"),
        ("03/15/2024 10:00:00.500", "03/15/2024 10:00:01.500"),
        ("15/03/2024 10:00:00.500", "15/03/2024 10:00:01.500"),
        ("3/15/2024 10:00:00.5 AM", "3/15/2024 10:00:01.5 AM"),
        ("1710496800.5", "1710496801.5"),
        ("45366.41667245370", "45366.41668402778"),
    ],
)
def test_layouts_of_dates(drop: Drop, dates: Sequence[str]) -> None:
    """Every known layout of a date gives the same instants."""
    lines = [f"{n},{date},{n},1,1,1,0,3.7" for n, date in enumerate(dates)]
    found = read_table(drop(table_of(*lines))).measurements["unix_time_second"].to_list()
    assert found == [1710496800.5, 1710496801.5]


def test_day_first_where_the_test_time_says_so(drop: Drop) -> None:
    """Dates that fit both orders are read in the one that agrees with the test time: two days, not two months."""
    lines = ["1,05/06/2024 00:00:00,0,0,1,1,0,3.7", "2,07/06/2024 00:00:00,172800,0,1,1,0,3.7"]
    unix = read_table(drop(table_of(*lines))).measurements["unix_time_second"]
    assert unix[1] - unix[0] == 172800


def test_unknown_date_is_refused(drop: Drop) -> None:
    """A date in no known layout is refused with its line and text."""
    error = refusal(drop(table_of(LINES[0], "2,yesterday,2.5,0.5,2,1,0.25,3.71")), "arbin_csv")
    assert (error.line, error.column) == (3, "Date_Time")
    assert "'yesterday'" in error.detail


def test_header_only_is_empty(drop: Drop) -> None:
    """A header without a record is a test that has not begun."""
    reading = read_table(drop(HEADER + "\n"))
    assert (reading.kind, reading.measurements.height) == ("empty", 0)


def test_cut_last_line_is_left_out(drop: Drop) -> None:
    """A last line that is still being written is left out, and the place where the file ends is named."""
    whole = table_of(*LINES, "3,2024/03/15 10:00:02.500,3.5,1.5,2,1,0.25,3.72")
    for cut in range(len(table_of(*LINES)) + 1, len(whole) - 5):
        reading = read_table(drop(whole[:cut]))
        assert (reading.incomplete, reading.measurements.height) == (True, 2)
        assert reading.warnings == (still_growing("a line", cut),)


def test_whole_last_line_without_end_is_kept(drop: Drop) -> None:
    """A last record that is whole counts, with or without a line end."""
    reading = read_table(drop(table_of(*LINES).rstrip("\n")))
    assert (reading.measurements.height, reading.warnings) == (2, ())


def test_cut_number_in_the_last_line(drop: Drop) -> None:
    """A last line with all cells, the last of them cut to no number, is left out too."""
    reading = read_table(drop(table_of(*LINES) + "3,2024/03/15 10:00:02.500,3.5,1.5,2,1,0.25,-"))
    assert (reading.measurements.height, reading.incomplete) == (2, True)


def test_header_without_line_end_is_no_header_yet(drop: Drop) -> None:
    """A header whose line end has not come may lack columns: the file ends too early."""
    assert refusal(drop(HEADER), "arbin_csv").code == "incomplete_file"


@pytest.mark.parametrize(("line", "cells"), [("2,2024/03/15 10:00:01.500,2.5", 3), (LINES[1] + ",9", 9)])
def test_ragged_line_is_refused(drop: Drop, line: str, cells: int) -> None:
    """A line with too few or too many cells is refused with its number."""
    error = refusal(drop(table_of(LINES[0], line, LINES[1])), "arbin_csv")
    assert (error.line, error.detail) == (3, f"expected 8 cells, found {cells}")


def test_trailing_comma_is_allowed(drop: Drop) -> None:
    """Records that end with a comma where the header does not are read."""
    assert read_table(drop(table_of(*(line + "," for line in LINES)))).measurements.height == 2


def test_words_among_numbers_are_refused(drop: Drop) -> None:
    """A cell that is no number is refused with line, column and text."""
    error = refusal(drop(table_of(LINES[0], LINES[1].replace("3.71", "low"), LINES[1])), "arbin_csv")
    assert (error.line, error.column, error.detail) == (3, "Voltage(V)", "expected a number, found 'low'")


@pytest.mark.parametrize("cell", ["", "nan", "inf"])
def test_missing_voltage_is_refused(drop: Drop, cell: str) -> None:
    """A record without a finite voltage is refused with its line."""
    error = refusal(drop(table_of(LINES[0].replace("3.7001", cell), LINES[1])), "arbin_csv")
    assert (error.line, error.column, error.detail) == (2, "Voltage(V)", "no value")


def test_fraction_of_a_cycle_is_refused(drop: Drop) -> None:
    """A cycle number that is not whole is refused."""
    error = refusal(drop(table_of(LINES[0].replace(",1,0,", ",1.5,0,"))), "arbin_csv")
    assert (error.line, error.column) == (2, "Cycle_Index")


def test_time_going_back_is_refused(drop: Drop) -> None:
    """A test time that falls is refused with its line and both times."""
    error = refusal(drop(table_of(LINES[1], LINES[0])), "arbin_csv")
    assert (error.line, error.detail) == (3, "the test time goes back from 2.5 s to 1.5 s")


def test_missing_column_of_an_export(drop: Drop) -> None:
    """An export without current is refused at its header."""
    error = refusal(drop(table_of(LINES[0], header=HEADER.replace("Current(A)", "Curr"))), "arbin_csv")
    assert (error.line, error.detail) == (1, "no column for current_ampere")


def test_same_column_twice(drop: Drop) -> None:
    """Two columns of one meaning are refused."""
    error = refusal(drop(table_of(LINES[0], header=HEADER.replace("Step_Time(s)", "Test Time (s)"))), "arbin_csv")
    assert "the same as 'Test_Time(s)'" in error.detail


def test_stray_quote_swallows_nothing(drop: Drop) -> None:
    """A quotation mark in a cell is refused or stripped; it never swallows the lines after it."""
    assert read_table(drop(table_of(LINES[0].replace("3.7001", '"3.7001"'), LINES[1]))).measurements.height == 2
    lines = (LINES[0].replace("3.7001", '3.7"001'), LINES[1])
    assert refusal(drop(table_of(*lines)), "arbin_csv").line == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_encodings(drop: Drop, encoding: str) -> None:
    """The degree sign of a header comes in UTF-8 with its mark, cp1252 or UTF-16."""
    header, line = f"{HEADER},Aux_Temperature(°C)_1", f"{LINES[0]},25.5"
    table = read_table(drop(table_of(line, header=header).encode(encoding))).measurements
    assert table["temperature_t1_celsius"].to_list() == [25.5]


@pytest.mark.parametrize("header", ["Aux_Temperature_1(C)", "Aux_Temperature(℃)_1", "Temperature (C)_1", "Temperature"])
def test_names_of_temperatures(header: str) -> None:
    """All spellings of the first temperature mean the same column."""
    plan, _ = _arbin.plan_columns([*HEADER.split(","), header], _arbin.Place(Source(Path(), "x")))
    assert plan[-1].target == "temperature_t1_celsius"


def test_temperatures_without_a_place(drop: Drop) -> None:
    """A sixth temperature is left out with a warning."""
    reading = read_table(drop(table_of(f"{LINES[0]},25.5", header=f"{HEADER},Aux_Temperature_6(C)")))
    assert reading.warnings == ("no place for the temperatures Aux_Temperature_6(C)",)


# --- workbooks


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], chart: str = "") -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
        if chart:
            drawn = book.add_chart({"type": "line"})
            drawn.add_series({"values": f"='{next(iter(sheets))}'!$A$2:$A$3"})
            book.add_chartsheet(chart).set_chart(drawn)
    return content.getvalue()


TITLES: Final = HEADER.split(",")
FIRST: Final = (1, "2024-03-15 10:00:00.500", 1.5, 1.5, 1, 1, 0, 3.7001)
SECOND: Final = (2, "2024-03-15 10:00:01.500", 2.5, 0.5, 2, 1, 0.25, 3.71)


def test_counters_of_navani_never_reset(corpus: Path) -> None:
    """The schedule of navani's sample resets no counter in two cycles."""
    table = parsers.read(corpus / NAVANI).measurements
    counters = table.select(pl.selectors.starts_with("schedule_"))
    assert not any((counters[name].diff() < 0).any() for name in counters.columns)


def test_about_a_workbook(corpus: Path) -> None:
    """Global_Info names test, tester and channel."""
    about = parsers.read(corpus / NAVANI, zone=UTC).about
    assert about["channel"] == "206951-11"
    assert about["test_name"] == "bs542_004_gr_li_50ua_50mv_1v_191020"
    assert about["start_time"] == "2020-10-19T11:33:31.000+00:00"


def test_parts_of_one_channel_are_joined(drop: Drop) -> None:
    """Channel_1_2 goes on where Channel_1_1 ends, wherever the sheets stand; statistics and charts are not read."""
    sheets = {
        "Channel_1_2": [TITLES, SECOND],
        "Channel_1_1": [TITLES, FIRST],
        "StatisticByCycle-Chan_1": [[*TITLES, "Vmax_On_Cycle(V)"]],
    }
    table = parsers.read(drop(workbook(sheets, chart="Channel_Chart")), "made.xlsx", UTC).measurements
    assert table["record_index"].to_list() == [1, 2]
    assert table["step_count"].to_list() == [1, 2]
    assert table["unix_time_second"].to_list() == [1710496800.5, 1710496801.5]


def test_two_channels_are_refused(drop: Drop) -> None:
    """Two channels in one workbook are two tests."""
    error = refusal(drop(workbook({"Channel_1_1": [TITLES, FIRST], "Channel_2_1": [TITLES, SECOND]})), "arbin_xlsx")
    assert error.code == "several_tests"


def test_parts_that_do_not_follow_each_other(drop: Drop) -> None:
    """A second part that begins before the first ends is refused."""
    error = refusal(drop(workbook({"Channel_1_1": [TITLES, SECOND], "Channel_1_2": [TITLES, FIRST]})), "arbin_xlsx")
    assert "goes back from 2.5 s to 1.5 s" in error.detail


def test_parts_with_different_columns(drop: Drop) -> None:
    """A second part with other columns is refused."""
    sheets = {"Channel_1_1": [TITLES, FIRST], "Channel_1_2": [TITLES[1:], SECOND[1:]]}
    assert "different columns" in refusal(drop(workbook(sheets)), "arbin_xlsx").detail


def test_words_in_a_workbook(drop: Drop) -> None:
    """A cell that is no number is refused with sheet, row and column."""
    error = refusal(drop(workbook({"Channel_1_1": [TITLES, FIRST, (*SECOND[:-1], "low")]})), "arbin_xlsx")
    assert (error.line, error.column) == (3, "Voltage(V)")
    assert error.detail == "Channel_1_1: expected a number, found 'low'"


def test_empty_rows_below_a_table(drop: Drop) -> None:
    """Formatted but empty rows below the records are no records; one in between is refused."""
    blank = [""] * len(TITLES)
    reading = parsers.read(drop(workbook({"Channel_1_1": [TITLES, FIRST, blank, [*blank, " "]]})), "made.xlsx")
    assert reading.measurements.height == 1
    error = refusal(drop(workbook({"Channel_1_1": [TITLES, FIRST, [*blank, "x"], SECOND]})), "arbin_xlsx")
    assert (error.line, error.detail) == (3, "Channel_1_1: no value")


def test_headers_alone_in_a_workbook(drop: Drop) -> None:
    """A channel's sheet without records is a test that has not begun."""
    assert parsers.read(drop(workbook({"Channel_1_1": [TITLES]})), "made.xlsx").kind == "empty"


def test_workbook_without_a_channel(drop: Drop) -> None:
    """A workbook without a channel's sheet is refused with the sheets that it has."""
    assert "found ['Info']" in refusal(drop(workbook({"Info": [["x"]]})), "arbin_xlsx").detail


def test_empty_sheet_of_a_channel(drop: Drop) -> None:
    """A channel's sheet without a header is refused."""
    assert "no column for" in refusal(drop(workbook({"Channel_1_1": []})), "arbin_xlsx").detail


def test_cut_workbook_is_refused(drop: Drop) -> None:
    """A workbook cut anywhere is refused."""
    whole = workbook({"Channel_1_1": [TITLES, FIRST]})
    for cut in range(1, len(whole), 97):
        refusal(drop(whole[:cut]), "arbin_xlsx")


def test_damaged_workbook_is_refused(drop: Drop) -> None:
    """A workbook with a damaged byte in a sheet is refused, even where its XML would still be read."""
    whole = bytearray(workbook({"Channel_1_1": [TITLES, *[FIRST] * 50]}))
    at = whole.index(b"xl/worksheets/sheet1.xml") + 60
    whole[at] ^= 0x10
    assert "no readable workbook" in refusal(drop(bytes(whole)), "arbin_xlsx").detail


# --- companions


@pytest.mark.parametrize(
    "text",
    [
        ",Test_ID,Device_ID,IV_Ch_ID,First_Start_DateTime\n0,1,2,3,4\n",
        ",test_id,device_id,iv_ch_id,first_start_datetime\n0,1,2,3,4\n",
        "\ufeff,,,TEST REPORT,,\n,,Test Name,x,Serial Number,\nChannel,Start DateTime,Schedule File Name,Creator\n",
        "Date_Time,Test_Time(s),Step_Index,Cycle_Index,Voltage(V),Current(A),Vmax_On_Cycle(V)\n",
        "Date_Time,Test Time (s),Cycle Index,Step Index,Current (A),Voltage (V),V_Max_On_Cycle (V)\n",
    ],
)
def test_companions(drop: Drop, text: str) -> None:
    """Metadata, report and statistics are companions, and not taken for records."""
    reading = parsers.read(drop(text), "made.csv")
    assert (reading.format, reading.kind, reading.measurements.height) == ("arbin_companion", "companion", 0)


def test_overview_without_rows_says_nothing() -> None:
    """A workbook whose overview holds no row has no facts; its records are read all the same."""
    assert arbin_xlsx._facts([]) == {}
