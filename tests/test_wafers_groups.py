"""Rows cut into groups by numbers, and values of cells at single cycles."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from wafer_inputs import NOMINAL, make_cells, make_fade, make_inputs

from warehouse.wafers.fades import find_last, follow_cycles, read_fades
from warehouse.wafers.groups import divide, number_anew, number_words
from warehouse.wafers.sites import Sites, find_maps, list_sites, list_wafers

CELLS = make_cells("L", "W", [(1, 0), (0, 0)])


def follow(fade: list[dict[str, Any]], *cycles: int) -> dict[str, list[float]]:
    """Return what the first cell has at some cycles, by quantity; NaN where it has nothing."""
    sites, frame = place(fade)
    found = follow_cycles(read_fades(frame, sites), cycles)
    mine = sites.frame["cell_id"].to_list().index(CELLS[0]["cell_id"])
    return {quantity: value[site == mine].tolist() for quantity, site, value, _ in found}


def place(fade: list[dict[str, Any]]) -> tuple[Sites, pl.DataFrame]:
    """Return the sites of two cells, and their courses."""
    inputs = make_inputs(CELLS, fade=fade)
    maps = find_maps(inputs)
    return list_sites(inputs.cells, list_wafers(inputs, maps), maps), inputs.fade


def test_words_are_numbered_in_their_order() -> None:
    """Words have the places of the sorted words, and what is missing has -1."""
    numbers, names = number_words(["b", None, "a", "b"])
    assert (numbers.tolist(), names) == ([1, -1, 0, 1], ["a", "b"])


def test_numbers_are_closed_up() -> None:
    """Numbers keep their order and lose their gaps."""
    assert number_anew(np.array([7, 3, 7, 9])).tolist() == [1, 0, 1, 2]


def test_groups_come_in_the_order_of_their_keys() -> None:
    """Groups are sorted by the first key, then the second, and rows within a group by what is asked."""
    first, second = np.array([1, 0, 1, 0, 1]), np.array([0, 5, 0, 4, -1])
    groups = divide((first, second), np.array([9, 0, 1, 0, 0]))
    assert [group.tolist() for group in groups] == [[3], [1], [4], [2, 0]]


def test_no_rows_are_no_groups() -> None:
    """Of nothing there is no group, not an empty one."""
    nothing = np.zeros(0, dtype=np.int64)
    assert divide((nothing,), nothing) == []


def test_retention_lies_on_the_line_between_ageing_cycles() -> None:
    """At a cycle between two ageing cycles retention is interpolated, at one of them it is that cycle's own."""
    found = follow(make_fade(CELLS[0], {10: 0.9, 20: 0.8}), 10, 15)
    assert found["capacity_retention"] == [0.9, pytest.approx(0.85)]
    assert found["capacity"][1] == pytest.approx(0.85 * NOMINAL)


def test_nothing_is_told_beyond_the_last_cycle() -> None:
    """Before the first cycle of a cell and behind its last one there is no value, though another cell goes on."""
    fade = make_fade(CELLS[0], {10: 0.9, 20: 0.8}) + make_fade(CELLS[1], {1: 1.0, 500: 0.7})
    assert np.isnan(follow(fade, 5, 21)["capacity_retention"]).all()


@pytest.mark.parametrize(("ageing", "value"), [({10: 0.9, 20: 0.8}, 0.85), ({10: 0.9, 12: 0.88}, 0.5)])
def test_a_check_up_counts_where_no_line_passes(ageing: dict[int, float], value: float) -> None:
    """A check-up at the very cycle is passed over for the line between ageing cycles, and counts behind the last."""
    fade = make_fade(CELLS[0], ageing | {15: 0.5})
    fade[-1]["class"] = "check_up"
    assert follow(fade, 15)["capacity_retention"] == [pytest.approx(value)]


def test_last_cycle_is_of_ageing() -> None:
    """The last ageing cycle is told, not a later check-up; a cell without cycles has none."""
    fade = make_fade(CELLS[0], {10: 0.9, 20: 0.8})
    fade[-1]["class"] = "check_up"
    sites, frame = place(fade)
    assert sites.frame["cell_id"].to_list() == [CELLS[1]["cell_id"], CELLS[0]["cell_id"]]
    np.testing.assert_array_equal(find_last(read_fades(frame, sites), sites), [np.nan, 10.0])
