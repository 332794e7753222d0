"""Comparison: any cells over each other, beside each other, or in groups with the statistics that suit few of them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.charts.compare import FEWEST_MULTIPLES, QUANTITIES
from portal.charts.fade import AXES
from portal.charts.groups import shorten
from portal.pages.firm_charts import Wish, choose_cells
from portal.pages.firm_view import View, ViewHere
from portal.pages.snippets import write_snippets

router: Final = APIRouter()

# A longer list is searched on the overview, where cells have their figures beside them.
MOST_CHOICES: Final = 400
# What of a cell is compared in numbers beside the curves.
METRICS: Final = (
    "reference_capacity_ah",
    "capacity_retention",
    "fade_rate_per_cycle",
    "coulombic_efficiency",
    "end_of_life_cycle",
    "dc_resistance_ohm",
)
FILTERS: Final = ("lot", "wafer", "split")


@router.get("/compare")
def show_compare(view: ViewHere, wish: Annotated[Wish, Query()]) -> Response:
    """Show cells beside each other."""
    cells = choose_cells(view, wish)
    chosen = cells["cell_id"].to_list()
    pairs = [("cell", cell) for cell in wish.cell]
    filters = {name: getattr(wish, name) for name in FILTERS}
    everyone = view.ask("cells")
    return view.render(
        "firm/compare.html",
        wish=wish,
        pairs=pairs,
        filters=filters,
        source=view.link_chart("compare", *pairs, **filters, over=wish.over, quantity=wish.quantity, by=wish.by),
        chosen=chosen,
        named=set(wish.cell),
        everyone=everyone["cell_id"].sort().head(MOST_CHOICES).to_list(),
        hidden=max(everyone.height - MOST_CHOICES, 0),
        multiples=len(chosen) >= FEWEST_MULTIPLES and not wish.by,
        options=list_options(view, everyone),
        state=tuple(view.name_state()),
        list_groups=lambda: list_groups(view, chosen),
        # Costly to read and of no use unless splits are compared.
        splits=view.ask("splits").to_dicts() if wish.by == "split" else [],
        snippets=write_snippets(view, "fade", cells=tuple(chosen) if wish.cell else ()),
    )


def list_options(view: View, cells: pl.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen in the form."""
    _ = view.voice.say
    every = ("", _("all of them"))
    return {
        "over": [(name, axis[1].say(view.voice)) for name, axis in AXES.items()],
        "quantity": [(name, heading.text.say(view.voice)) for name, heading in QUANTITIES.items()],
        "by": [
            ("", _("Each cell")),
            ("wafer", _("By wafer")),
            ("split", _("By process split")),
            ("rate", _("By rate")),
            ("temperature", _("By temperature")),
            ("replicate", _("Replicates together")),
        ],
        "lot": [every, *_values(cells, "lot")],
        "wafer": [every, *_values(cells, "wafer")],
        "split": [every, *_values(cells, "process_split")],
    }


def list_groups(view: View, chosen: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the statistics of the groups of like cells that the chosen ones are of, and the remarks on them.

    A remark that many rows share is said once; rows hold its number.
    """
    wanted = set(chosen)
    rows = view.ask("replicates").filter(pl.col("metric").is_in(METRICS), pl.col("median").is_not_null())
    # Of a metric at several cycles the last that most cells have come to stands for all; the chart has the rest.
    rows = rows.sort("replicate_group", "metric", "n", "at_cycle", nulls_last=True)
    last = rows.group_by("replicate_group", "metric", maintain_order=True).last().to_dicts()
    mine = [row for row in last if wanted & set(json.loads(row["cells"] or "[]"))]
    short = shorten(sorted({row["replicate_group"] for row in mine}))
    remarks: list[str] = []
    for row in mine:
        remark = view.tell_reason("replicates", row["interval_reason"])
        remarks += [remark] if remark and remark not in remarks else []
        row |= {"short": short[row["replicate_group"]], "outlying": json.loads(row["outliers"] or "[]")}
        row["remark"] = remarks.index(remark) + 1 if remark else None
    return mine, remarks


def _values(cells: pl.DataFrame, column: str) -> list[tuple[str, str]]:
    return [(value, value) for value in cells[column].drop_nulls().unique().sort().to_list()]
