"""Reports: a test report of a cell, a wafer or a lot, and those that were issued."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

import polars as pl
from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.pages.firm_view import View, ViewHere
from warehouse.reports.issue import list_reports

router: Final = APIRouter()

KINDS: Final = ("pdf", "xlsx", "zip")
LANGUAGES: Final = ("ko", "en")
MOST_ISSUED: Final = 200


@router.get("/reports")
def show_reports(view: ViewHere, cell: Annotated[str, Query(max_length=400)] = "") -> Response:
    """Show what a report can be of, and what was issued."""
    cells = view.ask("cells")
    # A link to the report of a cell that is not there would only fail later.
    if cell:
        view.find_cell(cell)
    issued = list_reports(view.asking.home.registry, view.firm)
    issued = sorted(issued, key=lambda row: -row["issued_unix_second"])
    return view.render(
        "firm/reports.html",
        cell=cell,
        cells=cells["cell_id"].sort().to_list(),
        subjects=list_subjects(view, cells),
        links=link_documents(view, cell) if cell else [],
        issued=issued[:MOST_ISSUED],
        documents=lambda subject: link_documents(view, subject),
    )


def list_subjects(view: View, cells: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the lots and wafers that a report can be of, with how many cells each has."""
    lots = cells.filter(pl.col("lot").is_not_null()).group_by("lot").agg(cells=pl.len()).sort("lot")
    placed = cells.filter(pl.col("lot").is_not_null(), pl.col("wafer").is_not_null())
    wafers = placed.group_by("lot", "wafer").agg(cells=pl.len()).sort("lot", "wafer")
    found = [(lot, "lot", count) for lot, count in lots.rows()]
    # As reports call a wafer.
    found += [(f"{lot}-{wafer}", "wafer", count) for lot, wafer, count in wafers.rows()]
    return [
        {"subject": subject, "kind": kind, "cells": count, "documents": link_documents(view, subject)}
        for subject, kind, count in found
    ]


def link_documents(view: View, subject: str) -> list[tuple[str, str, str]]:
    """Return kind, language and address of every document that a report is made as."""
    path = f"/api/v1/reports/{quote(subject, safe='')}"
    return [(kind, language, view.link(path, format=kind, lang=language)) for language in LANGUAGES for kind in KINDS]
