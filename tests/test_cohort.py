"""The comparison between firms: its grid, its rules, its releases, and what a firm reads of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any, Final

import polars as pl
import pytest
import sqlalchemy as sa
from made_cells import DAY, START, commit, cycle, measure

from warehouse.ask import questions
from warehouse.cohort import release as releases
from warehouse.cohort.figures import FIGURES, name_value, round_figure
from warehouse.cohort.grid import find_family, name_decade, place_cell
from warehouse.cohort.quantiles import count_changed, digest_firms, find_quantile, judge_group, weigh
from warehouse.cohort.reasons import REASONS
from warehouse.cohort.release import release_cohort
from warehouse.cohort.rules import PLATFORM, Rules, name_band
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner
from warehouse.recipe import Recipe, change_recipe
from warehouse.registry import COHORT_CELL, COHORT_CONTRIBUTION, COHORT_RELEASE
from warehouse.schema import COHORT_VALUES

CELL: Final[dict[str, Any]] = {
    "convention": None,
    "cathode": None,
    "chemistry": "LCO/LiPON/Li",
    "nominal_capacity_ah": 1e-4,
    "discharging_rate_per_hour": 1.0,
    "temperature_celsius": 25.0,
}
RETENTION: Final = "capacity_retention"
NIGHT: Final = date(2026, 3, 3)
NEXT: Final = NIGHT + timedelta(days=PLATFORM.cadence_days)


def spread(firms: int, cells: int = 1, shift: float = 0.0) -> dict[str, dict[str, float]]:
    """Return retentions of firms, a hundredth apart."""
    return {f"F{firm:02}": {f"C{cell}": 0.8 + firm / 100 + shift for cell in range(cells)} for firm in range(firms)}


@pytest.mark.parametrize(
    ("cell", "family"),
    [
        ({}, "LCO"),
        ({"cathode": "NCM811", "chemistry": "LCO"}, "NMC"),
        ({"chemistry": "Li | LiPON | LiCoO2"}, "LCO"),
        ({"convention": "half_cathode"}, "LCO half cell"),
        ({"cathode": "LiFePO4"}, "LFP"),
    ],
)
def test_family_follows_the_cathodes_words(cell: dict[str, Any], family: str) -> None:
    """A cathode's name, however it is written, belongs to one family; half cells are a family of their own."""
    assert find_family(CELL | cell) == (family, None)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ({"chemistry": "unobtainium"}, "chemistry_unknown"),
        ({"chemistry": "LCO and NMC"}, "chemistry_unknown"),
        ({"chemistry": None}, "chemistry_unknown"),
        ({"convention": "symmetric"}, "symmetric"),
        ({"nominal_capacity_ah": None}, "capacity_unknown"),
        ({"discharging_rate_per_hour": None}, "rate_unknown"),
    ],
)
def test_cell_without_a_place_says_why(cell: dict[str, Any], reason: str) -> None:
    """What the grid needs and the manifest or the cycles do not say is a reason, never a guess."""
    place, found = place_cell(CELL | cell)
    assert found == reason
    assert set(place.values()) == {None}
    assert reason in REASONS


@pytest.mark.parametrize(
    ("capacity", "decade"),
    [
        (100 * 1e-6, "100 to 1000 µAh"),
        (99e-6, "10 to 100 µAh"),
        (5e-9, "1 to 10 nAh"),
        (0.025, "10 to 100 mAh"),
        (3.2, "1 to 10 Ah"),
    ],
)
def test_decade_holds_its_lower_end(capacity: float, decade: str) -> None:
    """A capacity at a power of ten, as a product may round it, lies in the decade that begins there."""
    assert name_decade(capacity) == decade


@pytest.mark.parametrize(
    ("celsius", "rate", "bins"),
    [
        (25.0, 1.0, ("15 to 35 °C", "0.7 to 1.5 C")),
        (35.0, 0.1, ("35 to 50 °C", "below 0.15 C")),
        (-20.0, 10.0, ("below 0 °C", "from 3.5 C")),
        (85.0, 3.5, ("from 70 °C", "from 3.5 C")),
        (None, 0.5, ("not recorded", "0.35 to 0.7 C")),
    ],
)
def test_bins_hold_their_lower_ends(celsius: float | None, rate: float, bins: tuple[str, str]) -> None:
    """Temperatures and rates lie in published bins; where no temperature was recorded, that is a bin too."""
    place, _ = place_cell(CELL | {"temperature_celsius": celsius, "discharging_rate_per_hour": rate})
    assert (place["temperature_bin"], place["rate_bin"]) == bins


