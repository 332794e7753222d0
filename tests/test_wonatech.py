"""WonATech: both versions of .wrd as they were written, .NET's format as data, sweeps, and the documented traps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from damaged import cut, mutate, survives
from wonatech_files import (
    CAPACITY_CSV,
    COLUMNS,
    PROFILE_CSV,
    Net,
    Row,
    make_run,
    make_sweep,
    sde,
    wrd,
    wrd_213,
)

from parsers import wonatech_csv, wonatech_eis, wonatech_wrd
from parsers._nrbf import NrbfError, read_stream
from parsers.contract import Format, Peek, Reading, Source
from warehouse.errors import ContradictionError, ParseError

SEOUL: Final = ZoneInfo("Asia/Seoul")
RUN: Final = make_run()
START: Final = 1772632051.0
VERSIONS: Final[dict[str, Callable[[Sequence[Row]], bytes]]] = {"1.x": wrd, "2.13": wrd_213}


def read(folder: Path, content: bytes, declared: Format = wonatech_wrd.FORMAT) -> Reading:
    path = folder / "file.wrd"
    path.write_bytes(content)
    assert declared.sniff(Peek(path, "file"))
    return declared.read(Source(path, path.name, SEOUL))


def refusal(folder: Path, content: bytes) -> ParseError:
    with pytest.raises(ParseError) as refused:
        read(folder, content)
    return refused.value


def assert_same(reading: Reading, rows: Sequence[Row]) -> None:
    table = pl.DataFrame(
        {
            "test_time_second": [row.seconds for row in rows],
            "voltage_volt": [row.voltage for row in rows],
            "current_ampere": [row.current for row in rows],
            "cycle_count": [row.cycle for row in rows],
            "step_count": [row.total_step for row in rows],
            "step_id": [row.step for row in rows],
            "step_time_second": [row.step_seconds for row in rows],
            "cycle_charging_capacity_ah": [row.charge for row in rows],
            "cycle_discharging_capacity_ah": [row.discharge for row in rows],
        }
    )
    assert reading.measurements.select(table.columns).equals(table)


# --- written and read


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_comes_back_exactly(tmp_path: Path, version: str) -> None:
    """Every row of both versions comes back bit by bit."""
    assert_same(read(tmp_path, VERSIONS[version](RUN)), RUN)


@pytest.mark.parametrize("version", VERSIONS)
def test_header_says_whose_file_it_is(tmp_path: Path, version: str) -> None:
    """Model, serial number, software and start come from the header, the channel from the rows."""
    about = read(tmp_path, VERSIONS[version](RUN)).about
    assert (about["instrument"], about["channel"]) == ("WBCS3000S1", "W5K-1801020-11")
    assert about["start_time"] == "2026-03-04T13:47:31.000+00:00"
    assert about["test_name"] == "D:\\data\\셀 7.wrd"


def test_wall_clock_of_the_first_version(tmp_path: Path) -> None:
    """DATE TIME counts 100 ns from year 1 in the site's time; the second version has none."""
    found = read(tmp_path, wrd(RUN)).measurements["unix_time_second"]
    assert (found[0], found[1]) == (START, START + 30.5)
    assert "unix_time_second" not in read(tmp_path, wrd_213(RUN)).measurements.columns


def test_control_comes_from_schedule_or_row(tmp_path: Path) -> None:
    """The first version's schedule and the second version's rows tell constant current from constant voltage."""
    first = read(tmp_path, wrd(RUN, controls=(7, 13, 0))).measurements
    second = read(tmp_path, wrd_213(RUN)).measurements
    assert first["step_type"].unique(maintain_order=True).to_list() == ["rest", "charge_cccv", "discharge_cc"]
    assert second["step_type"].unique(maintain_order=True).to_list() == ["rest", "charge_cc", "discharge_cv"]


# --- the traps


def test_range_text_changes_the_length_of_rows(tmp_path: Path) -> None:
    """Rows grow and shrink with the text of the current range, within a step and by a letter of two bytes."""
    found = read(tmp_path, wrd(RUN)).measurements["current_range_ampere"]
    assert found.head(15).to_list() == [1.0] * 5 + [0.01] * 2 + [0.001] * 3 + [0.0001] * 5


def test_range_that_changes_with_every_row(tmp_path: Path) -> None:
    """A range that flickers makes every row a run of its own."""
    rows = [replace(row, range_text=("1A", "10mA", "1mA")[number % 3]) for number, row in enumerate(RUN)]
    assert_same(read(tmp_path, wrd(rows)), rows)


