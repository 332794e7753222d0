"""Going on with a stored test: what came after its last row is gated, derived and stored as one reading would be."""

from __future__ import annotations

import polars as pl
import pytest
from made_cells import AMPERE, commit, measure

from warehouse.errors import ContradictionError
from warehouse.home import Home
from warehouse.parts import read_stored
from warehouse.publish import Incoming, commit_prepared, prepare_onward
from warehouse.registry import TEST, Row
from warehouse.schema import MEASUREMENTS, SPECTRA, STEP_TYPE, STEPS

WORDS = pl.when(pl.col("current_ampere") > 0).then(pl.lit("charge_cc")).when(pl.col("current_ampere") < 0)
SAID = WORDS.then(pl.lit("discharge_cc")).otherwise(pl.lit("rest")).cast(STEP_TYPE)
WHOLE = measure([(AMPERE, 1e-3), (-AMPERE, 0.9e-3)] * 4).with_columns(step_type=SAID)
CUT = 60


def store(home: Home, rows: pl.DataFrame) -> Row:
    test = home.registry.row(TEST, test_id=commit(home, "first", rows))
    assert test is not None
    return test


def go_on(home: Home, test: Row, new: pl.DataFrame) -> None:
    incoming = Incoming("second", "ab" * 32, "hand_made", 1, "cycling", new, SPECTRA.empty(), {})
    prepared = prepare_onward(home, test, incoming)
    with home.registry.write() as connection:
        commit_prepared(home, connection, prepared)


def test_rows_and_steps_are_those_of_one_reading(local_home: Home) -> None:
    """After going on, rows and steps are equal to those of a test that came whole."""
    go_on(local_home, store(local_home, WHOLE.head(CUT)), WHOLE.slice(CUT))
    once = commit(local_home, "once", WHOLE, channel="another")
    grown = next(row["test_id"] for row in local_home.query("tests").to_dicts() if row["test_id"] != once)
    for table in (MEASUREMENTS, STEPS):
        frames = [read_stored(local_home, name, table) for name in (grown, once)]
        first, second = (frame.drop("test_id", "revision", strict=False) for frame in frames)
        assert first.equals(second)


def test_lone_record_of_the_other_sign_is_no_contradiction(local_home: Home) -> None:
    """A record at the start of a step may have the other sign: it is judged among those before it."""
    last = WHOLE.filter(pl.col("step_type") == "discharge_cc").tail(1)
    end = WHOLE["test_time_second"].to_numpy()[-1]
    late = last.with_columns(current_ampere=pl.lit(1e-5), test_time_second=pl.lit(end + 60.0))
    test = store(local_home, WHOLE)
    go_on(local_home, test, late)
    assert read_stored(local_home, test["test_id"], MEASUREMENTS).height == WHOLE.height + 1


def test_rows_that_contradict_all_before_are_refused(local_home: Home) -> None:
    """Time that goes back across the seam is refused, with the test as it was."""
    test = store(local_home, WHOLE)
    with pytest.raises(ContradictionError, match="goes back"):
        go_on(local_home, test, WHOLE.head(3))
    assert local_home.registry.row(TEST, test_id=test["test_id"]) == test