def test_quantile_is_a_weighted_order_statistic() -> None:
    """Of equal firms the median is the middle value; a firm of a hundred cells weighs as much as five."""
    assert find_quantile(spread(7), dict.fromkeys(spread(7), 1), 0.5) == pytest.approx(0.83)
    many = {"A": {str(cell): 0.9 for cell in range(100)}, "B": {"x": 0.5}, "C": {"x": 0.6}, "D": {"x": 0.7}}
    weights = weigh(many, PLATFORM)
    assert weights == {"A": 5, "B": 1, "C": 1, "D": 1}
    assert find_quantile(many, weights, 0.25) == 0.6
    assert find_quantile(many, weights, 0.5) == 0.9


def test_figures_are_rounded() -> None:
    """A retention is told in whole percent, a capacity in two digits, and never as minus nothing."""
    assert round_figure(RETENTION, 0.87654) == 0.88
    assert round_figure("reference_capacity_ah", 1.2345e-4) == 1.2e-4
    assert round_figure("coulombic_efficiency", 0.99871) == 0.9985
    assert str(round_figure("fade_rate_per_cycle", -1e-7)) == "0.0"
    with pytest.raises(ValueError, match="cannot be compared"):
        round_figure(RETENTION, float("nan"))


def test_number_of_firms_is_a_band() -> None:
    """How many firms stand behind a number is told so coarsely that one more does not show."""
    assert [name_band(count) for count in (6, 9, 10, 49, 50)] == [
        "fewer than 10",
        "fewer than 10",
        "10 to 19",
        "20 to 49",
        "50 or more",
    ]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (spread(5), "too_few_firms"),
        (spread(5) | {"F05": {}}, "too_few_firms"),
        (spread(6) | {"F00": {str(cell): 0.9 for cell in range(5)}}, "one_firm_dominates"),
    ],
)
def test_group_is_suppressed(values: dict[str, dict[str, float]], reason: str) -> None:
    """Five firms, of which one asks, are too few; one with five cells among five with one has half of the weight."""
    verdict = judge_group(RETENTION, values, [], PLATFORM)
    assert (verdict.reason, dict(verdict.quantiles)) == (reason, {})


def test_quartiles_come_with_nine_firms() -> None:
    """Six equal firms give a median, nine give quartiles too: whoever asks must not bound another firm by them."""
    assert judge_group(RETENTION, spread(6), [], PLATFORM).quantiles == {
        "lower_quartile": None,
        "median": 0.82,
        "upper_quartile": None,
    }
    assert judge_group(RETENTION, spread(8), [], PLATFORM).quantiles["lower_quartile"] is None
    assert judge_group(RETENTION, spread(9), [], PLATFORM).quantiles == {
        "lower_quartile": 0.82,
        "median": 0.84,
        "upper_quartile": 0.86,
    }


@pytest.mark.parametrize(("changed", "told"), [(0, False), (1, False), (5, False), (6, True)])
def test_numbers_are_renewed_when_six_firms_changed(changed: int, told: bool) -> None:  # noqa: FBT001 a case of the test
    """Two sets of numbers that differ by the values of one to five firms would tell of these."""
    before = digest_firms(RETENTION, spread(9))
    after = spread(9) | dict(list(spread(9, shift=0.1).items())[:changed])
    assert (judge_group(RETENTION, after, [before], PLATFORM).reason is None) == told


def test_every_earlier_release_counts() -> None:
    """Firms that come and go in crowds do not hide the one that stayed away in between."""
    first, second = spread(9), spread(9) | spread(18, shift=0.05)
    third = first | {"new": {"C0": 0.7}}
    earlier = [digest_firms(RETENTION, each) for each in (first, second)]
    assert count_changed(earlier[1], digest_firms(RETENTION, third)) > PLATFORM.changed
    assert judge_group(RETENTION, third, earlier, PLATFORM).reason == "too_few_changed"


def test_change_below_the_rounding_is_none() -> None:
    """A value that another version of the software gives a billionth larger is the same value."""
    assert name_value(RETENTION, 0.8123) == name_value(RETENTION, 0.8123 + 1e-9)
    assert name_value(RETENTION, 0.8123) != name_value(RETENTION, 0.8133)
    assert digest_firms(RETENTION, spread(3)) == digest_firms(RETENTION, spread(3, shift=1e-9))


