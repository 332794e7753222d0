"""BioLogic readers against real files: paired exports, galvani's own arrays, PyProBE's published figures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pytest
from galvani.BioLogic import MPRfile

from parsers import biologic_mpl, biologic_mpr, biologic_mps, biologic_mpt, biologic_sta
from parsers.contract import Format, Peek, Reading, Source

FORMATS: Final = [each.FORMAT for each in (biologic_mpl, biologic_mpr, biologic_mps, biologic_mpt, biologic_sta)]
YADG: Final = "dgbowl-yadg__"
PAIRS: Final = [
    (f"{YADG}gcpl.issue_149.mpr", f"biologic_mpt/{YADG}gcpl.issue_149.mpt"),
    (f"{YADG}gcpl.issue_211.mpr", f"biologic_mpt/{YADG}gcpl.issue_211.mpt"),
    (f"{YADG}geis.issue_149.mpr", f"biologic_mpt/{YADG}geis.issue_149.mpt"),
    (f"{YADG}geis.issue_149.mpr", f"biologic_mpt/{YADG}hist__geis.issue_149.mpt"),
    (f"{YADG}mb.issue_95.mpr", f"biologic_mpt/{YADG}mb.issue_95.mpt"),
    (f"{YADG}mb.issue_95.mpr", f"biologic_mpt/{YADG}mb.issue_95.de.mpt"),
    (f"{YADG}coc.issue_185.mpr", f"biologic_mpt/{YADG}coc.issue_185.mpt"),
    (f"{YADG}lsv.issue_195.mpr", f"biologic_mpt/{YADG}lsv.issue_195.mpt"),
    (f"{YADG}mb.issue_223.mpr", f"biologic_mpt/{YADG}mb.issue_223.mpt"),
    (f"{YADG}peis.issue_225.with_ece.mpr", f"biologic_mpt/{YADG}peis.issue_225.with_ece.mpt"),
    ("cheminfo-biologic-converter__test.mpr", "biologic_mpt/cheminfo-biologic-converter__test.mpt"),
    ("cheminfo-biologic-converter__test.mpr", "biologic_mpt/cheminfo-biologic-converter__noHeader.mpt"),
    ("jdhuang-csm-hybrid-drt__CP_SSB.mpr", "eis_other/jdhuang-csm-hybrid-drt__CP_SSB.txt"),
    (
        "ECSHackWeek-impedance.py__hist__exampleDataBioLogic.mpr",
        "eis_other/ECSHackWeek-impedance.py__exampleDataBioLogic.mpt",
    ),
    (
        "ECSHackWeek-impedance.py__hist__exampleDataBioLogic.mpr",
        "eis_other/ECSHackWeek-impedance.py__hist__exampleDataBioLogic.txt",
    ),
]
GCPL_WITH_POWER: Final = [
    "cheminfo-biologic-converter__jdb11-1.mpr",
    "the-grey-group-datalab__jdb11-1_e1_s3_squidTest_data_C15.mpr",
]
# An export prints float32 with eight digits and float64 with sixteen.
PRINTED_SINGLE: Final = 1e-7
PRINTED_DOUBLE: Final = 1e-15
ALLOWED_CURRENT: Final = 1e-3
LONG_STEP_SECOND: Final = 60.0


def claimants(path: Path) -> list[Format]:
    """Return which of our formats claim a file."""
    return [each for each in FORMATS if each.sniff(Peek(path, path.name))]


def read(path: Path) -> Reading:
    """Read a file with the format that claims it."""
    (declared,) = claimants(path)
    return declared.read(Source(path, path.name))


def numbers(frame: pl.DataFrame, column: str) -> np.ndarray:
    """Return a column as an array."""
    return frame[column].to_numpy()


@pytest.mark.parametrize(("binary", "text"), PAIRS, ids=[text for _, text in PAIRS])
def test_binary_and_export_agree(corpus: Path, binary: str, text: str) -> None:
    """A .mpr and EC-Lab's export of it give the same rows, steps and counts, and values to the export's digits."""
    one, other = read(corpus / "biologic_mpr" / binary), read(corpus / text)
    for left, right in ((one.measurements, other.measurements), (one.spectra, other.spectra)):
        assert left.height == right.height
        for column in set(left.columns) & set(right.columns) - {"step_type", "current_ampere"}:
            expected, found = numbers(right, column), numbers(left, column)
            assert found == pytest.approx(expected, rel=PRINTED_SINGLE, abs=1e-30), column


@pytest.mark.parametrize(("binary", "text"), PAIRS, ids=[text for _, text in PAIRS])
def test_time_of_binary_and_export_is_equal(corpus: Path, binary: str, text: str) -> None:
    """Test time is the same number in both, to the last printed digit."""
    one, other = read(corpus / "biologic_mpr" / binary).measurements, read(corpus / text).measurements
    assert numbers(one, "test_time_second") == pytest.approx(numbers(other, "test_time_second"), rel=PRINTED_DOUBLE)


@pytest.mark.parametrize(("binary", "text"), PAIRS, ids=[text for _, text in PAIRS])
def test_current_agrees_on_long_steps(corpus: Path, binary: str, text: str) -> None:
    """On steps of more than 60 s every row's current is the export's within 0.1 %, derived or not."""
    one, other = read(corpus / "biologic_mpr" / binary).measurements, read(corpus / text).measurements
    for step in one["step_count"].unique() if one.height else ():
        rows = numbers(one, "step_count") == step
        time = numbers(one, "test_time_second")[rows]
        if time[-1] - time[0] > LONG_STEP_SECOND:
            expected = numbers(other, "current_ampere")[rows]
            assert numbers(one, "current_ampere")[rows] == pytest.approx(expected, rel=ALLOWED_CURRENT, abs=1e-15)


def test_derived_current_is_the_exported_one(corpus: Path) -> None:
    """Current from charge and time is EC-Lab's <I>/mA on every row, the first of each step included."""
    one = read(corpus / f"biologic_mpr/{YADG}gcpl.issue_211.mpr").measurements
    other = read(corpus / f"biologic_mpt/{YADG}gcpl.issue_211.mpt").measurements
    assert one.height == 2767
    assert numbers(one, "current_ampere") == pytest.approx(numbers(other, "current_ampere"), rel=PRINTED_DOUBLE)


