"""The gate: what may be stored, what is refused and with which words, and when two tables are the same data."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import rowhash
from warehouse.conform import conform, hash_data, likely_cause
from warehouse.errors import ContradictionError, SchemaMismatch
from warehouse.rowhash import hash_rows
from warehouse.schema import MEASUREMENTS, SPECTRA, STEP_TYPE
from warehouse.store import Store

ROWS = 40
OPTIONAL = "temperature_t1_celsius"
# The first call pays for the start of Polars, and the machine may be busy.
UNHURRIED = settings(deadline=None)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def table(rows: int = ROWS, **columns: object) -> pl.DataFrame:
    """A discharge at 10 µA, one record a second."""
    base: dict[str, object] = {
        "test_time_second": np.arange(rows, dtype=np.float64),
        "voltage_volt": np.linspace(4.2, 3.0, rows),
        "current_ampere": np.full(rows, -1e-5),
    }
    return pl.DataFrame(base | columns)


def spectrum(**columns: object) -> pl.DataFrame:
    base: dict[str, object] = {
        "spectrum_index": [1, 1],
        "frequency_hertz": [1e4, 1e3],
        "real_impedance_ohm": [10.0, 20.0],
        "imaginary_impedance_ohm": [-1.0, -2.0],
    }
    return pl.DataFrame(base | columns)


def passed(measurements: pl.DataFrame) -> pl.DataFrame:
    return conform(measurements, SPECTRA.empty(), "file.csv")[0]


def refused(measurements: pl.DataFrame) -> ContradictionError:
    with pytest.raises(ContradictionError) as caught:
        passed(measurements)
    assert caught.value.path == "file.csv"
    return caught.value


def typed(*words: str) -> pl.Series:
    return pl.Series(words, dtype=STEP_TYPE)


def with_value(column: str, row: int, value: float | None) -> pl.DataFrame:
    frame = table(**{OPTIONAL: np.full(ROWS, 25.0)})
    values = frame[column].to_list()
    values[row] = value
    return frame.with_columns(pl.Series(column, values, dtype=pl.Float64))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_optional_value_that_is_no_number_becomes_null(value: float) -> None:
    """NaN and infinities in an optional column become null, and nothing else changes."""
    found = passed(with_value(OPTIONAL, 7, value))[OPTIONAL]
    assert [row for row, each in enumerate(found) if each is None] == [7]
    assert found.drop_nulls().unique().to_list() == [25.0]


def test_a_column_of_nothing_but_nan_becomes_nulls() -> None:
    """A sensor that was never there leaves nulls only."""
    assert passed(table(**{OPTIONAL: np.full(ROWS, np.nan)}))[OPTIONAL].null_count() == ROWS


def test_spectra_lose_their_nan_too() -> None:
    """The gate cleans both tables."""
    found = conform(MEASUREMENTS.empty(), spectrum(bias_voltage_volt=[math.nan, 3.9]), "file.mpr")[1]
    assert found["bias_voltage_volt"].to_list() == [None, 3.9]


@UNHURRIED
@given(st.lists(st.tuples(ANY_FLOAT, st.none() | ANY_FLOAT), min_size=1, max_size=20))
def test_nothing_but_numbers_and_nulls_passes(rows: list[tuple[float, float | None]]) -> None:
    """Whatever an optional column holds, finite numbers pass unchanged and all else is null."""
    columns = {
        name: pl.Series([row[place] for row in rows], dtype=pl.Float64)
        for place, name in enumerate(("surface_temperature_celsius", OPTIONAL))
    }
    found = passed(table(len(rows), **columns))
    for name, given_values in columns.items():
        expected = [each if each is not None and math.isfinite(each) else None for each in given_values]
        assert found[name].to_list() == expected


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
@pytest.mark.parametrize("column", MEASUREMENTS.required)
def test_a_required_value_may_not_be_missing(column: str, value: float | None) -> None:
    """A record without time, voltage or current stops the source, and the message names row and column."""
    error = refused(with_value(column, 4, value))
    assert (error.code, error.line, error.column) == ("missing_value", 5, column)
    assert str(error) == f"file.csv: line 5, column {column}: {column} has no value at row 5"


def test_a_required_value_of_a_spectrum_may_not_be_missing() -> None:
    """A frequency point without its impedance stops the source."""
    with pytest.raises(ContradictionError) as caught:
        conform(MEASUREMENTS.empty(), spectrum(real_impedance_ohm=[10.0, math.nan]), "file.mpr")
    assert (caught.value.code, caught.value.line) == ("missing_value", 2)


def test_time_may_not_go_back() -> None:
    """The first row whose time is less than the one before is named, with both times."""
    error = refused(with_value("test_time_second", 10, 3.5))
    assert (error.code, error.line, error.column) == ("time_goes_back", 11, "test_time_second")
    assert error.detail == "test time goes back from 9.000 s to 3.500 s at row 11"


def test_time_may_stand() -> None:
    """Two records at one time pass: the last of a step and the first of the next."""
    assert passed(with_value("test_time_second", 10, 9.0)).height == ROWS


@pytest.mark.parametrize(
    ("factor", "cause"),
    [
        (1000.0, "a thousandfold unit (mA for A, or mV for V)"),
        (1e-3, "a thousandfold unit (A for mA, or V for mV)"),
        (1e6, "a millionfold unit (µA for A)"),
        (-1.0, "the sign of the current"),
    ],
)
def test_power_against_volt_times_ampere(factor: float, cause: str) -> None:
    """A recorded power a unit's factor away from V·I stops the source with the factor and its likely cause."""
    frame = table()
    error = refused(frame.with_columns(power_watt=pl.col("voltage_volt") * pl.col("current_ampere") * factor))
    assert (error.code, error.column) == ("unit_factor", "power_watt")
    assert error.detail == f"recorded power is {factor:.4g} times V·I: the likely cause is {cause}"


