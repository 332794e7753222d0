"""The routers of the firm's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal.pages import (
    firm_cell,
    firm_charts,
    firm_cohort,
    firm_compare,
    firm_data,
    firm_fit,
    firm_overview,
    firm_reports,
    firm_wafer,
    firm_why,
    firm_workbook,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

ROUTERS: Final[tuple[APIRouter, ...]] = tuple(
    module.router
    for module in (
        firm_overview,
        firm_cell,
        firm_compare,
        firm_wafer,
        firm_fit,
        firm_cohort,
        firm_data,
        firm_reports,
        firm_charts,
        firm_why,
        firm_workbook,
    )
)
