"""The laws by which cells fade.

formula: retention R(x) = s · (1 - Σ cᵢ φᵢ(x)), x cycles since the reference; s takes up the noise of the reference
formula: linear: φ = x; sqrt: φ = √x; power: φ = x^b; linear_exponential: φ₁ = x, φ₂ = 1 - exp(-x/τ)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from warehouse.arrays import Doubles


@dataclass(frozen=True)
class Law:
    """A curve of loss over ``u``, cycles as a part of those seen.

    Args:
        name: of the law.
        terms: its loss terms, one row each, for a value of its shape parameter.
        bend: derivative of the last term by that parameter; None where it has none.
        shapes: values of the parameter that the search begins at, rising; it is never sought beyond them.
    """

    name: str
    terms: Callable[[Doubles, float], Doubles]
    bend: Callable[[Doubles, float], Doubles] | None = None
    shapes: tuple[float, ...] = (1.0,)


def _bend_power(u: Doubles, exponent: float) -> Doubles:
    # At the reference u^b is 0 whatever b is.
    bend: Doubles = u**exponent * np.log(np.where(u > 0, u, 1.0))
    return bend


LINEAR: Final = Law("linear", lambda u, _: u[None])
LAWS: Final = (
    LINEAR,
    Law("sqrt", lambda u, _: np.sqrt(u)[None]),
    Law("power", lambda u, exponent: (u**exponent)[None], _bend_power, tuple(np.geomspace(0.15, 6.0, 25).tolist())),
    Law(
        "linear_exponential",
        lambda u, time: np.array([u, -np.expm1(-u / time)]),
        lambda u, time: -u / time**2 * np.exp(-u / time),
        tuple(np.geomspace(0.005, 0.5, 16).tolist()),
    ),
)
