"""Intervals, outliers and lives cut short, against published figures and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from warehouse.statistics import (
    censored_median,
    censored_median_interval,
    find_median_ranks,
    find_middle,
    find_quantile,
    flag_outliers,
    median_interval,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("good", "n", "low", "high"), [(95, 100, 0.888, 0.978), (10, 10, 0.722, 1.0), (0, 10, 0.0, 0.278)]
)
def test_wilson_interval_meets_published_figures(good: int, n: int, low: float, high: float) -> None:
    """95 of 100 is a yield of 0.888 to 0.978, 10 of 10 one of 0.722 to 1, none of ten the mirror image of that."""
    assert wilson_interval(good, n) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize(("good", "n"), [(1, 0), (11, 10), (-1, 10)])
def test_wilson_interval_refuses_what_is_no_yield(good: int, n: int) -> None:
    """No trials, or more successes than trials, make no yield."""
    with pytest.raises(ValueError, match="a yield needs"):
        wilson_interval(good, n)


@pytest.mark.parametrize(("n", "ranks"), [(6, (1, 6)), (8, (1, 8)), (10, (2, 9)), (12, (3, 10)), (20, (6, 15))])
def test_median_ranks_are_the_published_ones(n: int, ranks: tuple[int, int]) -> None:
    """The ranks of the 95 % interval of a median are those of the tables."""
    assert find_median_ranks(n) == ranks


@pytest.mark.parametrize("n", range(6))
def test_median_of_fewer_than_six_has_no_interval(n: int) -> None:
    """Below six values no pair of them holds the median with 95 %."""
    assert median_interval([1.0] * n) is None


def test_median_interval_is_two_of_the_values() -> None:
    """Of ten values in any order the interval runs from the second to the ninth."""
    assert median_interval([9.0, 2, 7, 4, 5, 6, 3, 8, 1, 10]) == (2.0, 9.0)


def test_median_interval_covers_the_truth_under_a_skewed_law() -> None:
    """Over 2,000 samples of twelve from a log-normal law the interval holds the true median in at least 95 %."""
    samples = np.random.default_rng(7).lognormal(0.0, 1.0, (2000, 12))
    held = [low <= 1.0 <= high for low, high in (median_interval(row) or (2.0, 0.0) for row in samples)]
    assert np.mean(held) > 0.95


def test_outlier_is_flagged() -> None:
    """One cell that is ten standard deviations off is flagged, the others are not."""
    assert flag_outliers([1.00, 1.01, 0.99, 1.02, 0.98, 1.10]) == [False] * 5 + [True]


def test_modified_z_is_the_published_one() -> None:
    """At MAD 1 about a median of 0, 3.5 / 0.6745 = 5.19 is the limit: 5.1 stays, 5.3 is flagged."""
    assert flag_outliers([-1.0, -1, -1, 0, 1, 1, 5.1])[-1] is False
    assert flag_outliers([-1.0, -1, -1, 0, 1, 1, 5.3])[-1] is True


def test_outlier_among_equal_values_is_flagged() -> None:
    """Where more than half are equal, so that their MAD is zero, a gross outlier still is one."""
    assert flag_outliers([1.0] * 9 + [2.0]) == [False] * 9 + [True]


def test_rounding_makes_no_outlier() -> None:
    """A value that differs by a float's last digit is no outlier among equal ones."""
    assert not any(flag_outliers([0.1 + 0.2] + [0.3] * 9))


def test_four_values_have_no_outlier() -> None:
    """Of three or four values none is called an outlier, however far it lies."""
    assert flag_outliers([1.0, 1.0001, 1.0002, 50.0]) == [False] * 4


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_middle_of_few_values_is_the_median_bit_by_bit(count: int) -> None:
    """Of odd and even numbers of values in any order it is the float that NumPy finds."""
    values = np.random.default_rng(count).normal(1e-4, 1e-5, count).tolist()
    assert find_middle(values) == float(np.median(values))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12, 83])
@pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 0.75])
def test_quantile_is_the_one_of_numpy_bit_by_bit(count: int, part: float) -> None:
    """Between two values or upon one, of few values and of many, it is the float that NumPy finds by its default."""
    values = np.random.default_rng(count).normal(1e-4, 1e-5, count)
    assert find_quantile(np.sort(values), part) == float(np.quantile(values, part))


def test_median_life_without_censoring_is_the_median() -> None:
    """Kaplan and Meier's median of lives that all ended is the plain median, of odd and even numbers."""
    assert censored_median([1, 2, 3, 4, 5], [True] * 5) == 3
    assert censored_median([1, 2, 3, 4], [True] * 4) == 2.5


def test_median_life_with_censoring_is_kaplan_and_meiers() -> None:
    """Freireich's treated patients (6-MP, 21 of them, 12 censored) have a published median of 23 weeks."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    watched = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    lives = [float(week) for week in ended + watched]
    assert censored_median(lives, [True] * len(ended) + [False] * len(watched)) == 23


def test_median_life_that_was_not_reached_is_refused() -> None:
    """While more than half of the cells live, there is no median life."""
    assert censored_median([100, 200, 200, 200], [True, False, False, False]) is None
    assert censored_median([], []) is None


def test_interval_of_a_median_life_is_open_above() -> None:
    """Of six lives of which one is censored the interval has a lower end and no upper one."""
    assert censored_median_interval([1, 2, 3, 4, 5, 6], [True] * 5 + [False]) == (1.0, None)


def test_interval_of_a_median_life_covers_the_truth() -> None:
    """Over 1,000 groups of twelve exponential lives, watched for unlike times, it holds the true median in 95 %."""
    random = np.random.default_rng(3)
    lives = random.exponential(1.0, (1000, 12))
    watched = random.uniform(0.3, 2.0, (1000, 12))
    held = []
    for life, until in zip(lives, watched, strict=True):
        interval = censored_median_interval(np.minimum(life, until), [bool(one) for one in life <= until])
        held.append(interval is not None and interval[0] <= np.log(2) <= (interval[1] or np.inf))
    assert np.mean(held) > 0.95


def test_interval_of_too_few_lives_is_refused() -> None:
    """Five lives have no interval, whatever became of them."""
    assert censored_median_interval([1, 2, 3, 4, 5], [True] * 5) is None
