"""Wafers: which there are, and one of them as a map with its bins, yield, profile and cells."""

from __future__ import annotations

from typing import Annotated, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.charts.wafer import METRICS
from portal.pages.firm_charts import Wish
from portal.pages.firm_overview import list_wafers
from portal.pages.firm_view import View, ViewHere
from portal.pages.snippets import write_snippets
from portal.problems import not_found
from warehouse.wafers.dies import SHOWN

router: Final = APIRouter()


@router.get("/wafers")
def show_wafers(view: ViewHere) -> Response:
    """Show which wafers there are, and what the process does to them."""
    return view.render(
        "firm/wafers.html",
        wafers=list_wafers(view),
        splits=view.ask("splits").filter(pl.col("status") == "compared").to_dicts(),
        components=view.ask("variance_components").filter(pl.col("status") == "fitted").to_dicts(),
        snippets=write_snippets(view, "wafer"),
    )


@router.get("/wafers/one")
def show_wafer(view: ViewHere, wish: Annotated[Wish, Query()]) -> Response:
    """Show one wafer."""
    mine = (pl.col("lot") == wish.lot, pl.col("wafer") == wish.wafer)
    # An unknown wafer and another firm's look the same: no rows.
    dies = view.ask("wafer").filter(*mine)
    if dies.is_empty() or wish.metric not in METRICS:
        raise not_found()
    place = {"lot": wish.lot, "wafer": wish.wafer}
    return view.render(
        "firm/wafer.html",
        wish=wish,
        place=place,
        name=" ".join(part for part in (wish.lot, wish.wafer) if part),
        metrics=choose_metrics(view, dies),
        retention_limit=view.asking.home.recipe_of(view.firm).parameters["wafers_end_of_life"],
        yields=view.ask("wafer_yield").filter(*mine).to_dicts(),
        uniformity=view.ask("uniformity")
        .filter(*mine, pl.col("status") == "measured", pl.col("at_cycle") == 0)
        .to_dicts(),
        quantity=SHOWN.get(wish.metric, ""),
        cells=dies["cell_id"].drop_nulls().to_list(),
        unplaced=dies.filter(pl.col("die_x").is_null()).height,
        snippets=write_snippets(view, "wafer"),
    )


def choose_metrics(view: View, dies: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the metrics that any die of a wafer has, each with what it is called."""
    # A metric without a value would lead to an empty map.
    known = [name for name in METRICS if dies[name].null_count() < dies.height]
    return [(name, METRICS[name].text.say(view.voice)) for name in known]
