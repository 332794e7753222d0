"""The virtual lab's injected truth, asked back through the whole pipeline: a short form of ``dev.py prove truth``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import truth_labs
from truth_recovery import Found, Line, recover, sum_up, tabulate

from flows.virtual_lab import LabOptions

SIZES: dict[str, tuple[Callable[[int], LabOptions], int]] = {
    "lives": (truth_labs.lives, 24),
    "straight": (truth_labs.straight, 24),
    "blocks": (truth_labs.tests_of_their_own, 4),
}


@pytest.fixture(scope="module", params=SIZES)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """All figures of one lab."""
    options, cells = SIZES[request.param]
    with truth_labs.opened(tmp_path_factory.mktemp(request.param), options(cells)) as known:
        return recover(known)


def test_the_truth_is_recovered(found: list[Found]) -> None:
    """Intervals hold the injected truth as often as they say, but for chance; tolerances hold it always."""
    lines = sum_up(found)
    assert not [line for line in lines if not line.enough], tabulate(lines)


def test_nothing_that_was_injected_is_missed(found: list[Found]) -> None:
    """Of every quantity nine in ten figures at least are told, and not refused."""
    lines = sum_up(found)
    assert not [line for line in lines if line.found < 0.9 * line.injected], tabulate(lines)


def figure(truth: float, value: float | None, reach: float = 1.0) -> Found:
    low, high = (None, None) if value is None else (value - reach, value + reach)
    return Found("a length", "95 % interval", truth, value, low, high)


def test_an_interval_counts_by_what_it_holds() -> None:
    """Told, held, and the size of differences are counted; a refusal is no figure."""
    line = sum_up([figure(10.0, 10.5), figure(10.0, 12.0), figure(10.0, None)])[0]
    assert line == Line("a length", "95 % interval", 3, 2, 1, 0.125, 0.2)


def test_intervals_that_are_too_narrow_are_noticed() -> None:
    """Of a hundred intervals of 95 %, ninety may hold the truth by chance, eighty may not."""
    ninety = sum_up([figure(0.0, 0.5)] * 90 + [figure(0.0, 2.0)] * 10)[0]
    eighty = sum_up([figure(0.0, 0.5)] * 80 + [figure(0.0, 2.0)] * 20)[0]
    assert (ninety.enough, eighty.enough) == (True, False)


def test_a_tolerance_has_no_chance() -> None:
    """One figure outside a stated tolerance is one too many."""
    one_off = [Found("a length", "± 1", 0.0, value, value - 1.0, value + 1.0) for value in (0.5, 1.5)]
    assert not sum_up(one_off)[0].enough