def test_method_is_what_compared_figures_are_made_by() -> None:
    """Another threshold behind a compared figure is another method; one behind a wafer's yield is not."""
    base = Recipe()
    assert change_recipe(base, {"life": {"end_of_life": 0.7}}).method != base.method
    assert change_recipe(base, {"wafers": {"confidence": 0.9}}).method == base.method


def fill(home: Home, firms: int) -> Home:
    """Commit a cell for each of several firms, each fading faster than the one before."""
    for number in range(firms):
        firm = f"F{number:02}"
        add_firm(home, firm)
        put_cells(home, [{"firm": firm, "cell_id": firm, "cathode": "LCO", "nominal_capacity_ah": 1e-3}])
        course = [1e-3 * (1 - step * (number + 1) / 1250) for step in range(12)]
        commit(home, firm, measure(cycle(course), START + number * DAY), Owner(firm, firm, "option"))
    return home


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Nine firms with a cell each, and a release."""
    with closing(Home(tmp_path_factory.mktemp("nine") / "home")) as home:
        release_cohort(fill(home, 9), NIGHT)
        yield home


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, float]]:
    """Retentions by firm and cell that releases are made of, to be set by the test."""
    chosen: dict[str, dict[str, float]] = {}
    place = dict.fromkeys(("chemistry_family", "capacity_decade", "temperature_bin", "rate_bin"), "x")

    def gather(_home: Home) -> pl.DataFrame:
        rows = [
            {**place, "firm": firm, "cell_id": cell, "metric": RETENTION, "unit": "", "at_cycle": 100, "value": value}
            for firm, cells in chosen.items()
            for cell, value in cells.items()
        ]
        return pl.DataFrame(rows, schema=COHORT_VALUES.dtypes).with_columns(method=pl.lit("m"))

    monkeypatch.setattr(releases, "gather_values", gather)
    return chosen


def latest(home: Home) -> dict[str, Any]:
    """Return what the last release says."""
    return home.registry.rows(sa.select(COHORT_CELL).order_by(COHORT_CELL.c.release))[-1]


def read(home: Home, firm: str, metric: str = RETENTION) -> dict[str, Any]:
    return home.query("cohort", firm=firm).filter(pl.col("metric") == metric).row(0, named=True)


def test_firm_reads_where_it_stands(nine: Home) -> None:
    """Between nine like firms each reads the same quartiles, its own value, and between which of them that lies."""
    best, middle, worst = (read(nine, firm) for firm in ("F00", "F04", "F08"))
    shared = ("lower_quartile", "median", "upper_quartile", "firms", "status", "numbers_of", "next_release")
    assert {name: best[name] for name in shared} == {name: worst[name] for name in shared}
    assert (best["status"], best["firms"], best["numbers_of"]) == ("published", "fewer than 10", "2026-03-03")
    # Retention of firm f at cycle 10 is 1 - 9 (f + 1) / 1250, told in whole percent.
    assert [best[name] for name in shared[:3]] == [0.95, 0.96, 0.98]
    assert best["own_value"] == pytest.approx(0.9928)
    assert [each["percentile_band"] for each in (best, middle, worst)] == ["75-100", "50-75", "0-25"]
    assert best["at_cycle"] == 10


def test_few_firms_read_the_reason(local_home: Home) -> None:
    """Two firms read no number, and in both languages why; before the first release, that there is none yet."""
    fill(local_home, 2)
    assert read(local_home, "F00")["reason"] == "not_released"
    release_cohort(local_home, NIGHT)
    row = read(local_home, "F00")
    assert (row["status"], row["reason"]) == ("suppressed", "too_few_firms")
    assert (row["reason_en"], row["reason_ko"]) == (REASONS["too_few_firms"].en, REASONS["too_few_firms"].ko)
    assert row["own_value"] is not None
    told = ("lower_quartile", "median", "upper_quartile", "percentile_band", "firms")
    assert [row[name] for name in told] == [None] * len(told)


def test_cell_that_lacks_its_chemistry_reads_that(local_home: Home) -> None:
    """A cell without a place in the grid is not comparable, for the reason that its manifest lacks."""
    fill(local_home, 1)
    put_cells(local_home, [{"firm": "F00", "cell_id": "F00", "cathode": "tin", "nominal_capacity_ah": 1e-3}])
    row = read(local_home, "F00")
    assert (row["status"], row["reason"], row["chemistry_family"]) == ("not_comparable", "chemistry_unknown", None)


def test_snapshot_stands_until_the_cadence(local_home: Home, values: dict[str, dict[str, float]]) -> None:
    """Nights between two releases make none, whatever changes; the registry keeps its rows as they are."""
    values |= spread(9)
    first = release_cohort(local_home, NIGHT)
    before = local_home.registry.rows(sa.select(COHORT_CELL))
    values |= spread(20, shift=0.1)
    again = release_cohort(local_home, NIGHT + timedelta(days=1))
    assert (first.made, first.published, again.made, again.release) == (True, 1, False, first.release)
    assert local_home.registry.rows(sa.select(COHORT_CELL)) == before
    assert len(local_home.registry.rows(sa.select(COHORT_RELEASE))) == 1


def test_next_release_keeps_numbers_that_hardly_changed(local_home: Home, values: dict[str, dict[str, float]]) -> None:
    """Firms that join do not renew the numbers while they are few: the next release shows those of the first."""
    values |= spread(9)
    release_cohort(local_home, NIGHT)
    values |= {"new": {"C0": 0.7}}
    assert release_cohort(local_home, NEXT).made
    row = latest(local_home)
    assert (row["release"], row["of_release"], row["of_date"], row["median"]) == (2, 1, NIGHT.isoformat(), 0.84)


def test_next_release_renews_what_changed(local_home: Home, values: dict[str, dict[str, float]]) -> None:
    """New values of every firm renew the numbers."""
    values |= spread(9)
    release_cohort(local_home, NIGHT)
    values |= spread(9, shift=0.05)
    release_cohort(local_home, NEXT)
    assert (latest(local_home)["of_release"], latest(local_home)["median"]) == (2, 0.89)


def test_group_that_became_small_is_suppressed(local_home: Home, values: dict[str, dict[str, float]]) -> None:
    """When firms left, so that five remain, the next release shows nothing of the group any more."""
    values |= spread(9)
    release_cohort(local_home, NIGHT)
    for firm in list(values)[:4]:
        del values[firm]
    release_cohort(local_home, NEXT)
    row = latest(local_home)
    assert (row["status"], row["reason"], row["median"]) == ("suppressed", "too_few_firms", None)


def test_earlier_day_makes_no_release_behind(local_home: Home, values: dict[str, dict[str, float]]) -> None:
    """A night that is run again for a day before the last release leaves the releases as they are."""
    values |= spread(9)
    release_cohort(local_home, NEXT)
    assert not release_cohort(local_home, NIGHT).made


def test_no_firm_reads_who_stood_behind(nine: Home) -> None:
    """The hashes of the firms' values are in a table that no question reads; an answer names no other firm."""
    kept = nine.registry.rows(sa.select(COHORT_CONTRIBUTION))
    assert set(json.loads(kept[0]["firms"])) == {f"F{number:02}" for number in range(9)}
    assert not [name for name, one in questions().items() if COHORT_CONTRIBUTION.name in one.reads]
    answer = nine.query("cohort", firm="F03").write_json()
    assert "F03" in answer
    assert not [number for number in range(9) if number != 3 and f"F{number:02}" in answer]


