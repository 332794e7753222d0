"""The thresholds of every figure that comes from a spectrum."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImpedanceRecipe:
    """Thresholds and policies for impedance.

    Args:
        fewest_points: a spectrum with fewer points is not fitted.
        narrowest_band_decade: nor is one over fewer decades of frequency.
        kk_elements_per_decade: density of the Kramers-Kronig model's elements.
        kk_point: a point whose Kramers-Kronig residual exceeds this part of its modulus fails.
        kk_isolated: up to this part of the points, no two of them neighbours, may be left out so that the rest passes.
        drift_of_amplitude: the bias may move by this part of the voltage amplitude during the spectrum.
        drift_volt: and by this where no amplitude is known.
        drift_kelvin: the temperature may move by this during the spectrum.
        largest_amplitude_volt: a larger excitation is not taken for linear.
        most_arcs: circuits have up to this many arcs.
        aicc_gain: a circuit with more parameters must lower the corrected Akaike criterion by this.
        misfit: the root mean square of |Z_fit - Z| / |Z| may be this.
        misfit_point: and no single point may be off by more than this.
        confidence: level of every interval.
        widest_interval: a figure whose interval is wider than this part of its value is refused.
        closest_arcs: arcs whose time constants differ by less than this factor are not told apart.
        electrolyte_hertz: without geometry, an arc at or above this frequency is taken for the electrolyte's.
        largest_permittivity: with geometry, an arc up to this relative permittivity is taken for the electrolyte's.
        electrolyte_permittivity: assumed where the band ends below the electrolyte's arc, to say where it would be.
        band_edge: an apex within this factor outside the band's lower end, or inside its upper, is cut off by it.
        hidden_arc: an arc below this part of the tail's modulus at its frequency is not seen as an arc.
        farthest_intercept: the real part at the highest frequency may exceed an intercept by this part of it.
        acir_hertz: frequency of the figure that shops call ACIR.
        fewest_temperatures: an activation energy needs this many temperatures.
        smallest_span_kelvin: over at least this span.
        same_temperature_kelvin: temperatures closer than this are one.
        same_state_of_charge: states of charge within this are comparable.
        same_bias_volt: and, where no state of charge is known, bias voltages within this.
    """

    fewest_points: int = 15
    narrowest_band_decade: float = 2.0
    kk_elements_per_decade: float = 4.0
    kk_point: float = 0.02
    kk_isolated: float = 0.05
    drift_of_amplitude: float = 0.5
    drift_volt: float = 0.005
    drift_kelvin: float = 1.0
    largest_amplitude_volt: float = 0.025
    most_arcs: int = 3
    aicc_gain: float = 10.0
    misfit: float = 0.02
    misfit_point: float = 0.05
    confidence: float = 0.95
    widest_interval: float = 1.0
    closest_arcs: float = 5.0
    electrolyte_hertz: float = 1e5
    largest_permittivity: float = 1e3
    electrolyte_permittivity: float = 16.6
    band_edge: float = 3.0
    hidden_arc: float = 0.5
    farthest_intercept: float = 0.25
    acir_hertz: float = 1e3
    fewest_temperatures: int = 3
    smallest_span_kelvin: float = 10.0
    same_temperature_kelvin: float = 1.0
    same_state_of_charge: float = 0.05
    same_bias_volt: float = 0.1
