"""Conformity: the firm's own specifications and requirements, each with the rule that its verdict follows.

Shipped example profiles are nobody's specification and never judged in a report.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from portal.reports.look import Look

# The query ``specs`` lets the measured value alone decide.
SPECS_RULE: Final = "simple_acceptance"
CONFORMITY: Final = {
    "cell_id": pl.String(),
    "specification": pl.String(),
    "revision": pl.Int64(),
    "quantity": pl.String(),
    "conditions": pl.String(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "unit": pl.String(),
    "measured": pl.Float64(),
    "measured_low": pl.Float64(),
    "measured_high": pl.Float64(),
    "censored": pl.Boolean(),
    "verdict": pl.String(),
    "reason": pl.String(),
    "decision_rule": pl.String(),
    "source": pl.String(),
}


def gather_conformity(look: Look) -> pl.DataFrame:
    """Return a row per cell and limit."""
    judged = [_read_specs(look), _read_requirements(look)]
    # Specifications and requirements come from tables of other types: one schema makes one list of them.
    rows = pl.concat([frame.select(pl.col(name).cast(dtype) for name, dtype in CONFORMITY.items()) for frame in judged])
    return rows.sort("specification", "quantity", "cell_id", "conditions")


def _read_specs(look: Look) -> pl.DataFrame:
    return (
        look.frame("specs")
        # A verdict over all cells is no verdict about an item tested.
        .filter(pl.col("scope") == "cell")
        .with_columns(specification=pl.col("spec"), decision_rule=pl.lit(SPECS_RULE))
    )


def _read_requirements(look: Look) -> pl.DataFrame:
    # A requirement has one side, a specification may have both.
    at_least = pl.col("comparison") == "at_least"
    required = pl.col("required_value")
    return (
        look.frame("application")
        .filter((pl.col("scope") == "cell") & ~pl.col("example"))
        .with_columns(
            specification=pl.col("profile"),
            revision=pl.col("profile_version"),
            lower=pl.when(at_least).then(required),
            upper=pl.when(~at_least).then(required),
            measured=pl.col("value"),
            measured_low=pl.col("value_low"),
            measured_high=pl.col("value_high"),
            censored=pl.col("n_censored") > 0,
        )
    )