def test_capacity_counts_only_with_an_area(local_home: Home) -> None:
    """Capacity and areal capacity are of the same cells, so that their difference tells of nobody: no area, neither."""
    fill(local_home, 1)
    compared = local_home.query("cohort", firm="F00").filter(pl.col("status") != "not_comparable")
    assert RETENTION in compared["metric"].to_list()
    assert not set(compared["metric"]) & {one.name for one in FIGURES if one.with_area or one.per_area}
    assert read(local_home, "F00", "reference_capacity_ah")["reason"] == "area_unknown"
    area = {"cathode": "LCO", "nominal_capacity_ah": 1e-3, "active_area_square_metre": 2e-6}
    put_cells(local_home, [{"firm": "F00", "cell_id": "F00", **area}])
    assert read(local_home, "F00", "areal_capacity_ah_per_square_metre")["own_value"] == pytest.approx(500)


def test_words_of_the_question_are_those_of_the_reasons() -> None:
    """Each reason stands in the question with its sentences in both languages."""
    sql = questions()["cohort"].sql
    for code, sentence in REASONS.items():
        assert f"('{code}', '{sentence.en.replace(chr(39), chr(39) * 2)}', '{sentence.ko}')" in sql


def test_rules_count_the_firm_that_asks() -> None:
    """Five others are six firms, whoever of them asks."""
    assert (Rules().firms, Rules().changed) == (6, 6)
