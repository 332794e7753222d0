"""Every table of loads: conforming, without NaN, the same each time, whatever the file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from load_inputs import inputs_of
from made_loads import load, train
from polars.testing import assert_frame_equal

import parsers
from warehouse.loads import COMPUTATIONS
from warehouse.loads.reasons import REASONS
from warehouse.loads.recipe import LoadsRecipe
from warehouse.metrics import inputs as given
from warehouse.schema import Table, conform_columns

RECIPE = LoadsRecipe()
ODD = [
    "arbin_csv/battery-data-alliance-battery-data-format__hist__tiny_arbin.csv",
    "biologic_mpt/cheminfo-biologic-converter__cv.mpt",
    "biologic_mpr/dgbowl-yadg__mb.issue_95.mpr",
    "biologic_mpr/jdhuang-csm-hybrid-drt__CP_SSB.mpr",
    "gamry_dta/bcliang-gamry-parser__squarewave_data.dta",
    "maccor/ROVI-org-battery-data-toolkit__hist__example_hppc.062",
    "maccor/jepegit-cellpy__maccor_two.txt",
    "neware_nda/EmpaEconversion-fastnda__new_nda_file.nda.zip",
    "novonix/BatLabLancaster-preparenovonix__example_data.csv",
    "pec_csv/jepegit-cellpy__Test25205.csv",
]


def compute(inputs: given.TestInputs) -> list[tuple[Table, pl.DataFrame]]:
    return [
        (table, frame)
        for computation in COMPUTATIONS
        for table, frame in zip(computation.tables, computation.compute(inputs, RECIPE), strict=True)
    ]


def check(table: Table, frame: pl.DataFrame) -> None:
    named = conform_columns(frame.with_columns(recipe=pl.lit("platform")), table, table.name)
    assert named.columns == list(table.names)
    assert [name for name in table.required if named[name].null_count()] == []
    assert [name for name, dtype in named.schema.items() if dtype == pl.Float64 and named[name].is_nan().any()] == []
    assert not named.select(column.name for column in table.columns if column.key).is_duplicated().any()


@pytest.mark.parametrize("name", ODD)
def test_real_files_conform(corpus: Path, name: str) -> None:
    """Files of spectra, sweeps, single steps and pulses give conforming rows, keys once, or no rows."""
    for table, frame in compute(inputs_of(parsers.read(corpus / name).measurements)):
        check(table, frame)


@pytest.mark.parametrize("records", [1, 2, 3, 61, 62, 70])
def test_beginnings_of_a_test_conform(records: int) -> None:
    """A test that has only begun gives conforming rows, at whatever record it stands."""
    for table, frame in compute(inputs_of(load(train(2)).head(records))):
        check(table, frame)


def test_same_input_gives_the_same_rows() -> None:
    """Nothing depends on chance or on the order in which threads finish."""
    frame = load(train(20), noise=1e-5)
    for (_, first), (_, second) in zip(compute(inputs_of(frame)), compute(inputs_of(frame)), strict=True):
        assert_frame_equal(first, second)


def test_columns_that_nobody_asked_for_change_nothing() -> None:
    """A file with a range and a temperature of nulls has the rows of one without."""
    frame = load(train(3))
    empty = frame.with_columns(
        current_range_ampere=pl.lit(None, pl.Float64), surface_temperature_celsius=pl.lit(None, pl.Float64)
    )
    for (_, first), (_, second) in zip(compute(inputs_of(frame)), compute(inputs_of(empty)), strict=True):
        assert_frame_equal(first, second)


def test_every_reason_is_said_in_both_languages() -> None:
    """Each reason has a sentence and an advice, English and Korean."""
    for reason in REASONS.values():
        assert all((reason.en, reason.ko, reason.en_do, reason.ko_do))
        assert any("가" <= sign <= "힣" for sign in reason.ko + reason.ko_do)
