"""Data: a console for SQL with the schema beside it, and every answer as a file."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.pages.firm_view import ViewHere
from portal.pages.firm_why import say_known
from portal.pages.snippets import FORMATS, write_snippets
from portal.problems import not_found
from warehouse.ask import questions

router: Final = APIRouter()

LONGEST_SQL: Final = 20_000
# Each runs as it stands on any firm's data.
EXAMPLES: Final = (
    "SELECT cell_id, cycles, last_capacity_retention, end_of_life FROM summary ORDER BY last_capacity_retention",
    "SELECT cell_id, cycle, capacity_retention FROM fade WHERE class = 'ageing' ORDER BY cell_id, cycle",
    "SELECT process_split, count(*) AS cells, median(nominal_capacity_ah) FROM cells GROUP BY process_split",
)


@router.get("/data")
def show_data(
    view: ViewHere,
    sql: Annotated[str, Query(max_length=LONGEST_SQL)] = "",
    query: Annotated[str, Query(max_length=100)] = "summary",
) -> Response:
    """Show the console, filled with the query that the address holds."""
    if query not in questions():
        raise not_found()
    asked = [
        (
            name,
            say_known(view, one.asks),
            [(column, unit, say_known(view, meaning)) for column, unit, meaning in one.columns],
        )
        for name, one in questions().items()
    ]
    return view.render(
        "firm/data.html",
        sql=sql,
        examples=EXAMPLES,
        asked=asked,
        query=query,
        formats=FORMATS,
        snippets=write_snippets(view, query),
    )