def test_long_run_of_one_range(tmp_path: Path) -> None:
    """A run longer than the first window that is looked at ends where the range changes and not before."""
    rows = [replace(RUN[0], seconds=float(second), step_seconds=float(second), cycle=0) for second in range(9000)]
    rows[8500:] = [replace(row, range_text="500mA") for row in rows[8500:]]
    reading = read(tmp_path, wrd(rows))
    assert_same(reading, rows)
    assert reading.measurements["current_range_ampere"].value_counts(sort=True)["count"].to_list() == [8500, 500]


def test_unknown_range_is_reported(tmp_path: Path) -> None:
    """A range that is no current costs that value alone."""
    reading = read(tmp_path, wrd([replace(row, range_text="AUTO") for row in RUN]))
    assert "current_range_ampere" not in reading.measurements.columns
    assert any("'AUTO'" in warning for warning in reading.warnings)


def test_cycle_index_counts_from_zero(tmp_path: Path) -> None:
    """The instrument's cycle 0 stays 0."""
    assert read(tmp_path, wrd(RUN)).measurements["cycle_count"].unique().sort().to_list() == [0, 1]


def test_counters_restart_with_the_cycle(tmp_path: Path) -> None:
    """Charge counters that start again in each cycle are the cycle's; such that fall within one are left out."""
    assert "cycle_charging_capacity_ah" in read(tmp_path, wrd(RUN)).measurements.columns
    falling = [replace(row, charge=0.0 if row.status == 4 else row.charge) for row in RUN]
    reading = read(tmp_path, wrd(falling))
    assert not [name for name in reading.measurements.columns if "capacity" in name]
    assert any("fall within a cycle" in warning for warning in reading.warnings)


@pytest.mark.parametrize("write", [wrd, wrd_213])
def test_coulombs_become_ampere_hours(tmp_path: Path, write: Callable[..., bytes]) -> None:
    """Where the header says UnitCoulomb, charge is in C and energy in J."""
    rows = [replace(row, charge=row.charge * 3600, discharge=row.discharge * 3600) for row in RUN]
    found = read(tmp_path, write(rows, coulomb=True)).measurements
    assert found["cycle_charging_capacity_ah"].to_list() == pytest.approx([row.charge for row in RUN], rel=1e-15)
    assert found["cycle_charging_energy_wh"].max() == pytest.approx(max(row.charge for row in RUN) * 3.7)


@pytest.mark.parametrize("write", [wrd, wrd_213])
def test_coulombs_that_are_not_declared_are_refused(tmp_path: Path, write: Callable[..., bytes]) -> None:
    """Counters must be the integral of the current: 3600 times as much is C under the name of Ah."""
    rows = [replace(row, charge=row.charge * 3600, discharge=row.discharge * 3600) for row in RUN]
    with pytest.raises(ContradictionError, match="3600") as refused:
        read(tmp_path, write(rows))
    assert refused.value.code == "unit_factor"


def test_temperature_of_zero_is_no_sensor(tmp_path: Path) -> None:
    """0 °C in every row means that nothing is connected; other values are kept."""
    assert "temperature_t1_celsius" not in read(tmp_path, wrd(RUN)).measurements.columns
    warm = [replace(row, temperature=60.25) for row in RUN]
    assert read(tmp_path, wrd_213(warm)).measurements["temperature_t1_celsius"].unique().to_list() == [60.25]


def test_uncounted_and_counted_rows(tmp_path: Path) -> None:
    """A count of -1 means that nobody counted; too small a count is refused, too large a one is a cut file."""
    assert read(tmp_path, wrd(RUN, data_count=len(RUN))).warnings == ()
    assert any("it is cut off" in warning for warning in read(tmp_path, wrd_213(RUN, data_count=99)).warnings)
    assert "the header counts 3 rows, the file has 30" in refusal(tmp_path, wrd(RUN, data_count=3)).detail


@pytest.mark.parametrize("write", [wrd, wrd_213])
def test_row_that_is_still_being_written_is_left_out(tmp_path: Path, write: Callable[[Sequence[Row]], bytes]) -> None:
    """Bytes behind the last whole row cost nothing but a warning."""
    reading = read(tmp_path, write(RUN)[:-7])
    assert_same(reading, RUN[:-1])
    assert any("behind the last whole row" in warning for warning in reading.warnings)


@pytest.mark.parametrize("write", [wrd, wrd_213])
def test_header_without_rows_is_empty(tmp_path: Path, write: Callable[[Sequence[Row]], bytes]) -> None:
    """A test that has recorded nothing yet says whose it is."""
    reading = read(tmp_path, write([]))
    assert reading.measurements.is_empty()
    assert reading.about["serial"] == "W5K-1801020"


def test_unknown_column_is_passed_over(tmp_path: Path) -> None:
    """A declared column of a known type that nobody documented costs nothing but a warning."""
    reading = read(tmp_path, wrd(RUN, columns=[*COLUMNS[:14], ("PRESSURE", "Single"), *COLUMNS[14:]]))
    assert_same(reading, RUN)
    assert reading.warnings == ("columns that are not known are passed over: PRESSURE",)


