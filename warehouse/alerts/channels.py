"""A channel that reads otherwise than the others, seen across its cells; for the operators, whose instrument it is.

formula: a channel is off where abs(median residual) exceeds the limit times 1.2533·s/√n, s = MAD/0.6745 of all cells'
    residuals and n its cells, and most of these are off in the same direction
condition: over the cells of all firms that the channel held; a firm reads nothing of it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Final

import numpy as np
import polars as pl

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.residuals import CAPACITY, EFFICIENCY
from warehouse.alerts.sign import Sign
from warehouse.arrays import Doubles, doubles
from warehouse.statistics import MAD_OF_SIGMA, SIGMA_OF_MEAN_DEVIATION

# The median of n values of a normal distribution is this much less certain than their mean.
OF_MEDIAN: Final = SIGMA_OF_MEAN_DEVIATION


def find_drifts(residuals: pl.DataFrame, recipe: AlertsRecipe) -> Iterator[Sign]:
    """Yield the channels that are off.

    Args:
        residuals: rows of ``schema.RESIDUALS`` of all firms, with the ``channel`` of each test.
        recipe: thresholds.
    """
    least: Mapping[str, float] = {EFFICIENCY: recipe.channel_efficiency, CAPACITY: recipe.channel_capacity}
    known = residuals.filter(pl.col("channel").is_not_null())
    # A cell counts once, however many tests of it the channel ran.
    cells = known.group_by("metric", "channel", "firm", "cell_id").agg(pl.col("residual").median())
    for (metric,), rows in sorted(cells.partition_by("metric", as_dict=True).items()):
        sigma = _spread(doubles(rows["residual"]))
        # A channel of few cells is not judged; most are, where each test has its own.
        many = rows.filter(pl.len().over("channel") >= recipe.channel_cells)
        for (channel,), mine in sorted(many.partition_by("channel", as_dict=True).items()):
            evidence = _judge(doubles(mine["residual"]), sigma, least[str(metric)], recipe)
            if evidence is not None:
                firms = {"metric": metric, "firms": mine["firm"].n_unique()}
                yield Sign("channel_drift", f"{channel} {metric}", None, {"channel": channel, **firms, **evidence})


def _spread(values: Doubles) -> float:
    return float(np.median(np.abs(values - np.median(values)))) / MAD_OF_SIGMA


def _judge(values: Doubles, sigma: float, least: float, recipe: AlertsRecipe) -> dict[str, object] | None:
    middle, count = float(np.median(values)), len(values)
    if abs(middle) < least:
        return None
    agreeing = float(np.mean(np.sign(values) == np.sign(middle)))
    if agreeing < recipe.channel_agreement or abs(middle) <= recipe.channel_limit * OF_MEDIAN * sigma / sqrt(count):
        return None
    return {"residual": middle, "scatter": sigma, "cells": count, "agreement": agreeing}
