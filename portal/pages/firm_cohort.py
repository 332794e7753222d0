"""The cohort: where the firm's cells stand among anonymised others, or why that is not shown."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
from fastapi import APIRouter
from starlette.responses import Response

from portal.pages.firm_view import ViewHere
from portal.pages.snippets import write_snippets

router: Final = APIRouter()

PLACE: Final = ("chemistry_family", "capacity_decade", "temperature_bin", "rate_bin")


@router.get("/cohort")
def show_cohort(view: ViewHere) -> Response:
    """Show the firm's own medians beside what may be told of all firms."""
    rows = view.ask("cohort")
    return view.render("firm/cohort.html", groups=gather_groups(rows), snippets=write_snippets(view, "cohort"))


def gather_groups(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the groups of like cells, each with its figures; what is wrong with a whole group is said once."""
    groups = []
    for part in rows.partition_by(*PLACE, maintain_order=True) if rows.height else []:
        first = part.row(0, named=True)
        groups.append(
            {
                "place": [first[name] for name in PLACE if first[name]],
                "rows": part.to_dicts(),
                "published": part.filter(pl.col("status") == "published").height,
                # Said once above the table, not again in each of its rows.
                "reason": first if part["reason"].n_unique() == 1 else None,
            }
        )
    return groups