# --- refusals


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (wrd_213(RUN, version="1.7.0.0"), "version '1.7.0.0' of the header is not 1.6.0.0"),
        (wrd(RUN, root="WbcsFile.Data.SomethingNew"), "the header is a WbcsFile.Data.SomethingNew"),
        (wrd_213(RUN, inner_root="WbcsFile.Data.Other"), "the packed header is no WbcsFile.Data.DataHeaderValues"),
        (wrd(RUN, columns=[each for each in COLUMNS if each[0] != "CURRENT"]), "declares no column CURRENT"),
        (wrd(RUN, columns=[*COLUMNS, ("NOTE", "String")]), "columns of text are ['I RANGE', 'NOTE']"),
        (wrd(RUN, columns=[("CHANNEL", "Int64"), *COLUMNS[2:], COLUMNS[0]]), "column CHANNEL has the type <i8"),
        (wrd(RUN, columns=[*COLUMNS, COLUMNS[13]]), "declares a column twice"),
        (wrd(RUN, coulomb=None), "UnitCoulomb"),
        (wrd([replace(row, status=9) for row in RUN]), "cell status 9 is not known"),
        (wrd_213([replace(row, status=2) for row in RUN]), "cell status 2 is not known"),
    ],
)
def test_other_layouts_are_refused_with_the_sample_to_send(tmp_path: Path, content: bytes, found: str) -> None:
    """What is not documented is refused, and the reason names the sample that would teach it."""
    error = refusal(tmp_path, content)
    assert error.code == "unknown_layout"
    assert found in error.detail
    assert "send the .wrd file and the csv" in error.detail


def test_declared_unit_must_fit(tmp_path: Path) -> None:
    """A declared unit that is not the documented one is a contradiction; one that is not understood says nothing."""
    assert_same(read(tmp_path, wrd(RUN, units={"VOLTAGE": "V", "CHARGE Q": "Ah", "TEST TIME": "tick"})), RUN)
    with pytest.raises(ContradictionError, match="CURRENT is declared in mA"):
        read(tmp_path, wrd(RUN, units={"CURRENT": "mA"}))


def test_sign_against_the_state_is_refused(tmp_path: Path) -> None:
    """A charging state with negative currents contradicts itself."""
    with pytest.raises(ContradictionError) as refused:
        read(tmp_path, wrd([replace(row, current=-row.current) for row in RUN]))
    assert refused.value.code == "sign"


def test_rows_of_two_channels_are_refused(tmp_path: Path) -> None:
    """One file is one channel."""
    error = refusal(tmp_path, wrd([*RUN[:15], *(replace(row, channel=12) for row in RUN[15:])]))
    assert error.code == "several_tests"


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    """Test time within a file never goes back."""
    assert refusal(tmp_path, wrd([*RUN[15:], *RUN[:15]])).code == "time_goes_back"


def test_voltage_that_is_no_number_is_refused(tmp_path: Path) -> None:
    """A row without a voltage cannot be known."""
    error = refusal(tmp_path, wrd([replace(RUN[0], voltage=float("nan")), *RUN[1:]]))
    assert (error.code, error.column) == ("missing_value", "VOLTAGE")


# --- .NET's format as data


def test_objects_stay_names_and_values() -> None:
    """A class that the stream names is a name with values, whatever .NET would do with it."""
    net = Net()
    net.begin(1, "System.Diagnostics.Process", [("StartInfo", b"\x01")], system=True)
    net.string("calc.exe")
    stream = read_stream(net.end())
    assert stream.objects[1].name == "System.Diagnostics.Process"
    assert stream.get(stream.objects[1], "StartInfo") == "calc.exe"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 40,
        Net().end()[:-1],
        bytes(Net().data) + b"\x63",
        bytes(Net().data) + b"\x01\x05\0\0\0\x63\0\0\0",
        bytes(Net().data) + b"\x0f\x05\0\0\0\xff\xff\xff\x7f\x06",
        bytes(Net().data) + b"\x10\x05\0\0\0\xff\xff\xff\x7f" + b"\x0e\xff\xff\xff\x7f",
        bytes(Net().data) + b"\x06\x05\0\0\0\xff\xff\xff\xff\xff\xff\xff",
        bytes(Net().data) + b"\x10\x05\0\0\0\x01\0\0\0" * 100,
    ],
)
def test_broken_streams_are_refused(content: bytes) -> None:
    """Unknown records, endless nesting and lengths beyond the file are errors with a place, and cost no memory."""
    with pytest.raises(NrbfError) as refused:
        read_stream(content)
    assert refused.value.byte >= 0


