"""Where to begin a fit: the best of a coarse grid, in which everything but time constants follows linearly.

A circuit with one arc more than a fitted one may also begin with that fit's arcs and the best place for another: on the
grid all arcs are equally flat, and a large one that is not is taken for two.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Final, NamedTuple

import numpy as np

from warehouse.arrays import Doubles
from warehouse.impedance.circuits import Circuit, Scale, bound
from warehouse.impedance.spectrum import Complexes, Spectrum

# Time constants over the band, about two a decade: nearer than that, the fit finds its way by itself.
GRID: Final = 16
APART: Final = 2
TYPICAL: Final = 0.85
TAILS: Final = (0.4, 0.6, 0.75, 0.9)
# Starts lie off the bounds by this, so that a fit can see which way is down.
OFF_BOUND: Final = 1e-3
# What came out as nothing begins small, not at nothing: its logarithm has to start somewhere.
SMALLEST_PART: Final = 0.05
# Two columns of the grid may look alike; the ridge lets the solver choose either.
RIDGE: Final = 1e-9


class _Shape(NamedTuple):
    """What does not follow linearly: time constants and exponents of the arcs, and the tail's exponent."""

    times: Doubles
    exponents: Doubles
    tail: float


class _Guess(NamedTuple):
    """A shape with the weights that suit it best: of the series elements, and of the arcs."""

    cost: float
    series: Doubles
    arcs: Doubles
    shape: _Shape


def guess_start(circuit: Circuit, spectrum: Spectrum, scale: Scale, smaller: Mapping[str, float]) -> Doubles:
    """Return starting values of a circuit's parameters; the same spectrum gives the same ones.

    Args:
        circuit: what will be fitted.
        spectrum: to what.
        scale: of its parameters.
        smaller: parameters of the fitted circuit with one arc less, or nothing.
    """
    times, typical = np.geomspace(0.5 / spectrum.omega[0], 2 / spectrum.omega[-1], GRID), np.full(GRID, TYPICAL)
    shapes = [(0, _Shape(times, typical, tail)) for tail in (TAILS if circuit.tail else TAILS[:1])]
    known = sum(name[0] == "t" for name in smaller)
    if known:
        own = [[smaller[f"{letter}{k}"] for k in range(1, known + 1)] for letter in "tn"]
        joined = np.concatenate([np.exp(own[0]), times]), np.concatenate([own[1], typical])
        shapes.append((known, _Shape(*joined, smaller.get("m", TAILS[0]))))
    guesses = [_search(circuit, spectrum, scale, shape, held) for held, shape in shapes]
    lowest, highest = bound(circuit, spectrum)
    best = _compose(circuit, spectrum, scale, min(guesses, key=lambda guess: guess.cost))
    return np.clip(best, lowest + OFF_BOUND, highest - OFF_BOUND)


def _search(circuit: Circuit, spectrum: Spectrum, scale: Scale, shape: _Shape, held: int) -> _Guess:
    """Try every choice of arcs at once, the held ones with any others; negative weights count as none."""
    columns = _build_columns(circuit, spectrum, scale, shape) / spectrum.modulus[:, None]
    measured, fixed = spectrum.impedance / spectrum.modulus, columns.shape[1] - len(shape.times)
    # Columns of one length: at a blocking electrode the elements span ten decades.
    length = np.linalg.norm(columns, axis=0)
    columns = columns / length
    gram, moments = (columns.conj().T @ columns).real, (columns.conj().T @ measured).real
    places = _choose_places(circuit.arcs, held)
    chosen = np.array([[*range(fixed), *(fixed + k for k in own)] for own in places])
    grams, targets = gram[chosen[:, :, None], chosen[:, None, :]], moments[chosen]
    ridge = RIDGE * np.eye(chosen.shape[1])
    weights = np.maximum(np.linalg.solve(grams + ridge, targets[..., None])[..., 0], 0.0)
    costs = np.einsum("ci,cij,cj->c", weights, grams, weights) - 2 * (weights * targets).sum(axis=1)
    best = int(np.argmin(costs))
    found, own = weights[best] / length[chosen[best]], list(places[best])
    picked = _Shape(shape.times[own], shape.exponents[own], shape.tail)
    return _Guess(float(costs[best]), found[:fixed], found[fixed:], picked)


def _choose_places(arcs: int, held: int) -> list[tuple[int, ...]]:
    if held:
        return [(*range(held), held + place) for place in range(GRID)]
    # Neighbours on the grid would share one arc between them, and stay there.
    return [own for own in combinations(range(GRID), arcs) if all(b - a >= APART for a, b in pairwise(own))]


def _build_columns(circuit: Circuit, spectrum: Spectrum, scale: Scale, shape: _Shape) -> Complexes:
    """Return what each element of size 1 would show: the series elements, then an arc at each time constant."""
    series = [np.ones(spectrum.size, dtype=np.complex128)]
    if circuit.inductance:
        series.append(1j * spectrum.omega / spectrum.omega[0])
    if circuit.tail:
        series.append(np.exp(-shape.tail * (scale.log_omega - scale.log_lowest)))
    arcs = 1 / (1 + np.exp(shape.exponents * (scale.log_omega[:, None] + np.log(shape.times))))
    return np.concatenate([np.stack(series, axis=1), arcs], axis=1, dtype=np.complex128)


def _compose(circuit: Circuit, spectrum: Spectrum, scale: Scale, guess: _Guess) -> Doubles:
    least = SMALLEST_PART * scale.smallest
    values = [guess.series[0] / scale.smallest]
    if circuit.inductance:
        values.append(np.log(max(guess.series[1], least) / spectrum.omega[0]))
    for weight, time, exponent in zip(guess.arcs, guess.shape.times, guess.shape.exponents, strict=True):
        values += [np.log(max(weight, least)), np.log(time), exponent]
    if circuit.tail:
        values += [np.log(max(guess.series[-1], least)), guess.shape.tail]
    return np.array(values)
