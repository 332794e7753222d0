"""The API below ``/api/v1``: each module has a ``router``, and ROUTERS lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.api import auditing, cells, questions, receipts, reports, sql, tests, uploads, wafers

if TYPE_CHECKING:
    from fastapi import APIRouter

DESCRIPTION: Final = (
    "Test data of thin-film cells: what a firm's cells did, and what follows from it. Numbers are SI, times UTC. "
    "Every request carries `Authorization: Bearer <token>`. What belongs to another firm does not exist: 404."
)
ROUTERS: Final[tuple[APIRouter, ...]] = (
    questions.router,
    cells.router,
    tests.router,
    wafers.router,
    receipts.router,
    uploads.router,
    auditing.router,
    reports.router,
    sql.router,
)