@pytest.mark.parametrize("name", GCPL_WITH_POWER)
def test_derived_current_times_voltage_is_the_recorded_power(corpus: Path, name: str) -> None:
    """The instrument's own power column confirms the derived current on every row of a long GCPL."""
    frame = read(corpus / "biologic_mpr" / name).measurements
    product = numbers(frame, "current_ampere") * numbers(frame, "voltage_volt")
    assert product == pytest.approx(numbers(frame, "power_watt"), rel=1e-5, abs=1e-15)


def test_derived_current_follows_the_control_value(corpus: Path) -> None:
    """jdb11-1 was run at ±88.796 µA; the derived current is that within 0.05 % in the middle of its rows."""
    frame = read(corpus / "biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr").measurements
    for kind, control in (("charge_cc", 88.796e-6), ("discharge_cc", -88.796e-6)):
        current = frame.filter(pl.col("step_type") == kind)["current_ampere"].median()
        assert current == pytest.approx(control, rel=5e-4)


@pytest.mark.parametrize(
    "name", ["cheminfo-biologic-converter__jdb11-1.mpr", "EmpaEconversion-aurora-cycler-manager__test_C01.mpr"]
)
def test_no_current_flows_at_rest(corpus: Path, name: str) -> None:
    """Open circuit has a current of zero, in GCPL and in OCV files, which have no current column."""
    frame = read(corpus / "biologic_mpr" / name).measurements
    assert frame.filter(pl.col("step_type") == "rest")["current_ampere"].unique().to_list() == [0.0]


