"""The thresholds of every figure that is read off the records of a load: pulses, edges, curves, and their precision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoadsRecipe:
    """Thresholds and policies for loads.

    Args:
        precision_records: noise and quanta are found from about this many records, spread over the test.
        fewest_values: fewer different values than this show no quantum.
        finest_quantum: nor is a step below this part of the largest value one.
        off_quantum: values may lie this part of a quantum off its multiples.
        clamped: an instrument that prints 0 in this part of its records at rest does not measure there.
        constant_current: records above this part of their step's largest current are at constant current.
        longest_pulse_second: a pulse lasts no longer.
        fewest_records: a pulse with fewer records is not resolved.
        reached: a record is at the pulse's current from this part of the edge's change on.
        same_current: pulses of a train differ by less than this part in current.
        same_duration: and by less than this part in duration.
        train_gap_second: and follow each other within this time.
        pulse_times: times behind the edge of a pulse at which its resistance is read.
        cycle_times: the same behind the beginning of a half cycle.
        most_edges: resistances are read at no more edges of pulses than this, spread over the test.
        near_time: a record within this part of a time stands for it.
        interpolation: else two records no further apart than this part of it, in one current range, are interpolated.
        edge_time: an edge must be known to this part of the time behind it.
        oldest_before_second: the last record before an edge may be older by no more than this.
        sigmas: a change of voltage or current below this many standard deviations of its noise is none.
        grid_volt: width of the voltage grid of dQ/dV.
        grid_quanta: which must be this many quanta of the voltage or more.
        grid_sigmas: and this many standard deviations of its noise or more.
        window: grid points that are averaged; odd.
        fewest_cells: a half cycle over fewer grid cells has no curve.
        records_per_cell: nor one with fewer records a cell.
        curves: about this many cycles of a test have curves, evenly spaced.
        same_rate: cycles within this part in current are of one rate.
        fewest_rates: an exponent needs this many rates.
    """

    precision_records: int = 20_000
    fewest_values: int = 10
    finest_quantum: float = 1e-9
    off_quantum: float = 0.02
    clamped: float = 0.5
    constant_current: float = 0.97
    longest_pulse_second: float = 45.0
    fewest_records: int = 10
    reached: float = 0.9
    same_current: float = 0.05
    same_duration: float = 0.2
    train_gap_second: float = 3600.0
    pulse_times: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 2.0, 5.0, 10.0, 18.0, 30.0)
    cycle_times: tuple[float, ...] = (1.0, 10.0)
    most_edges: int = 2000
    near_time: float = 0.05
    interpolation: float = 0.5
    edge_time: float = 0.2
    oldest_before_second: float = 10.0
    sigmas: float = 3.0
    grid_volt: float = 0.005
    grid_quanta: float = 5.0
    grid_sigmas: float = 3.0
    window: int = 5
    fewest_cells: int = 20
    records_per_cell: float = 1.0
    curves: int = 10
    same_rate: float = 0.05
    fewest_rates: int = 3
