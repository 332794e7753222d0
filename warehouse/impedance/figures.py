"""What a firm reads off a fitted spectrum: resistances with intervals, their areas and capacitances, the electrolyte.

An arc belongs to one of four places:

=============== ==============================================================================================
``above``       its apex lies above the band: it is seen as a resistance
``electrolyte`` with geometry, its relative permittivity ``C·L / (ε0·A)`` is one that a solid can have;
                without, its apex lies where interfaces of batteries are too slow to be
``interface``   any other whose apex lies in the band
``below``       its apex lies below the band: part of the tail, as diffusion and a blocking electrode are
=============== ==============================================================================================

R_hf is R0 with the arcs ``above`` and ``electrolyte``: electrolyte and contacts, whatever the band resolves of them.
R_interface is the sum of the arcs ``interface``. A sum's interval counts how its parts were traded against each other.
The conductivity is that of the arcs ``electrolyte`` alone, R0 taken for contacts; the lower end of its interval takes
R0 for electrolyte too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from warehouse.arrays import Doubles
from warehouse.impedance.fits import Fit, width_of
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.spectrum import Spectrum

VACUUM_PERMITTIVITY: Final = 8.8541878188e-12


@dataclass(frozen=True)
class Geometry:
    """Of a cell, from its manifest; null where nobody said it. An instrument's file is never asked.

    Args:
        area_square_metre: the area that resistances are multiplied with.
        area_kind: which area it is: electrode, die or package.
        electrolyte_metre: thickness of the electrolyte.
    """

    area_square_metre: float | None = None
    area_kind: str | None = None
    electrolyte_metre: float | None = None

    @property
    def cell_constant(self) -> float | None:
        """Thickness over area, 1/m."""
        if not self.area_square_metre or not self.electrolyte_metre:
            return None
        return self.electrolyte_metre / self.area_square_metre


@dataclass(frozen=True)
class Figure:
    """A value with its interval, or the reason why there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Element:
    """A part of a fitted circuit; of an arc, Q and C follow from R, τ and n."""

    name: str
    place: str
    resistance: Figure = Figure()
    exponent: Figure = Figure()
    q: float | None = None
    capacitance: float | None = None
    apex_hertz: float | None = None
    permittivity: float | None = None
    inductance: float | None = None


@dataclass(frozen=True)
class Figures:
    """Everything that is read off one fit."""

    hf: Figure
    interface: Figure
    interface_capacitance: float | None
    conductivity: Figure
    electrolyte_hertz: float | None
    elements: tuple[Element, ...]

    @property
    def tells(self) -> bool:
        """Whether at least one resistance is known."""
        return self.hf.value is not None or self.interface.value is not None


def read_figures(fit: Fit, spectrum: Spectrum, geometry: Geometry, recipe: ImpedanceRecipe) -> Figures:
    """Read the figures off a fit that describes its spectrum."""
    reader = _Reader(fit, spectrum, geometry, recipe)
    conductivity, expected = reader.read_conductivity()
    return Figures(
        reader.read_hf(),
        reader.read_interface(),
        reader.read_capacitance(),
        conductivity,
        expected,
        tuple(reader.elements),
    )


def interpolate(spectrum: Spectrum, hertz: float) -> complex | None:
    """Return the measured impedance at a frequency, between its neighbours over ln f; null outside the band."""
    if not spectrum.frequency[-1] <= hertz <= spectrum.frequency[0]:
        return None
    logs = np.log(spectrum.frequency[::-1])
    real, imaginary = (np.interp(np.log(hertz), logs, part[::-1]) for part in _parts(spectrum))
    return complex(real, imaginary)


def _parts(spectrum: Spectrum) -> tuple[Doubles, Doubles]:
    return spectrum.impedance.real, spectrum.impedance.imag