def test_arrays_are_those_of_galvani(corpus: Path) -> None:
    """Every readable .mpr gives galvani's own times and potentials, in single precision bit for bit."""
    checked = 0
    for path in sorted((corpus / "biologic_mpr").glob("*.mpr")):
        try:
            with path.open("rb") as file:
                record = MPRfile(file).data
        except NotImplementedError:
            continue
        reading = read(path)
        frame = pl.concat([reading.measurements.select("test_time_second"), reading.spectra.select("test_time_second")])
        assert np.array_equal(numbers(frame, "test_time_second"), record["time/s"]), path.name
        potential = next(name for name in ("Ewe/V", "<Ewe>/V") if name in record.dtype.names)
        table, column = (reading.measurements, "voltage_volt")
        if not table.height:
            table, column = (reading.spectra, "bias_voltage_volt")
        assert np.array_equal(numbers(table, column).astype(np.float32), record[potential]), path.name
        checked += 1
    assert checked == 39


def test_voltages_are_short_decimals(corpus: Path) -> None:
    """No voltage of jdb11-1 carries the residue of single precision: each needs at most nine digits."""
    frame = read(corpus / "biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr").measurements
    assert all(float(f"{value:.9g}") == value for value in frame["voltage_volt"].unique())


def test_signed_energy_of_a_column_that_only_the_export_names(corpus: Path) -> None:
    """Id 880, which galvani lacks, is the export's Energy we/W.h: the values agree in every record."""
    one = read(corpus / f"biologic_mpr/{YADG}mb.issue_223.mpr").measurements
    other = read(corpus / f"biologic_mpt/{YADG}mb.issue_223.mpt").measurements
    assert one["net_energy_wh"].min() < 0
    assert numbers(one, "net_energy_wh") == pytest.approx(numbers(other, "net_energy_wh"), rel=PRINTED_DOUBLE)


@pytest.mark.parametrize("log", ["250116_kigr_gen6_01_01_GCPL_CD8", "250116_kigr_gen6_01_02_GCPL_CD8"])
def test_binary_and_log_name_the_same_run(corpus: Path, log: str) -> None:
    """Channel, serial number and start to the millisecond are the same in a .mpr and the .mpl beside it."""
    stem = f"EmpaEconversion-aurora-cycler-manager__{log}"
    binary, text = read(corpus / f"biologic_mpr/{stem}.mpr").about, read(corpus / f"biologic_mpl/{stem}.mpl").about
    assert binary["start_time"] == "2025-01-16T05:05:54.213+00:00"
    for key in ("start_time", "channel", "serial", "software", "technique", "test_name", "schedule"):
        assert binary[key] == text[key], key
    assert binary["channel"] == "0709-D8"


def test_wall_clock_counts_from_the_acquisition(corpus: Path) -> None:
    """Unix time is the start of the acquisition plus the record's time, in a linked technique too."""
    reading = read(corpus / f"biologic_mpr/{YADG}gcpl.issue_149.mpr")
    first = reading.measurements.row(0, named=True)
    assert first["test_time_second"] == pytest.approx(30.153, abs=1e-5)
    assert first["unix_time_second"] == pytest.approx(1704852149.886 + 30.153, abs=1e-5)


def test_file_without_log_has_a_date_only(corpus: Path) -> None:
    """A .mpr that was copied while it ran holds a date and no time of day: a warning, and no wall clock."""
    reading = read(
        corpus / "biologic_mpr/EmpaEconversion-aurora-cycler-manager__commercial_cell_009__1761925606_C13.mpr"
    )
    assert "unix_time_second" not in reading.measurements.columns
    assert reading.about["start_date"] == "10/31/25"
    assert "start_time" not in reading.about
    assert any("10/31/25" in warning for warning in reading.warnings)


def test_growing_file_only_adds_rows(corpus: Path) -> None:
    """Four snapshots of one run: each begins with the rows of the one before."""
    stem = "biologic_mpr/EmpaEconversion-aurora-cycler-manager__"
    names = ["file_2025-10-17_162649-2", "hist__file_2025-10-17_163649", "hist__file_2025-10-17_164650"]
    frames = [read(corpus / f"{stem}{name}.mpr").measurements for name in names]
    assert [frame.height for frame in frames] == [2, 600, 1202]
    for short, long in pairwise(frames):
        assert long.head(short.height).equals(short)


