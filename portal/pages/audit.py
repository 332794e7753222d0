"""The audit log as a page: a firm reads who asked for what of its own, operators read all."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from portal.callers import Caller, find_firm, get_caller
from portal.problems import not_found
from portal.templating import render
from warehouse.access.audit import list_audit

router: Final = APIRouter()

SHOWN: Final = 100


@router.get("/audit")
def show_audit(
    request: Request,
    caller: Annotated[Caller, Depends(get_caller)],
    firm: Annotated[str | None, Depends(find_firm)],
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """Show rows of the audit log, newest first."""
    if firm is None and caller.role != "operator":
        raise not_found()
    rows = list_audit(request.app.state.asking.home, firm, limit=SHOWN, before=before)
    older = rows[-1]["number"] if len(rows) == SHOWN else None
    return render(request, "audit.html", rows=rows, older=older, firm=firm)
