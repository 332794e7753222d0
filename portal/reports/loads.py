"""What the cells give under load: rates, resistances, pulses, spectra."""

from __future__ import annotations

import polars as pl

from portal.reports.look import Look

FITTED = (
    "cell_id",
    "test_id",
    "spectrum_index",
    "start_unix_time_second",
    "temperature_celsius",
    "state_of_charge",
    "bias_voltage_volt",
    "lowest_frequency_hertz",
    "highest_frequency_hertz",
    "status",
    "reason",
    "kramers_kronig_rms",
    "circuit",
    "misfit",
    "confidence",
    "hf_resistance_ohm",
    "hf_resistance_low_ohm",
    "hf_resistance_high_ohm",
    "hf_resistance_reason",
    "interface_resistance_ohm",
    "interface_resistance_low_ohm",
    "interface_resistance_high_ohm",
    "interface_resistance_reason",
    "ionic_conductivity_siemens_per_metre",
    "ionic_conductivity_low_siemens_per_metre",
    "ionic_conductivity_high_siemens_per_metre",
    "ionic_conductivity_reason",
)


def gather_rate(look: Look) -> pl.DataFrame:
    """Return the blocks of like rate, of cells that ran a rate test: three rates, or one between blocks of another."""
    rate = look.frame("rate").drop("firm", "recipe")
    several = pl.col("rate_group").n_unique().over("cell_id") > 2  # noqa: PLR2004 formation and ageing are no rate test
    return rate.filter(several | (pl.col("status") == "bracketed").any().over("cell_id"))


def gather_resistance(look: Look) -> pl.DataFrame:
    """Return resistances by edge, direction and time behind the edge: how many were resolved, and their spread.

    Edges of one cell follow each other over its life: their median has no interval, first and last tell the course.
    """
    # The last record of a step lies at whatever time the step ended: no two of them compare.
    rows = look.frame("resistance").filter(~pl.col("at_end"))
    resolved = pl.col("resistance_ohm").drop_nulls()
    keys = ("cell_id", "of", "edge", "direction", "after_second")
    return (
        rows.sort("start_unix_time_second", "start_time_second", nulls_last=True)
        .group_by(keys)
        .agg(
            pl.len().alias("edges"),
            resolved.len().cast(pl.Int64).alias("resolved"),
            resolved.first().alias("first_ohm"),
            resolved.median().alias("median_ohm"),
            resolved.last().alias("last_ohm"),
            resolved.min().alias("smallest_ohm"),
            resolved.max().alias("largest_ohm"),
            pl.col("temperature_celsius").median(),
        )
        .sort(keys)
    )


def gather_pulses(look: Look) -> pl.DataFrame:
    """Return the trains of like pulses."""
    pulses = look.frame("pulses").sort("cell_id", "test_id", "pulse")
    return pulses.group_by("cell_id", "test_id", "train", maintain_order=True).agg(
        pl.col("direction").first(),
        pl.len().alias("pulses"),
        pl.col("current_ampere").median(),
        pl.col("duration_second").median(),
        (pl.col("status") == "resolved").sum().cast(pl.Int64).alias("resolved"),
        pl.col("lowest_voltage_volt").min(),
        pl.col("highest_voltage_volt").max(),
        pl.col("resistance_1_second_ohm").median(),
        pl.col("resistance_ohm").median(),
        pl.col("limit_voltage_volt").first(),
        pl.col("train_limit_passed").first(),
        pl.col("train_pulses_to_limit").first(),
        pl.col("train_charge_to_limit_ah").first(),
        pl.col("temperature_celsius").median(),
    )


def gather_impedance(look: Look) -> pl.DataFrame:
    """Return the spectra with what was fitted to them, or why nothing was."""
    return look.frame("spectrum_fits").select(FITTED).sort("cell_id", "start_unix_time_second", "spectrum_index")