@pytest.mark.parametrize("factor", [1.0, 1.05, 0.8, 2.0])
def test_a_deviating_power_is_no_contradiction(factor: float) -> None:
    """Power that is merely inaccurate passes: instruments differ by per cents, units by thousands."""
    frame = table()
    assert passed(frame.with_columns(power_watt=pl.col("voltage_volt") * pl.col("current_ampere") * factor)).height


def test_power_is_not_judged_by_a_few_records() -> None:
    """Below twenty records with power nothing is concluded."""
    frame = table(19)
    assert passed(frame.with_columns(power_watt=pl.col("voltage_volt") * pl.col("current_ampere") * 1000)).height


def test_power_at_rest_says_nothing() -> None:
    """A test that only rests has no power to compare."""
    assert passed(table(current_ampere=np.zeros(ROWS), power_watt=np.full(ROWS, 1e-9))).height == ROWS


def test_an_unknown_factor_has_no_cause() -> None:
    """Only known slips of units are named."""
    assert likely_cause(7.3) is None


def test_a_charge_may_not_discharge() -> None:
    """When the instrument says charge and the current says discharge, the source stops."""
    error = refused(table(step_type=typed(*["charge_cc"] * ROWS)))
    assert (error.code, error.column) == ("sign", "current_ampere")
    assert error.detail == "100% of the rows that the instrument calls charge have the other current sign"


def test_three_records_suffice_when_all_contradict() -> None:
    """A file of a few typed records is judged by all of them together."""
    error = refused(table(3, step_type=typed("charge", "charge", "charge")))
    assert error.code == "sign"


