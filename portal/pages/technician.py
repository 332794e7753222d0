"""The technicians' pages: receipts, upload, quarantine, unassigned tests, channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.pages import technician_channels, technician_quarantine, technician_receipts, technician_unassigned
from portal.pages.technician_view import TechnicianHere, home_of, list_cells
from portal.templating import render
from warehouse.identity import list_firms

if TYPE_CHECKING:
    from collections.abc import Sequence

router: Final = APIRouter()


@router.get("/upload")
def show_upload(request: Request, caller: TechnicianHere) -> Response:
    """Show where files are dropped; its script sends them to the API in pieces."""
    _ = caller
    firms = [row["code"] for row in list_firms(home_of(request))]
    return render(request, "technician/upload.html", firms=firms, cells=list_cells(request))


ROUTERS: Final[Sequence[APIRouter]] = (
    router,
    technician_receipts.router,
    technician_quarantine.router,
    technician_unassigned.router,
    technician_channels.router,
)
