"""Application fit: what an application asks of cells, what was measured, and whether it suffices."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.charts.groups import shorten
from portal.pages.firm_view import ViewHere
from portal.pages.firm_why import say_known
from portal.pages.snippets import write_snippets
from portal.problems import not_found
from warehouse.requirements.shelf import list_profiles

router: Final = APIRouter()

VERDICTS: Final = ("pass", "fail", "indeterminate", "not_tested")


@router.get("/applications")
def show_fit(
    view: ViewHere,
    profile: Annotated[str, Query(max_length=100)] = "",
    cell: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show the score sheet of one profile: of one cell, else of every group of like cells."""
    profiles = _latest(list_profiles(view.asking.home, view.firm))
    names = [one["profile"] for one in profiles]
    if profile and profile not in names:
        raise not_found()
    chosen = profile or (names[0] if names else "")
    cells = view.ask("cells")["cell_id"].sort().to_list()
    # A cell is judged by itself; without one, what is typical of like cells is.
    rows = view.ask("application", cell=cell or None).filter(pl.col("profile") == chosen)
    shown = rows.filter(pl.col("cell_id") == cell) if cell else rows.filter(pl.col("scope") == "type")
    return view.render(
        "firm/fit.html",
        profiles=profiles,
        profile=next((one for one in profiles if one["profile"] == chosen), None),
        cell=cell,
        cells=cells,
        sheets=write_sheets(shown.to_dicts()),
        told=partial(say_known, view),
        snippets=write_snippets(view, "application", cell=cell or None),
    )


def write_sheets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a sheet for each subject, with how many requirements came to which verdict."""
    short = shorten(sorted({row["subject"] for row in rows}))
    sheets: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        told = {**row, "conditions": list(json.loads(row["conditions"] or "{}").items())}
        sheets.setdefault(row["subject"], []).append(told)
    return [
        {
            "subject": short[subject],
            "full": subject,
            "rows": lines,
            "counts": {name: sum(line["verdict"] == name for line in lines) for name in VERDICTS},
        }
        for subject, lines in sheets.items()
    ]


def _latest(profiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each profile once: the firm's own before the shipped one, its latest version."""
    found: dict[str, dict[str, Any]] = {}
    # Sorted so that what counts comes last and stays.
    for one in sorted(profiles, key=lambda each: (each["firm"] is not None, each["version"])):
        found[one["profile"]] = one
    return [found[name] for name in sorted(found)]
