"""Nightly runs: what each did, what it skipped and why, its stages and its warnings."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from portal.pages.operator_view import OperatorHere, tell_step, write_bytes
from portal.pages.technician_view import home_of
from portal.problems import not_found
from portal.templating import language_of, render
from warehouse.nights import NightRecord
from warehouse.operations import find_night, list_nights

router: Final = APIRouter()

SHOWN: Final = 60
MOST_MADE: Final = 500


@router.get("/operations/nights")
def show_nights(request: Request, caller: OperatorHere) -> Response:
    """Show the newest nights."""
    _ = caller
    return render(request, "operator/nights.html", nights=list_nights(home_of(request), SHOWN))


@router.get("/operations/nights/{night}")
def show_night(
    request: Request, caller: OperatorHere, night_id: Annotated[str, Path(alias="night", max_length=100)]
) -> Response:
    """Show one night."""
    _ = caller
    night = find_night(home_of(request), night_id)
    if night is None:
        raise not_found()
    language = language_of(request)
    # A night of a thousand firms makes more tables than anybody reads; the page says how many there are.
    made = [step for step in night["record"]["done"] if step["action"] == "made"]
    return render(
        request,
        "operator/night.html",
        night=night,
        record=night["record"],
        made=made[:MOST_MADE],
        made_count=len(made),
        skipped=group_skipped(night["record"]),
        tell=lambda why: tell_step(why, language),
        size=write_bytes,
    )


def group_skipped(record: NightRecord) -> list[dict[str, Any]]:
    """Return what a night skipped, by firm and reason: most of it is skipped for the same one."""
    skipped = Counter((step["firm"] or "", step["why"]) for step in record["done"] if step["action"] == "skipped")
    return [{"firm": firm, "why": why, "tables": tables} for (firm, why), tables in sorted(skipped.items())]
