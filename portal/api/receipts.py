"""Receipts: what became of every drop. A firm sees those of its own tests; technicians see all."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from portal.api.shared import FirmHere, TechnicianHere
from warehouse.sources import count_states, newest_receipts, receipts_after, receipts_of_firm

router: Final = APIRouter(tags=["receipts"])

MOST: Final = 1_000
HowMany = Annotated[int, Query(ge=1, le=MOST, description="How many.")]
After = Annotated[int | None, Query(ge=0, le=2**53, description="Only those with a larger number, oldest first.")]


@router.get("/receipts", summary="What became of drops, newest first")
def list_receipts(
    request: Request, firm: FirmHere, *, limit: HowMany = 100, after: After = None
) -> list[dict[str, Any]]:
    """List receipts."""
    home = request.app.state.asking.home
    if firm is not None:
        receipts: list[dict[str, Any]] = receipts_of_firm(home, firm, limit, after)
        return receipts
    return newest_receipts(home, limit) if after is None else receipts_after(home, after)[:limit]


@router.get("/status", summary="Nothing lost: seen is the sum of the rest")
def show_status(request: Request, caller: TechnicianHere) -> dict[str, int]:
    """Count what was seen by state."""
    _ = caller
    return count_states(request.app.state.asking.home)