def test_reference_to_itself_ends() -> None:
    """A reference that leads to itself leads nowhere."""
    net = Net()
    net.begin(1, "Loop", [("Next", b"\x02")])
    net.reference(1)
    stream = read_stream(net.end())
    assert stream.get(stream.objects[1], "Next", "Next", "Next") is stream.objects[1]


# --- impedance


def test_sweep_comes_back_to_single_precision(tmp_path: Path) -> None:
    """Frequencies and impedances are the shortest decimals of what was written."""
    sweep = make_sweep()
    found = read(tmp_path, sde(sweep), wonatech_eis.FORMAT).spectra
    assert found.height == len(sweep)
    for name, values in (
        ("frequency_hertz", [point.frequency for point in sweep]),
        ("real_impedance_ohm", [point.real for point in sweep]),
        ("imaginary_impedance_ohm", [point.imaginary for point in sweep]),
    ):
        written = np.array(values, dtype=np.float32)
        assert np.array_equal(found[name].to_numpy().astype(np.float32), written)


@pytest.mark.parametrize("start", [0, 1, 64, 137, 2000])
@pytest.mark.parametrize("tail", [b"", b"\xff" * 50, b"END OF DATA".ljust(300)], ids=["nothing", "padding", "text"])
def test_sweep_is_found_wherever_the_header_ends(tmp_path: Path, start: int, tail: bytes) -> None:
    """Nobody documented how long the header is, so the frequencies themselves are looked for."""
    reading = read(tmp_path, sde(make_sweep(), start, tail), wonatech_eis.FORMAT)
    assert reading.spectra.height == 31
    assert reading.warnings == (f"the sweep was found by its frequencies at byte {start}: 31 points",)


def test_two_sweeps_are_refused(tmp_path: Path) -> None:
    """Where two places could be the sweep, none is taken."""
    content = sde(make_sweep(), tail=sde(make_sweep())[137:])
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ParseError, match="2 places could be the sweep") as refused:
        wonatech_eis.read(Source(path, "file"))
    assert refused.value.code == "unknown_layout"


def test_inductive_sweep_is_refused(tmp_path: Path) -> None:
    """A positive imaginary part throughout would be the other sign convention."""
    with pytest.raises(ContradictionError) as refused:
        read(tmp_path, sde([replace(point, imaginary=-point.imaginary) for point in make_sweep()]), wonatech_eis.FORMAT)
    assert refused.value.code == "sign"


@pytest.mark.parametrize("content", [sde(make_sweep(7)), sde(make_sweep(31, per_decade=100)), b"\0" * 9000, wrd(RUN)])
def test_what_is_no_sweep_is_not_claimed(tmp_path: Path, content: bytes) -> None:
    """Seven points, or a third of a decade, are no sweep."""
    path = tmp_path / "file"
    path.write_bytes(content)
    assert not wonatech_eis.sniff(Peek(path, "file"))


# --- exports


@pytest.mark.parametrize("content", [CAPACITY_CSV, PROFILE_CSV, b"\xef\xbb\xbf" + CAPACITY_CSV])
def test_exported_tables_hold_no_measurements(tmp_path: Path, content: bytes) -> None:
    """Capacity per gram and curves of voltage over charge have no time and no current: recognised and kept."""
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    assert wonatech_csv.sniff(Peek(path, "file.csv"))
    assert wonatech_csv.FORMAT.kind == "companion"


def test_no_real_file_of_another_vendor_is_claimed(corpus: Path) -> None:
    """None of the corpus's files, which are all of other vendors, is claimed."""
    sniffers = (wonatech_csv, wonatech_eis, wonatech_wrd)
    peeks = [Peek(path, path.name) for path in sorted(corpus.rglob("*")) if path.is_file()]
    assert len(peeks) > 100
    assert [(peek.name, each.FORMAT.name) for peek in peeks for each in sniffers if each.sniff(peek)] == []


# --- damaged files

DAMAGED: Final = {
    "1.x": (wonatech_wrd.FORMAT, wrd(make_run(cycles=1, points=3))),
    "2.13": (wonatech_wrd.FORMAT, wrd_213(make_run(cycles=1, points=3))),
    "sweep": (wonatech_eis.FORMAT, sde(make_sweep(12))),
}


@pytest.mark.parametrize("which", DAMAGED)
def test_damaged_files_are_read_or_refused(tmp_path: Path, which: str) -> None:
    """A file cut anywhere or with bytes changed gives a reading or a refusal of ours, nothing else."""
    declared, content = DAMAGED[which]
    survives(cut(content), tmp_path / "cut", declared.sniff, declared.read)
    survives(mutate(content), tmp_path / "mutated", declared.sniff, declared.read)
