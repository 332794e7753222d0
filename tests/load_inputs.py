"""Tests as computations are given them, from records alone."""

from __future__ import annotations

from typing import Any

import polars as pl

from warehouse.cycles import derive_cycles, infer_convention
from warehouse.derivation import DerivationRecipe
from warehouse.metrics.inputs import TestInputs
from warehouse.schema import SPECTRA
from warehouse.steps import derive_steps

RECIPE = DerivationRecipe()


def inputs_of(
    measurements: pl.DataFrame, cell: dict[str, Any] | None = None, channel: dict[str, Any] | None = None
) -> TestInputs:
    """Return a test with its steps and cycles derived, as the engine hands it to a computation."""
    steps = derive_steps(measurements, RECIPE)
    convention = (cell or {}).get("convention") or infer_convention(steps, RECIPE)
    steps, cycles = derive_cycles(steps, convention, RECIPE)
    name = {"test_id": pl.lit("T"), "revision": pl.lit(1, dtype=pl.Int64)}
    return TestInputs(
        test={"test_id": "T", "revision": 1, "convention": convention, "firm": "A", "cell_id": "C"},
        cell=cell,
        channel=channel,
        steps=steps.with_columns(**name),
        cycles=cycles.with_columns(**name),
        read_rows=lambda columns: measurements.select(name for name in columns if name in measurements.columns),
        read_spectra=SPECTRA.empty,
    )
