"""Pages for people: each module has a ``router``, and ROUTERS lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.pages import audit, entry, firm, health, operator, site_login, technician

if TYPE_CHECKING:
    from fastapi import APIRouter

ROUTERS: Final[tuple[APIRouter, ...]] = (
    entry.router,
    site_login.router,
    health.router,
    audit.router,
    *firm.ROUTERS,
    *technician.ROUTERS,
    *operator.ROUTERS,
)