class _Reader:
    """One fit with what is needed to read it."""

    def __init__(self, fit: Fit, spectrum: Spectrum, geometry: Geometry, recipe: ImpedanceRecipe) -> None:
        self._fit, self._spectrum, self._geometry, self._recipe = fit, spectrum, geometry, recipe
        self._reach = fit.quantile(recipe.confidence) * fit.widening
        self.elements = [self._read_arc(number) for number in range(1, fit.circuit.arcs + 1)]
        self.elements.sort(key=lambda element: -(element.apex_hertz or 0.0))
        self.elements.insert(0, Element("R0", "series", self._sum(["R0"])))
        if fit.circuit.inductance:
            self.elements.insert(0, Element("L", "series", inductance=float(np.exp(fit.values["L"]))))
        if fit.circuit.tail:
            self.elements.append(self._read_tail())

    def read_hf(self) -> Figure:
        """Return R0 with the arcs of the electrolyte and those above the band."""
        arcs = [element.name for element in self.elements if element.place in {"above", "electrolyte"}]
        figure = self._sum(["R0", *arcs])
        # With an arc in the sum, its far end lies in the band, and the sum does not hang on R0's extrapolation.
        if figure.value is None or arcs or self._reaches_axis(figure.value):
            return figure
        return Figure(reason="no_real_axis_crossing")

    def read_interface(self) -> Figure:
        """Return the sum of the arcs of interfaces."""
        arcs = [element for element in self.elements if element.place == "interface"]
        if not arcs:
            return Figure(reason="no_interface_arc")
        if any(self._is_cut_off(element) for element in self.elements):
            return Figure(reason="arc_at_band_edge")
        if any(self._is_hidden(element) for element in arcs):
            return Figure(reason="hidden_by_tail")
        figure = self._sum([element.name for element in arcs])
        farthest = self._recipe.farthest_intercept * (figure.value or 0.0)
        # What the arcs are extrapolated by at the top of the band, R0 lacks or has too much.
        if figure.value is not None and self._find_gap() > farthest:
            return Figure(reason="no_real_axis_crossing")
        if figure.value is not None and self._find_rest() > farthest:
            return Figure(reason="arc_at_band_edge")
        return figure

    def read_capacitance(self) -> float | None:
        """Return the capacitance of the largest arc of an interface, F."""
        arcs = [element for element in self.elements if element.place == "interface"]
        if self.read_interface().value is None:
            return None
        return max(arcs, key=lambda element: element.resistance.value or 0.0).capacitance

    def read_conductivity(self) -> tuple[Figure, float | None]:
        """Return the apparent ionic conductivity, S/m, and where the electrolyte's arc has, or would have, its apex."""
        constant = self._geometry.cell_constant
        if constant is None:
            return Figure(reason="no_geometry"), None
        arcs, hf = [element for element in self.elements if element.place == "electrolyte"], self.read_hf()
        if not arcs:
            return self._expect_electrolyte(hf, constant)
        highest = max(element.apex_hertz or 0.0 for element in arcs)
        # Nearer to the top of the band, what belongs to R0 and what to the arc cannot be told.
        if highest > self._spectrum.frequency[0] / self._recipe.band_edge:
            return Figure(reason="band_below_electrolyte"), highest
        own = self._sum([element.name for element in arcs])
        if own.value is None or own.low is None or hf.high is None:
            return Figure(reason=own.reason or hf.reason), highest
        return Figure(constant / own.value, constant / hf.high, constant / own.low), highest

    def _expect_electrolyte(self, hf: Figure, constant: float) -> tuple[Figure, float | None]:
        """Say where the arc would be, were R_hf all the electrolyte's, and whether the band reaches it."""
        if hf.value is None:
            return Figure(reason=hf.reason), None
        permittivity = VACUUM_PERMITTIVITY * self._recipe.electrolyte_permittivity
        expected = constant / hf.value / (2 * np.pi * permittivity)
        beyond = expected > self._spectrum.frequency[0] / self._recipe.band_edge
        return Figure(reason="band_below_electrolyte" if beyond else "no_electrolyte_arc"), expected

    def _read_arc(self, number: int) -> Element:
        values = self._fit.values
        resistance, time, exponent = np.exp(values[f"R{number}"]), np.exp(values[f"t{number}"]), values[f"n{number}"]
        capacitance = float(time / resistance)
        constant = self._geometry.cell_constant
        permittivity = None if constant is None else capacitance * constant / VACUUM_PERMITTIVITY
        apex = float(1 / (2 * np.pi * time))
        q = float(time**exponent / resistance)
        return Element(
            f"R{number}",
            self._place(apex, permittivity),
            self._sum([f"R{number}"]),
            self._bracket(f"n{number}"),
            q,
            capacitance,
            apex,
            permittivity,
        )

    def _read_tail(self) -> Element:
        values, lowest = self._fit.values, np.exp(self._fit.scale.log_lowest)
        q = float(1 / (np.exp(values["A"]) * lowest ** values["m"]))
        return Element("Q", "tail", exponent=self._bracket("m"), q=q)

    def _place(self, apex: float, permittivity: float | None) -> str:
        if apex > self._spectrum.frequency[0]:
            return "above"
        if apex < self._spectrum.frequency[-1]:
            return "below"
        if permittivity is None:
            return "electrolyte" if apex >= self._recipe.electrolyte_hertz else "interface"
        return "electrolyte" if permittivity <= self._recipe.largest_permittivity else "interface"

    def _sum(self, names: list[str]) -> Figure:
        """Add resistances; the interval is symmetric in the logarithm of the sum."""
        unit = self._fit.scale.smallest
        weights = {name: unit if name == "R0" else float(np.exp(self._fit.values[name])) for name in names}
        parts = [weight * self._fit.values["R0"] if name == "R0" else weight for name, weight in weights.items()]
        total = float(sum(parts))
        if total <= 0:
            return Figure(reason="not_positive")
        # By the chain rule: parameters are logarithms, but R0, which is a multiple of the smallest modulus.
        gradient = np.array([weights.get(name, 0.0) for name in self._fit.circuit.names])
        reach = self._reach * float(np.sqrt(gradient @ self._fit.covariance @ gradient)) / total
        if width_of(reach) > self._recipe.widest_interval:
            return Figure(reason="interval_too_wide")
        return Figure(total, total * float(np.exp(-reach)), total * float(np.exp(reach)))

    def _bracket(self, name: str) -> Figure:
        place = self._fit.circuit.names.index(name)
        value = self._fit.values[name]
        reach = self._reach * float(np.sqrt(self._fit.covariance[place, place]))
        return Figure(value, max(value - reach, 0.0), min(value + reach, 1.0))

    def _find_gap(self) -> float:
        """Return how far the real axis lies from the top of the band, Ω; 0 where an arc is resolved before it."""
        if self._spectrum.impedance[0].imag >= 0 or any(e.place in {"above", "electrolyte"} for e in self.elements):
            return 0.0
        intercept = self._fit.values["R0"] * self._fit.scale.smallest
        return float(self._spectrum.impedance[0].real - intercept)

    def _find_rest(self) -> float:
        """Return how far the arcs go on below the band, Ω; 0 where a tail takes over."""
        if self._fit.circuit.tail or any(element.place == "below" for element in self.elements):
            return 0.0
        total = self._fit.values["R0"] * self._fit.scale.smallest
        total += sum(
            float(np.exp(value)) for name, value in self._fit.values.items() if name[0] == "R" and name != "R0"
        )
        return total - float(self._spectrum.impedance[-1].real)

    def _reaches_axis(self, intercept: float) -> bool:
        return self._find_gap() <= self._recipe.farthest_intercept * intercept

    def _is_cut_off(self, element: Element) -> bool:
        """Say whether half of an arc lies in the band: too much for a tail, too little for an interface."""
        edge = self._spectrum.frequency[-1]
        return element.place == "below" and (element.apex_hertz or 0.0) > edge / self._recipe.band_edge

    def _is_hidden(self, element: Element) -> bool:
        """Say whether the tail, and what lies below the band with it, drowns an arc where that has its apex."""
        omega = 2j * np.pi * (element.apex_hertz or 0.0)
        below = [arc for arc in self.elements if arc.place == "below"]
        drowning = abs(sum(_simulate_arc(arc, omega) for arc in below) + self._simulate_tail(omega))
        return abs(_simulate_arc(element, 0j)) < self._recipe.hidden_arc * drowning

    def _simulate_tail(self, omega: complex) -> complex:
        if not self._fit.circuit.tail:
            return 0j
        values, lowest = self._fit.values, np.exp(self._fit.scale.log_lowest)
        return complex(np.exp(values["A"]) * (omega / lowest) ** -values["m"])


def _simulate_arc(arc: Element, omega: complex) -> complex:
    """Return the impedance of an arc; at 0 its resistance, which it has though its interval be too wide to print."""
    exponent, capacitance, apex = arc.exponent.value or 1.0, arc.capacitance or 0.0, arc.apex_hertz or 0.0
    time = 1 / (2 * np.pi * apex)
    return complex(time / capacitance / (1 + (omega * time) ** exponent))
