"""The audit log: a firm reads what concerns itself, operators read all of it and check its chain."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from portal.api.shared import CallerHere, FirmHere, OperatorHere
from portal.problems import not_found
from warehouse.access.audit import list_audit, verify_audit

router: Final = APIRouter(prefix="/audit", tags=["audit"])

MOST: Final = 1_000
HowMany = Annotated[int, Query(ge=1, le=MOST, description="How many.")]
Before = Annotated[int | None, Query(ge=1, le=2**53, description="Only rows with a smaller number.")]


@router.get("", summary="What was asked and done, newest first")
def list_events(
    request: Request, caller: CallerHere, firm: FirmHere, *, limit: HowMany = 100, before: Before = None
) -> list[dict[str, Any]]:
    """List rows of the audit log: of the caller's firm, or of all firms for operators."""
    if firm is None and caller.role != "operator":
        raise not_found()
    return list_audit(request.app.state.asking.home, firm, limit=limit, before=before)


@router.get("/chain", summary="Whether the audit log is whole")
def check_chain(request: Request, caller: OperatorHere) -> dict[str, Any]:
    """Check every row against the one before it."""
    _ = caller
    return asdict(verify_audit(request.app.state.asking.home))
