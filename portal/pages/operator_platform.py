"""The platform's figures by month, for the yearly report of the programme."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.pages.operator_view import OperatorHere, write_bytes
from portal.pages.technician_view import home_of
from portal.templating import render
from warehouse.operations import list_months
from warehouse.registry import Row
from warehouse.schema import PLATFORM_MONTH

router: Final = APIRouter()

YEAR_DIGITS: Final = 4
# What adds up over months; firms, cells and wafers of two months may be the same ones.
SUMS: Final = ("tests", "cycles", "channel_hours_h", "drops", "quarantined", "source_bytes", "stored_bytes")
LARGEST: Final = ("firms", "cells", "wafers")


@router.get("/operations/platform")
def show_platform(request: Request, caller: OperatorHere) -> Response:
    """Show the figures of each month and year."""
    _ = caller
    months = list_months(home_of(request))
    return render(request, "operator/platform.html", months=months, years=sum_years(months), size=write_bytes)


@router.get("/operations/platform.csv")
def download_platform(request: Request, caller: OperatorHere) -> Response:
    """Answer with the figures as a table for spreadsheets."""
    _ = caller
    text = io.StringIO()
    writer = csv.DictWriter(text, PLATFORM_MONTH.names)
    writer.writeheader()
    writer.writerows({name: row[name] for name in PLATFORM_MONTH.names} for row in list_months(home_of(request)))
    headers = {"content-disposition": 'attachment; filename="platform.csv"'}
    # With a mark, for Excel takes a file without one for the code page of its country.
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def sum_years(months: Sequence[Row]) -> list[dict[str, Any]]:
    """Return sums over the months of each year, newest first; of what may be counted twice, the largest month."""
    years: dict[str, list[Row]] = {}
    for row in months:
        years.setdefault(row["month"][:YEAR_DIGITS], []).append(row)
    return [
        {
            "year": year,
            "months": len(rows),
            **{name: sum(row[name] or 0 for row in rows) for name in SUMS},
            **{name: max(row[name] or 0 for row in rows) for name in LARGEST},
        }
        for year, rows in years.items()
    ]
