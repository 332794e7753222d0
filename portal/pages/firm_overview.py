"""The firm's first page: its cells, what is new since the last visit, alerts, cells near their limits, wafers."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.charts.efficiency import print_efficiency
from portal.pages.firm_sources import list_sources
from portal.pages.firm_view import View, ViewHere
from portal.pages.sparks import SPARKED, draw_dies, draw_sparks
from warehouse.alerts.find import list_alerts
from warehouse.sources import count_tests

router: Final = APIRouter()

VISIT_COOKIE: Final = "cellar_visit"
VISIT_SECONDS: Final = 30 * 60
COOKIE_SECONDS: Final = 365 * 24 * 3600
CELLS_A_PAGE: Final = 50
NEWEST: Final = 8
MOST_CHANGED: Final = 12
NEAREST: Final = 10
MOST_WAFERS: Final = 8
# How close a value is to its limit, as a part of the limit, to be shown.
NEAR: Final = 0.1


@router.get("/overview")
def show_overview(
    request: Request,
    view: ViewHere,
    find: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """Show a firm what it has and what it should look at."""
    everyone = view.asking.keep("overview cells", view.firm, lambda: list_cells(view))
    cells = search_cells(everyone, find)
    before, kept = read_visit(request, view.firm)
    response = view.render(
        "firm/overview.html",
        counts=view.asking.keep("overview counts", view.firm, lambda: count_all(view)),
        cells=cells[(page - 1) * CELLS_A_PAGE : page * CELLS_A_PAGE],
        found=len(cells),
        last_page=max(-(-len(cells) // CELLS_A_PAGE), 1),
        page=page,
        find=find,
        newest=list_sources(view, most=NEWEST),
        before=before,
        changed=list_sources(view, after=before, most=MOST_CHANGED) if before else [],
        changes=count_tests(view.asking.home, view.firm, after=before) if before else 0,
        alerts=tell_alerts(view),
        list_near=lambda: find_near(view.ask("specs")),
        list_wafers=lambda: list_wafers(view)[:MOST_WAFERS],
    )
    # For this page alone: no other one has to carry it.
    response.set_cookie(
        f"{VISIT_COOKIE}_{view.firm}", kept, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", path="/overview"
    )
    return response


def count_all(view: View) -> dict[str, int]:
    """Count what the firm has."""
    cells = view.ask("cells")
    return {
        "cells": cells.height,
        "tests": count_tests(view.asking.home, view.firm),
        "cycles": int(cells["cycles"].sum() or 0),
        "wafers": cells.filter(pl.col("wafer").is_not_null()).select("lot", "wafer").n_unique(),
        "unassigned": count_tests(view.asking.home, view.firm, unassigned=True),
    }


def list_cells(view: View) -> list[dict[str, Any]]:
    """Return the firm's cells with their key figures and the course of their retention, newest record first."""
    summary = view.ask("summary").drop("firm", "cycles")
    rows = view.ask("cells").join(summary, on="cell_id", how="left")
    rows = rows.sort("last_unix_second", "cell_id", descending=[True, False], nulls_last=True)
    # A line for each cell out of all its cycles: drawn once for as long as these stand.
    asking, firm = view.asking, view.firm
    sparks = asking.keep("sparks", firm, lambda: draw_sparks(asking.ask_columns("fade", firm, SPARKED)))
    return [
        {
            **row,
            "spark": sparks.get(row["cell_id"], ""),
            "efficiency": print_efficiency(row["coulombic_efficiency_median"], row["coulombic_efficiency_floor"]),
        }
        for row in rows.iter_rows(named=True)
    ]


def search_cells(cells: list[dict[str, Any]], find: str) -> list[dict[str, Any]]:
    """Return the cells with every word of a search in their name, lot, wafer, split, project or chemistry."""
    words = find.casefold().split()
    if not words:
        return cells
    looked = ("cell_id", "lot", "wafer", "process_split", "project", "chemistry")
    texts = [" ".join(str(cell[name]) for name in looked if cell[name]).casefold() for cell in cells]
    return [cell for cell, text in zip(cells, texts, strict=True) if all(word in text for word in words)]


def tell_alerts(view: View) -> list[dict[str, Any]]:
    """Return the open alerts, each with the figures behind it."""
    rows = list_alerts(view.asking.home, view.firm)
    return [{**row, "evidence": json.loads(row["evidence"])} for row in rows]


def find_near(specs: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the cells outside a limit or less than a tenth of it away, the worst first."""
    value, lower, upper = pl.col("measured"), pl.col("lower"), pl.col("upper")
    # In parts of the limit itself, so that capacities and resistances can be ranked together.
    room = pl.min_horizontal((value - lower) / lower.abs(), (upper - value) / upper.abs())
    rows = specs.filter(pl.col("scope") == "cell", pl.col("cell_id").is_not_null()).with_columns(room=room)
    return rows.filter(pl.col("room") < NEAR).sort("room", "cell_id").head(NEAREST).to_dicts()


def list_wafers(view: View) -> list[dict[str, Any]]:
    """Return the firm's wafers, each with a small picture."""
    dies = view.ask("wafer").filter(pl.col("wafer").is_not_null())
    return [
        {
            "lot": part["lot"][0],
            "wafer": part["wafer"][0],
            "dies": part.height,
            "cells": part["cell_id"].count(),
            "passed": part.filter(pl.col("bin") == 1).height,
            "judged": part["bin"].count(),
            "split": ", ".join(sorted({split for split in part["process_split"] if split})),
            "picture": draw_dies(part),
        }
        for part in dies.partition_by("lot", "wafer", maintain_order=True)
    ]


def read_visit(request: Request, firm: str) -> tuple[float, str]:
    """Return when the firm's page was visited before this visit, 0 for never, and what the browser is to keep.

    A visit ends half an hour after its last look; looks within it must not make its news old.
    """
    now = time.time()
    parts = request.cookies.get(f"{VISIT_COOKIE}_{firm}", "").split(".")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) <= 11]  # noqa: PLR2004 seconds since 1970
    before, last = numbers if len(numbers) == 2 else (0, 0)  # noqa: PLR2004 as written below
    if now - last > VISIT_SECONDS:
        before = last
    return float(before), f"{before}.{int(now)}"