def test_looped_gcpl_has_twelve_steps(corpus: Path) -> None:
    """Rest, charge and discharge in four loops are twelve executed steps of three sequences."""
    frame = read(corpus / f"biologic_mpr/{YADG}gcpl.issue_149.mpr").measurements
    steps = frame.group_by("step_count", maintain_order=True).agg(pl.col("step_id").first())
    assert steps["step_count"].to_list() == list(range(1, 13))
    assert steps["step_id"].to_list() == [0, 1, 2] * 4


def test_late_flag_of_a_bcs_adds_no_step(corpus: Path) -> None:
    """A BCS flags a change of Ns one record late and ends each step at rest: seven changes are eight steps."""
    stem = "EmpaEconversion-aurora-cycler-manager__250116_kigr_gen6_01_02_GCPL_CD8.mpr"
    frame = read(corpus / "biologic_mpr" / stem).measurements
    changes = (frame["step_id"].diff().fill_null(0) != 0).sum()
    # The last step is a rest that the technique adds under the Ns before it.
    assert (changes, frame["step_count"][-1]) == (7, 9)


def test_impedance_and_records_of_one_file_are_apart(corpus: Path) -> None:
    """A Modulo Bat with PEIS and GEIS steps: 32 records, and 76 points in four spectra."""
    reading = read(corpus / f"biologic_mpt/{YADG}mb.issue_223.mpt")
    assert (reading.measurements.height, reading.spectra.height) == (32, 76)
    sizes = reading.spectra.group_by("spectrum_index", maintain_order=True).len()
    assert sizes.rows() == [(1, 19), (2, 19), (3, 19), (4, 19)]


def test_spectra_of_a_file_are_numbered(corpus: Path) -> None:
    """Four sweeps from high to low frequency are four spectra, each falling."""
    frame = read(corpus / f"biologic_mpr/{YADG}geis.issue_149.mpr").spectra
    for _, spectrum in frame.group_by("spectrum_index"):
        assert spectrum["frequency_hertz"].is_sorted(descending=True)
    assert frame["spectrum_index"].unique().sort().to_list() == [1, 2, 3, 4]


def test_capacitive_impedance_is_negative(corpus: Path) -> None:
    """A blocking LPSCl cell at -25 °C is capacitive: its lowest frequency has a negative imaginary part."""
    frame = read(corpus / "biologic_mpr/jdhuang-csm-hybrid-drt__PEIS_LPSCl_IonBlocking_-25C.mpr").spectra
    assert frame.sort("frequency_hertz")["imaginary_impedance_ohm"][0] < 0


def test_energy_counter_grows_within_a_cycle(corpus: Path) -> None:
    """Energies go back to zero with each cycle number and never within one."""
    frame = read(corpus / f"biologic_mpt/{YADG}gcpl.issue_211.mpt").measurements
    assert frame["cycle_count"].unique().sort().to_list() == [0, 1, 2, 3, 4]
    for column in ("cycle_charging_energy_wh", "cycle_discharging_energy_wh"):
        falls = frame.filter((pl.col(column).diff() < -1e-9) & (pl.col("cycle_count").diff() == 0))
        assert falls.height == 0, column


def test_old_discharge_energy_is_turned(corpus: Path) -> None:
    """BT-Lab 1.65 counts discharge energy downwards; here it is energy out of the cell, and positive."""
    frame = read(corpus / "biologic_mpt/TRI-AMDD-beep__test_loopsnewoutput_MB_CE1_short10k.csv").measurements
    assert frame["cycle_discharging_energy_wh"].min() == 0
    assert frame["cycle_discharging_energy_wh"].max() == pytest.approx(8.73438, abs=1e-5)


def test_net_capacity_is_the_charge_that_flowed(corpus: Path) -> None:
    """(Q-Qo) is signed and cumulative over steps and cycles: it is the sum of current times time."""
    frame = read(corpus / f"biologic_mpr/{YADG}gcpl.issue_211.mpr").measurements
    steps = np.diff(numbers(frame, "test_time_second")) * numbers(frame, "current_ampere")[1:] / 3600
    net = numbers(frame, "net_capacity_ah")
    assert net[0] + np.cumsum(steps) == pytest.approx(net[1:], abs=1e-12)