def test_unsigned_currents_are_found_out() -> None:
    """Where charge is right and only discharge has the wrong sign, as unsigned currents have, the source stops."""
    words = typed(*["charge"] * (ROWS // 2), *["discharge"] * (ROWS // 2))
    error = refused(table(current_ampere=np.full(ROWS, 1e-5), step_type=words))
    assert error.detail == "100% of the rows that the instrument calls discharge have the other current sign"


def test_a_few_odd_records_are_no_contradiction() -> None:
    """Single records with the other sign, as some cyclers write when a step begins, pass."""
    words = typed("charge", *["discharge"] * (ROWS - 1))
    assert passed(table(step_type=words)).height == ROWS


def test_a_held_voltage_may_discharge() -> None:
    """While a voltage is held the cell decides which way the current flows: a charge may leak backwards."""
    words = typed(*["charge_cc"] * (ROWS // 2), *["charge_cv"] * (ROWS // 2))
    current = np.where(np.arange(ROWS) < ROWS // 2, 1e-5, -1e-8)
    assert passed(table(current_ampere=current, step_type=words)).height == ROWS


def test_signs_agree_with_their_words() -> None:
    """A discharge that discharges passes, with rests of any sign around it."""
    words = typed(*["rest"] * 10, *["discharge_cc"] * (ROWS - 20), *["rest"] * 10)
    noise = np.where(np.arange(ROWS) % 2 == 0, 1e-9, -1e-9)
    current = np.where(np.asarray(words.cast(pl.String)) == "rest", noise, -1e-5)
    assert passed(table(current_ampere=current, step_type=words)).height == ROWS


def test_an_unknown_column_is_our_defect() -> None:
    """A column that the schema does not declare is no fault of the file."""
    with pytest.raises(SchemaMismatch, match=r"unknown \['voltage_mv'\]"):
        passed(table(voltage_mv=np.ones(ROWS)))


def test_empty_tables_pass() -> None:
    """A file without records has nothing to contradict."""
    assert passed(MEASUREMENTS.empty()).height == 0


def test_the_same_rows_have_the_same_hash() -> None:
    """Equal tables built apart have one hash."""
    assert hash_data(table(), spectrum()) == hash_data(table(), spectrum())


def test_the_order_of_columns_does_not_matter() -> None:
    """The same columns in another order are the same data."""
    frame = with_value(OPTIONAL, 3, None)
    assert hash_data(frame.select(reversed(frame.columns)), spectrum()) == hash_data(frame, spectrum())


def test_a_column_of_nulls_does_not_matter() -> None:
    """A column without a value is a column that the file does not have."""
    assert hash_data(table().with_columns(pl.lit(None, dtype=pl.Float64).alias(OPTIONAL))) == hash_data(table())


def test_minus_zero_is_zero() -> None:
    """Values that are equal hash alike, whatever their sign bit."""
    assert hash_data(table(current_ampere=np.full(ROWS, -0.0))) == hash_data(table(current_ampere=np.zeros(ROWS)))


@UNHURRIED
@given(st.sampled_from([*MEASUREMENTS.required, OPTIONAL]), st.integers(0, ROWS - 1), st.floats(-1e3, 1e3))
def test_any_changed_value_changes_the_hash(column: str, row: int, value: float) -> None:
    """One other value in one row of any column gives another hash, and only then."""
    base = table(**{OPTIONAL: np.full(ROWS, 25.0)})
    changed = with_value(column, row, value)
    assert (hash_data(changed) == hash_data(base)) == changed.equals(base)


@pytest.mark.parametrize("row", [0, ROWS - 1])
def test_null_is_not_zero(row: int) -> None:
    """A missing value and a zero are different data."""
    assert hash_data(with_value(OPTIONAL, row, None)) != hash_data(with_value(OPTIONAL, row, 0.0))


def test_the_place_of_a_null_matters() -> None:
    """The same values with the hole elsewhere are different data."""
    assert hash_data(with_value(OPTIONAL, 1, None)) != hash_data(with_value(OPTIONAL, 2, None))


def test_the_name_of_a_column_matters() -> None:
    """The same numbers as another quantity are different data."""
    values = np.full(ROWS, 25.0)
    assert hash_data(table(temperature_t1_celsius=values)) != hash_data(table(temperature_t2_celsius=values))


def test_step_types_count_by_their_words() -> None:
    """The hash knows the words, not the codes that Polars gives them."""
    words = table(step_type=typed(*["charge"] * ROWS))
    others = table(step_type=typed(*["discharge"] * ROWS))
    assert hash_data(words) == hash_data(words.with_columns(pl.col("step_type").cast(pl.Enum(["x", "charge"]))))
    assert hash_data(words) != hash_data(others)


def test_a_further_row_changes_the_hash() -> None:
    """A continued test is other data."""
    assert hash_data(table(ROWS + 1)) != hash_data(table(ROWS))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Blocks of a few rows, so that a small table has several."""
    monkeypatch.setattr(rowhash, "BLOCK_ROWS", 8)
    return 8


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 16, 39, 40])
def test_a_hash_can_be_gone_on_with(small_blocks: int, rows: int) -> None:
    """Rows hashed so far, and those from the last whole block on, give the hash of all rows."""
    frame = with_value(OPTIONAL, 3, None)
    known = hash_rows(frame.head(rows))
    assert known.keep_from == rows // small_blocks * small_blocks
    assert known.onward(frame.slice(known.keep_from)) == hash_rows(frame)


@pytest.mark.usefixtures("small_blocks")
def test_a_hash_goes_on_without_a_column() -> None:
    """A column that has no value among the further rows may be left out of them, or be there without values."""
    frame = with_value(OPTIONAL, 3, None).with_columns(pl.when(pl.int_range(ROWS) < 20).then(OPTIONAL).alias(OPTIONAL))
    known = hash_rows(frame.head(28))
    assert known.onward(frame.slice(known.keep_from).drop(OPTIONAL)) == hash_rows(frame)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("row", [0, 7, 8, 38])
def test_the_order_of_rows_matters(row: int) -> None:
    """Two neighbouring rows that change places, within a block or across two, are other data."""
    order = [*range(row), row + 1, row, *range(row + 2, ROWS)]
    assert hash_data(table()[order]) != hash_data(table())


@pytest.mark.usefixtures("small_blocks")
def test_the_same_rows_twice_are_other_data() -> None:
    """Whole blocks that repeat count each time."""
    assert hash_data(pl.concat([table(16), table(16)])) != hash_data(table(16))


def test_tables_are_kept_apart() -> None:
    """The same rows as measurements and as spectra are other data, and so is one table more."""
    assert len({hash_data(table()), hash_data(table(), table()), hash_data(table(), table(0))}) == 3


def test_time_may_not_go_back_where_a_file_was_gone_on_with() -> None:
    """Further rows are passed with the last of those before, so that time cannot go back between them."""
    frame = with_value("test_time_second", 20, 3.0)
    passed(frame.slice(20))
    assert refused(frame.slice(19)).code == "time_goes_back"


def store_with_nan(folder: Path) -> Path:
    """Pass a column with NaN in every second row group through gate and store."""
    rows = 600_000
    temperature = np.arange(rows) % 5.0
    temperature[::1000] = np.nan
    frame = table(rows, test_time_second=np.arange(rows) * 1.0, **{OPTIONAL: temperature})
    store = Store(folder)
    return store.path_of(store.write(passed(frame), MEASUREMENTS, "FIRM-A", "t-1-r1", {}).path)


def test_a_stored_file_holds_no_nan(tmp_path: Path) -> None:
    """No float column of a stored file has a NaN, only nulls."""
    stored = pl.read_parquet(store_with_nan(tmp_path))
    assert not stored.select(pl.col(pl.Float64).is_nan().any()).fill_null(value=False).row(0).count(True)
    assert stored[OPTIONAL].null_count() == 600


def test_duckdb_prunes_no_row_group_wrongly(tmp_path: Path) -> None:
    """DuckDB finds all rows above a value; with NaN in the file it skipped row groups that held them (design §5)."""
    path = str(store_with_nan(tmp_path))
    query = f"SELECT count(*) FROM read_parquet(?) WHERE {OPTIONAL} > 2"  # noqa: S608 a constant of this file
    # Two of five values lie above; every thousandth row is 0 by its place, so none of these is lost.
    assert duckdb.execute(query, [path]).fetchall() == [(240_000,)]
