"""Made lives of cells with known fade, and the questions about them asked of frames, without a home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.ask import fill_parameters, questions
from warehouse.life.recipe import LifeRecipe
from warehouse.life.tables import describe_life
from warehouse.recipe import Recipe
from warehouse.schema import CYCLES, FADE_MODELS, KNEES, PRECISION, STEPS, TEST, Table, fill_columns

Doubles = NDArray[np.float64]
Values = dict[str, Any]

RECIPE: Final = LifeRecipe()
BEGIN: Final = 3
DAYS_PER_CYCLE: Final = 0.25
AMPERE: Final = 1e-5
HOUR: Final = 3600.0


class Told(NamedTuple):
    """What the computation tells of one life."""

    models: pl.DataFrame
    knees: pl.DataFrame
    forecast: Values

    def model(self, name: str) -> Values:
        """Return the row of one law."""
        return self.models.row(by_predicate=pl.col("model") == name, named=True)

    def knee(self, method: str = "consensus") -> Values:
        """Return the row of one method."""
        return self.knees.row(by_predicate=pl.col("method") == method, named=True)


def ageing(retention: Sequence[float] | Doubles, *, clock: bool = True) -> pl.DataFrame:
    """Return ageing cycles of an answer to ``fade``, the first of which is the reference."""
    number = np.arange(len(retention))
    return pl.DataFrame(
        {
            "class": ["ageing"] * len(retention),
            "cycle": number + BEGIN,
            "capacity_retention": np.asarray(retention, dtype=np.float64),
            "elapsed_day": number * DAYS_PER_CYCLE if clock else [None] * len(retention),
            "reference_cycle": [BEGIN] * len(retention),
        },
        schema_overrides={"elapsed_day": pl.Float64},
    )


def tell(retention: Sequence[float] | Doubles, recipe: LifeRecipe = RECIPE, *, clock: bool = True) -> Told:
    """Return what the computation tells of a life."""
    models, knees, forecast = describe_life("A", "C1", ageing(retention, clock=clock), recipe)
    return Told(models, knees, forecast.row(0, named=True))


def lose(law: str, x: Doubles, loss: float, exponent: float = 1.0) -> tuple[Doubles, float, float]:
    """Return true retention by a law that has lost so much at the end, its coefficient and its exponent."""
    power = {"linear": 1.0, "sqrt": 0.5}.get(law, exponent)
    coefficient = loss / x[-1] ** power
    return 1 - coefficient * x**power, coefficient, power


def bend(x: Doubles, knee: float, loss: float, ratio: float) -> Doubles:
    """Return true retention that falls evenly to a knee, and so many times as fast behind it."""
    slope = loss / knee
    return 1 - np.where(x < knee, slope * x, loss + ratio * slope * (x - knee))


def observe(true: Doubles, noise: float, rng: np.random.Generator) -> Doubles:
    """Return retention as it is seen: every capacity with its noise, that of the reference cycle included."""
    seen = true * (1 + noise * rng.standard_normal(len(true)))
    return np.asarray(seen / seen[0])


def describe_cycles(capacities: Sequence[float], classes: Sequence[str] | None = None, **values: Any) -> Values:
    """Return the relations that ``fade`` reads for one cell: cycles of these capacities at 10 µA, charged fully.

    Args:
        capacities: discharged, in Ah.
        classes: of each cycle; ageing by default.
        values: columns of the precision's row.
    """
    count = len(capacities)
    out = pl.Series(capacities, dtype=pl.Float64)
    cycles = pl.DataFrame(
        {
            "cycle": np.arange(1, count + 1),
            "class": list(classes or ["ageing"] * count),
            "start_time": np.arange(count) * HOUR,
            "start_time_second": np.arange(count) * HOUR,
            "charging_capacity_ah": out,
            "discharging_capacity_ah": out,
            "coulombic_efficiency": np.ones(count),
        }
    )
    moves = cycles.join(pl.DataFrame({"kind": ["charge_cc", "discharge_cc"], "sign": [1.0, -1.0]}), how="cross")
    steps = moves.select(
        "cycle",
        kind=pl.col("kind").cast(STEPS.dtypes["kind"]),
        charge_ah=pl.col("sign") * pl.col("discharging_capacity_ah"),
        duration_second=pl.col("discharging_capacity_ah") / AMPERE * HOUR,
    )
    relations: Values = {
        "cycles": _name(cycles, CYCLES),
        "steps": _name(steps, STEPS),
        "test": _name(pl.DataFrame({"convention": ["full_charge_first"]}), TEST),
        "precision": _name(pl.DataFrame([values] if values else [], schema=PRECISION.dtypes), PRECISION),
        "cell": pl.DataFrame({"firm": ["A"], "cell_id": ["C1"]}).with_columns(
            nominal_capacity_ah=pl.lit(None, pl.Float64), active_area_square_metre=pl.lit(None, pl.Float64)
        ),
        "fade_models": FADE_MODELS.empty(),
        "knees": KNEES.empty(),
    }
    return relations


def ask(name: str, relations: Values, **life: Any) -> pl.DataFrame:
    """Answer a question about relations, with some values of the recipe's section ``life`` changed."""
    recipe = replace(Recipe(), life=LifeRecipe(**life))
    with duckdb.connect() as database:
        for relation, frame in relations.items():
            database.register(relation, frame.to_arrow())
        for read in questions()[name].reads:
            if read not in relations:
                database.execute(f"CREATE TEMP VIEW {read} AS {fill_parameters(questions()[read].sql, recipe)}")
        return database.sql(fill_parameters(questions()[name].sql, recipe)).pl()


def _name(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Give rows the names of their one test and its cell, and every declared column."""
    filled = fill_columns(frame.with_columns(pl.lit("T").alias("test_id")), table)
    return filled.with_columns(firm=pl.lit("A"), cell_id=pl.lit("C1"))
