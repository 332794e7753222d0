"""Readers: their versions, which tests older ones read, and what reading those again would change."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from flows.readers import count_retries, list_readers, preview_rereads
from portal.pages.operator_view import OperatorHere
from portal.pages.technician_view import home_of, trail_of
from portal.templating import render
from warehouse.operations import list_rereads

router: Final = APIRouter()

PAGE: Final = "/operations/readers"
SHOWN: Final = 30


@router.get(PAGE)
def show_readers(request: Request, caller: OperatorHere) -> Response:
    """Show readers and what earlier re-reads changed."""
    _ = caller
    return _show(request)


@router.post(PAGE)
def preview(
    request: Request, caller: OperatorHere, form: Annotated[str, Form(alias="format", max_length=100)]
) -> Response:
    """Try on a few tests what reading a format again would change; nothing is kept of it."""
    # On a few tests: all of a format would take as long as reading them did.
    tried = preview_rereads(home_of(request), form)
    trail_of(request).write(caller, "reader.preview", form, None, {"tests": len(tried)})
    return _show(request, form=form, tried=tried)


def _show(request: Request, form: str = "", tried: list[dict[str, str]] | None = None) -> Response:
    home = home_of(request)
    readers = list_readers(home)
    values = {
        "readers": readers,
        "outdated": sum(reader.outdated for reader in readers),
        "retries": count_retries(home),
    }
    rereads = list_rereads(home, SHOWN)
    return render(request, "operator/readers.html", **values, rereads=rereads, form=form, tried=tried)
