"""A cell: what it is, how it does, and every chart of it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.charts.fade import AXES
from portal.charts.text import Text
from portal.pages.cell_figures import list_steps, tell_figures
from portal.pages.firm_charts import Wish
from portal.pages.firm_sources import describe_sources
from portal.pages.firm_view import View, ViewHere
from portal.pages.snippets import write_snippets

router: Final = APIRouter()

SIBLINGS: Final = 40


@router.get("/cells/{cell:path}")
def show_cell(view: ViewHere, cell: str, wish: Annotated[Wish, Query()]) -> Response:
    """Show a cell."""
    # First of all, for it refuses what is not the firm's.
    summary = view.find("summary", cell)
    facts = view.ask("cells").filter(pl.col("cell_id") == cell)
    tests = describe_sources(view, cell)
    test = choose_test(tests, wish.test)
    steps = list_steps(view.ask("steps", test=test)) if test else []
    siblings = list_siblings(view, facts)
    return view.render(
        "firm/cell.html",
        cell=cell,
        facts=facts.row(0, named=True) if facts.height else {},
        block=_standing_block(view, cell),
        summary=summary,
        figures=tell_figures(view, cell, summary) if summary else [],
        tests=tests,
        test=test,
        measured={name: view.ask(name, cell=cell).height for name in ("spectra", "pulses", "rate")},
        axis_options=[(name, axis[1].say(view.voice)) for name, axis in AXES.items()],
        test_options=[
            (one["test_id"], f"{one['test_id']} · {one['file'] or ''}") for one in tests if one["kind"] == "cycling"
        ],
        step_options=[
            ("", Text("all of them").say(view.voice)),
            *((one["step_count"], _name_step(one)) for one in steps),
        ],
        wish=wish,
        siblings=siblings,
        siblings_pairs=[("cell", sibling) for sibling in siblings],
        snippets=write_snippets(view, "fade", cell=cell),
    )


def choose_test(tests: list[dict[str, Any]], wanted: str) -> str:
    """Return the test whose records are shown: the one that was asked for, else the longest of cycling."""
    if any(test["test_id"] == wanted for test in tests):
        return wanted
    # The longest test is most likely what somebody came for.
    cycling = sorted((test for test in tests if test["kind"] == "cycling"), key=lambda test: -test["rows"])
    return str(cycling[0]["test_id"]) if cycling else ""


def list_siblings(view: View, facts: pl.DataFrame) -> list[str]:
    """Return the other cells of the same wafer."""
    if facts.is_empty() or facts["wafer"][0] is None:
        return []
    same = [pl.col(column).eq_missing(facts[column][0]) for column in ("lot", "wafer")]
    cells = view.ask("cells").filter(*same, pl.col("cell_id") != facts["cell_id"][0])
    return cells["cell_id"].head(SIBLINGS).to_list()


def _standing_block(view: View, cell: str) -> dict[str, Any]:
    """Return the conditions that stand for the cell, empty where none do."""
    blocks = view.ask("conditions", cell=cell).filter("stands_for_cell")
    return blocks.row(0, named=True) if blocks.height else {}


def _name_step(step: dict[str, Any]) -> str:
    return f"{step['step_count']} · {step['kind']} · #{step['cycle']}"
