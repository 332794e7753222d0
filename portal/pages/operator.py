"""The operators' pages; the first says whether the platform is well, and how full its disk is."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.pages import operator_access, operator_integrity, operator_nights, operator_platform, operator_readers
from portal.pages.operator_view import OperatorHere, tell_check, write_bytes
from portal.pages.technician_view import home_of
from portal.templating import language_of, render
from warehouse.alerts.disk import measure_disk
from warehouse.health import check_health
from warehouse.operations import count_bytes, list_nights, open_alerts_of_platform
from warehouse.sources import count_states

if TYPE_CHECKING:
    from collections.abc import Sequence

router: Final = APIRouter()


@router.get("/operations")
def show_operations(request: Request, caller: OperatorHere) -> Response:
    """Show whether the platform is well, its disk, and what somebody should look at."""
    _ = caller
    # Never kept: whoever looks here wants to know how it is, and not how it was.
    home, now = home_of(request), time.time()
    language = language_of(request)
    says = "sentence_en" if language == "en" else "sentence_ko"
    return render(
        request,
        "operator/health.html",
        checks=[
            replace(check, says=tell_check(check.says, language)) for check in check_health(home, datetime.now(UTC))
        ],
        disk=measure_disk(home, now),
        kept=count_bytes(home),
        counts=count_states(home),
        night=next(iter(list_nights(home, 1)), None),
        alerts=[{**row, "says": row[says]} for row in open_alerts_of_platform(home)],
        size=write_bytes,
        limits=home.recipe.alerts,
    )


ROUTERS: Final[Sequence[APIRouter]] = (
    router,
    operator_nights.router,
    operator_integrity.router,
    operator_readers.router,
    operator_access.router,
    operator_platform.router,
)
