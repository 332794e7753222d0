"""Integrated charge beside the instruments' counters, over every real file: what docs/counters.md says is so."""

from __future__ import annotations

from pathlib import Path

import counter_ratios as counters
import polars as pl
import pytest
from counter_ratios import Stretch
from pages import read_figures

# The one export whose currents have a single digit that counts.
COARSE = ("landt_csv",)
Explained = list[tuple[Stretch, tuple[str, str]]]


@pytest.fixture(scope="module")
def compared(corpus: Path) -> pl.DataFrame:
    return counters.compare_all(corpus)


@pytest.fixture(scope="module")
def explained(corpus: Path, compared: pl.DataFrame) -> Explained:
    return [(stretch, counters.explain(stretch)) for stretch in counters.find_outliers(corpus, compared)]


def test_medians_are_close_to_one(compared: pl.DataFrame) -> None:
    """Of every format but one the median of integral over counter is within 0.03 % of 1."""
    medians = compared.group_by("format").agg(pl.col("counter_ratio").median()).rows()
    assert len(medians) >= 14
    assert [name for name, median in medians if abs(median - 1.0) > 3e-4] == list(COARSE)


def test_every_outlier_has_a_reason(compared: pl.DataFrame, explained: Explained) -> None:
    """Each step whose ratio is off by more than 0.5 % is explained by its own records."""
    off = compared.filter((pl.col("counter_ratio") - 1.0).abs() > counters.TOLERANCE)
    assert len(explained) == off.height > 100
    assert all(cause in counters.CAUSES and evidence for _, (cause, evidence) in explained)


def test_every_outlier_is_flagged(compared: pl.DataFrame) -> None:
    """What stands in the table is what a firm sees flagged: the step says counter_differs, and no other does."""
    off = (pl.col("counter_ratio") - 1.0).abs() > counters.TOLERANCE
    assert compared.filter(off != pl.col("flags").str.contains("counter_differs")).is_empty()


def test_the_page_says_what_is_found(compared: pl.DataFrame, explained: Explained) -> None:
    """The tables of docs/counters.md are those that the files give now; else run `dev.py prove counters`."""
    assert read_figures(counters.PAGE) == counters.tell(compared, explained)


def test_a_difference_without_a_reason_is_refused(explained: Explained) -> None:
    """A steady current that a counter misses now and then fits no reason, and is not given one."""
    stretch = explained[0][0]
    time = pl.int_range(100, eager=True).cast(pl.Float64).to_numpy()
    counted = time * 1e-3 / 3600.0
    counted[50:] -= 2e-6
    current = 0.0 * time + 1e-3
    with pytest.raises(ValueError, match="nothing explains step"):
        counters.explain(Stretch(stretch.path, stretch.format, stretch.row, time, current, -counted, 3))
