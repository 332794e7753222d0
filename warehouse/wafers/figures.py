"""What was measured at each site, in one long frame: a quantity, its value, and the conditions that are known of it.

A condition that a result does not tell is null: whoever asks for it gets no figure, never one by assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import polars as pl

from warehouse.metrics.inputs import FirmInputs
from warehouse.wafers.conditions import CONDITIONS
from warehouse.wafers.quantities import QUANTITIES, name_quantity
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import DIE
from warehouse.wafers.units import find_unit, to_si

# ``stands`` marks the figure that speaks for the cell when nothing is asked of the conditions.
COLUMNS: Final = {
    "site": pl.Int64(),
    "quantity": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "censored": pl.Boolean(),
    "stands": pl.Boolean(),
    **{name: pl.Float64() for name in CONDITIONS},
}
OF_FADE: Final = {
    "capacity": "discharging_capacity_ah",
    "capacity_retention": "capacity_retention",
    "coulombic_efficiency": "coulombic_efficiency",
    "energy_efficiency": "energy_efficiency",
}
OF_SUMMARY: Final = {
    "capacity": pl.coalesce("reference_capacity_ah", "first_capacity_ah"),
    "capacity_retention": pl.col("last_capacity_retention"),
    "coulombic_efficiency": pl.col("coulombic_efficiency_median"),
    "fade_rate": pl.col("fade_rate_per_cycle"),
}
OF_BLOCKS: Final = {
    "capacity": "capacity_ah",
    "energy": "energy_wh",
    "coulombic_efficiency": "coulombic_efficiency",
    "energy_efficiency": "energy_efficiency",
    "charge_time": "charge_time_second",
}
BLOCK_CONDITIONS: Final = {
    "temperature_celsius": "temperature_celsius",
    "rate_per_hour": "discharging_rate_per_hour",
    "current_ampere": "discharging_current_ampere",
    "upper_voltage_volt": "upper_voltage_volt",
    "lower_voltage_volt": "lower_voltage_volt",
    "depth_of_discharge": "depth_of_discharge",
}
MEASURED: Final = pl.col("status") == "measured"
# Result table → which rows count, quantity → value, condition → column.
OF_RESULTS: Final[Mapping[str, tuple[pl.Expr, dict[str, str], dict[str, str]]]] = {
    "resistance": (
        (pl.col("status") == "resolved") & (pl.col("edge") == "load"),
        {"resistance": "resistance_ohm"},
        {
            "cycle": "cycle",
            "pulse_second": "after_second",
            "temperature_celsius": "temperature_celsius",
            "state_of_charge": "state_of_charge",
            "current_ampere": "current_change_ampere",
        },
    ),
    "spectrum_fits": (
        pl.lit(value=True),
        {
            "acir": "acir_modulus_ohm",
            "hf_resistance": "hf_resistance_ohm",
            "interface_resistance": "interface_resistance_ohm",
        },
        {
            "frequency_hertz": "acir_frequency_hertz",
            "temperature_celsius": "temperature_celsius",
            "state_of_charge": "state_of_charge",
        },
    ),
    "float_leakage": (
        MEASURED,
        {"leakage": "leakage_ampere"},
        {"upper_voltage_volt": "voltage_volt", "temperature_celsius": "temperature_celsius"},
    ),
    "voltage_decay": (
        MEASURED,
        {"self_discharge_current": "self_discharge_ampere"},
        {"upper_voltage_volt": "voltage_volt", "temperature_celsius": "temperature_celsius"},
    ),
    "storage_loss": (
        MEASURED,
        {"self_discharge": "self_discharge_per_year_linear", "irreversible_loss": "irreversible_per_year_linear"},
        {"upper_voltage_volt": "first_voltage_volt", "temperature_celsius": "temperature_celsius"},
    ),
}
BLOCKS: Final = "conditions"
READS: Final = (*OF_RESULTS, BLOCKS)
BINS: Final = ("hard_bin", "soft_bin", "defects")


def gather_figures(
    inputs: FirmInputs, sites: pl.DataFrame, cycles: Iterable[int], recipe: WafersRecipe
) -> pl.DataFrame:
    """Return every figure of every site.

    Args:
        inputs: the firm.
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        cycles: at which capacity, retention and efficiencies are wanted.
        recipe: says which resistance stands for a cell.
    """
    of_cell = sites.select("site", "cell_id", "active_area_square_metre").drop_nulls("cell_id")
    parts = [
        *_summarise(inputs, of_cell),
        *_follow_cycles(inputs, of_cell, sorted(set(cycles))),
        *_list_blocks(inputs, of_cell),
        *(_list_results(inputs, of_cell, name, recipe) for name in OF_RESULTS),
        _list_tests(inputs, sites),
    ]
    figures = _shape(pl.concat([pl.DataFrame(schema=COLUMNS), *parts], how="diagonal_relaxed"))
    return _add_areal(figures.filter(pl.col("value").is_finite()), of_cell)


def _shape(figures: pl.DataFrame) -> pl.DataFrame:
    """Return figures with what their parts leave out: the quantity's own unit, and that they are nothing special."""
    units = pl.col("quantity").replace_strict({name: one.unit for name, one in QUANTITIES.items()}, default="")
    filled = figures.with_columns(pl.col("unit").fill_null(units), pl.col("censored", "stands").fill_null(value=False))
    return filled.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def _summarise(inputs: FirmInputs, of_cell: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """Yield what the summary says of each cell; it stands for the cell."""
    joined = of_cell.join(inputs.summary, on="cell_id", how="inner", maintain_order="left")
    for quantity, value in OF_SUMMARY.items():
        cycle = pl.col("reference_cycle") if quantity == "capacity" else pl.lit(None)
        yield joined.select(
            "site", quantity=pl.lit(quantity), value=value, stands=pl.lit(value=True), cycle=cycle.cast(pl.Float64)
        )
    # A life that goes on lasts at least as long as its ageing was watched.
    last = inputs.fade.filter(pl.col("class") == "ageing").group_by("cell_id").agg(last_cycle=pl.col("cycle").max())
    lives = joined.filter(pl.col("end_of_life_censored").is_not_null()).join(last, on="cell_id", how="left")
    yield lives.sort("site").select(
        "site",
        quantity=pl.lit("life"),
        value=pl.coalesce("end_of_life_cycle", "last_cycle"),
        stands=pl.lit(value=True),
        censored=pl.col("end_of_life_censored"),
    )


def _follow_cycles(inputs: FirmInputs, of_cell: pl.DataFrame, cycles: list[int]) -> Iterable[pl.DataFrame]:
    """Yield capacity, retention and efficiencies at some cycles, straight between the ageing cycles around each."""
    if not cycles or inputs.fade.is_empty():
        return
    used = inputs.fade.select("cell_id", "cycle", "class", *OF_FADE.values())
    whole = used.filter(pl.col("class") != "incomplete").sort("cell_id", "cycle")
    wanted = (
        of_cell.select("site", "cell_id").join(pl.DataFrame({"cycle": cycles}), how="cross").sort("cell_id", "cycle")
    )
    for quantity, column in OF_FADE.items():
        # Ageing cycles follow one line; a check-up or a formation cycle only counts where it is the very cycle.
        known = whole.filter(pl.col(column).is_not_null()).select(
            "cell_id", "cycle", value=column, ageing=pl.col("class") == "ageing"
        )
        exact = wanted.join(known, on=("cell_id", "cycle"), how="left", maintain_order="left")
        ageing = known.filter("ageing").with_columns(known_cycle="cycle")
        before, after = (
            wanted.join_asof(ageing, on="cycle", by="cell_id", strategy=way, check_sortedness=False)
            for way in ("backward", "forward")
        )
        yield _interpolate(exact, before, after).select(
            "site", "value", quantity=pl.lit(quantity), cycle=pl.col("cycle").cast(pl.Float64)
        )


def _interpolate(exact: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    span = (after["known_cycle"] - before["known_cycle"]).cast(pl.Float64)
    part = (exact["cycle"] - before["known_cycle"]).cast(pl.Float64) / span
    line = before["value"] + part * (after["value"] - before["value"])
    between = pl.DataFrame({"exact": exact["value"], "ageing": exact["ageing"], "line": line, "span": span})
    chosen = between.select(
        pl.when(pl.col("ageing") | pl.col("line").is_null() | (pl.col("span") == 0))
        .then("exact")
        .otherwise("line")
        .alias("value")
    )
    return exact.drop("value").with_columns(chosen["value"])


def _list_blocks(inputs: FirmInputs, of_cell: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """Yield what the cell gave in each block of like cycles."""
    blocks = inputs.results.get(BLOCKS)
    if blocks is None or blocks.is_empty():
        return
    joined = of_cell.join(blocks, on="cell_id", how="inner", maintain_order="left")
    conditions = {name: pl.col(column).abs() for name, column in BLOCK_CONDITIONS.items()}
    conditions["temperature_celsius"] = pl.col("temperature_celsius")
    for quantity, column in OF_BLOCKS.items():
        # The summary speaks for what it knows; of the rest, the block that stands for the cell does.
        stands = pl.col("stands_for_cell") if quantity not in OF_SUMMARY else pl.lit(value=False)
        yield joined.select("site", quantity=pl.lit(quantity), value=column, stands=stands, **conditions)


def _list_results(inputs: FirmInputs, of_cell: pl.DataFrame, name: str, recipe: WafersRecipe) -> pl.DataFrame:
    rows = inputs.results.get(name)
    if rows is None or rows.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    counts, quantities, conditions = OF_RESULTS[name]
    # A firm has millions of resistances, each with two dozen columns.
    used = rows.filter(counts).select("cell_id", *sorted({*quantities.values(), *conditions.values()}))
    joined = of_cell.join(used, on="cell_id", how="inner", maintain_order="left")
    known = {condition: pl.col(column).cast(pl.Float64) for condition, column in conditions.items()}
    known |= {name: pl.col(column).abs() for name, column in conditions.items() if name == "current_ampere"}
    parts = []
    for quantity, column in quantities.items():
        # The frequency belongs to the modulus alone; the resistances are of the whole spectrum.
        of_quantity = {key: value for key, value in known.items() if key != "frequency_hertz" or quantity == "acir"}
        parts.append(joined.select("site", quantity=pl.lit(quantity), value=column, **of_quantity))
    return STAND.get(name, _mark_all)(pl.concat(parts, how="diagonal"), recipe)


def _mark_all(figures: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    del recipe
    return figures.with_columns(stands=pl.lit(value=True))


def _mark_resistance(figures: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    """Mark the resistances that stand for a cell: at the recipe's time, of the earliest cycle that has any."""
    near = (pl.col("pulse_second") / recipe.resistance_second - 1).abs() <= recipe.same_time
    first = pl.col("cycle").filter(near & pl.col("value").is_not_null()).min().over("site")
    return figures.with_columns(stands=(near & (pl.col("cycle") == first)).fill_null(value=False))


STAND: Final[dict[str, Callable[[pl.DataFrame, WafersRecipe], pl.DataFrame]]] = {"resistance": _mark_resistance}


def _list_tests(inputs: FirmInputs, sites: pl.DataFrame) -> pl.DataFrame:
    """Return the values of tests that the current wafer maps hold, in SI units where their unit is known."""
    current = inputs.maps.filter("current").select(*DIE[:2], "revision")
    tests = inputs.dies.join(current, on=(*DIE[:2], "revision"), how="semi").filter(
        ~pl.col("quantity").is_in(BINS), pl.col("value").is_not_null()
    )
    units = {text: find_unit(text) for text in tests["unit"].drop_nulls().unique()}
    converted = [
        to_si(value, found[1]) if (found := units.get(unit)) is not None else value
        for value, unit in zip(tests["value"], tests["unit"], strict=True)
    ]
    names = {name: name_quantity(name) for name in tests["quantity"].unique()}
    known = tests.with_columns(
        value=pl.Series(converted, dtype=pl.Float64),
        unit=pl.col("unit").replace({text: found[0] for text, found in units.items() if found}).fill_null(""),
        quantity=pl.col("quantity").replace(names),
    )
    joined = sites.select("site", *DIE).join(known, on=DIE, how="inner", maintain_order="left")
    return joined.select("site", "quantity", "value", "unit", stands=pl.lit(value=True))


def _add_areal(figures: pl.DataFrame, of_cell: pl.DataFrame) -> pl.DataFrame:
    """Add capacities over the electrode's area, where the manifest states it."""
    capacities = figures.filter(pl.col("quantity") == "capacity")
    areal = capacities.join(of_cell.drop_nulls("active_area_square_metre"), on="site", maintain_order="left")
    made = areal.with_columns(
        quantity=pl.lit("areal_capacity"),
        unit=pl.lit(QUANTITIES["areal_capacity"].unit),
        value=pl.col("value") / pl.col("active_area_square_metre"),
    )
    return pl.concat([figures, made.select(*COLUMNS)])