def test_status_bytes_in_flag_columns_are_unpacked(corpus: Path) -> None:
    """BT-Lab's advanced export writes 53 for galvanostatic, oxidation, Ns changes: step type and start follow."""
    frame = read(corpus / "biologic_mpt/TRI-AMDD-beep__test_loopsnewoutput_MB_CE1_short10k.csv").measurements
    first = frame.row(1, named=True)
    assert (first["source_flags"], first["step_type"], first["step_count"]) == (53, "charge_cc", 2)
    assert frame["voltage_volt"][0] == 3.8150325


def test_pyprobe_first_file(corpus: Path) -> None:
    """The last row of PyProBE's Modulo Bat sample is the one its tests publish."""
    reading = read(corpus / "biologic_mpt/ImperialCollegeLondon-PyProBE__Sample_data_biologic_01_MB_CA1.txt")
    last = reading.measurements.row(-1, named=True)
    assert last["test_time_second"] == pytest.approx(139.524007, abs=5e-7)
    assert (last["step_id"], last["step_count"]) == (1, 2)
    assert last["current_ampere"] == pytest.approx(-0.899826, abs=5e-7)
    assert (last["voltage_volt"], last["temperature_t1_celsius"]) == (3.4854481, 23.029291)
    assert last["net_capacity_ah"] == pytest.approx(-0.03237135133365209, rel=1e-6)


def test_pyprobe_timestamps(corpus: Path) -> None:
    """A wall clock in the time column gives PyProBE's seconds since the start."""
    path = corpus / "biologic_mpt/ImperialCollegeLondon-PyProBE__Sample_data_biologic_timestamped.txt"
    frame = read(path).measurements
    expected = [0, 6.464, 7.464, 8.464, 9.464, 10.464, 11.464, 12.464]
    assert frame["test_time_second"].to_list() == expected
    assert frame["unix_time_second"][0] == pytest.approx(1732070321.707, abs=1e-5)


def test_pyprobe_export_without_header(corpus: Path) -> None:
    """The last row of PyProBE's sample without a header is the one its tests publish."""
    reading = read(corpus / "biologic_mpt/ImperialCollegeLondon-PyProBE__Sample_data_biologic_no_header.mpt")
    last = reading.measurements.row(-1, named=True)
    assert last["test_time_second"] == pytest.approx(281792.50213, abs=5e-6)
    assert (last["current_ampere"], last["voltage_volt"]) == (0.0, 2.9814022)
    assert last["temperature_t1_celsius"] == 24.506462


def test_three_electrodes_are_announced(corpus: Path) -> None:
    """A file with Ece says in a warning that its voltage is against the reference."""
    reading = read(corpus / f"biologic_mpr/{YADG}gcpl.issue_211.mpr")
    assert any("reference" in warning for warning in reading.warnings)


def test_companions_have_no_rows(corpus: Path) -> None:
    """Settings, logs and the channel's state are recognised by content and hold no rows."""
    paths = [*(corpus / "biologic_mps").iterdir(), *(corpus / "biologic_mpl").glob("*_C*8.mpl")]
    assert len(paths) == 6
    for path in paths:
        reading = read(path)
        assert (reading.measurements.height, reading.spectra.height) == (0, 0)


def test_mutilated_log_is_claimed_by_its_start(corpus: Path) -> None:
    """A log that lost its first lines is known by its line of the start, whatever its name."""
    path = corpus / "biologic_mpl/EmpaEconversion-aurora-cycler-manager__file_2025-10-17_162649-2.mpl"
    assert [each.name for each in claimants(path)] == ["biologic_mpl"]


def test_foreign_table_with_similar_names_is_not_claimed(corpus: Path) -> None:
    """A comma-separated table of another program with time/s and Ewe/V among its columns is not an EC-Lab export."""
    assert claimants(corpus / "eis_other/jdhuang-csm-hybrid-drt__Sample2_PEIS_AtRest.csv") == []
