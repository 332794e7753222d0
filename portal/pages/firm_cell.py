"""A cell: what it is, how it does, and every chart of it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.charts.fade import AXES
from portal.charts.text import Text
from portal.pages.cell_figures import tell_figures
from portal.pages.firm_charts import Wish
from portal.pages.firm_sources import describe_sources
from portal.pages.firm_view import View, ViewHere
from portal.pages.snippets import write_snippets
from portal.reports.words import CODES
from portal.translation import translator
from warehouse.parts import read_stored
from warehouse.schema import STEPS

router: Final = APIRouter()

SIBLINGS: Final = 40
MOST_STEPS: Final = 400


@router.get("/cells/{cell:path}")
def show_cell(view: ViewHere, cell: str, wish: Annotated[Wish, Query()]) -> Response:
    """Show a cell."""
    # First of all, for it refuses what is not the firm's.
    summary = view.find("summary", cell)
    tests = describe_sources(view, cell)
    test = choose_test(tests, wish.test)
    return view.render(
        "firm/cell.html",
        cell=cell,
        tell_cell=lambda: tell_cell(view, cell, summary),
        list_steps=lambda: list_steps(view, test),
        tests=tests,
        test=test,
        # Whether there are rates or pulses among them takes reading them; the charts say so, and do not keep the page.
        measured={
            "cycling": any(one["kind"] == "cycling" for one in tests),
            "spectra": any(one["spectra"] for one in tests),
        },
        axis_options=[(name, axis[1].say(view.voice)) for name, axis in AXES.items()],
        test_options=tuple(
            (one["test_id"], f"{one['test_id']} · {one['file'] or ''}") for one in tests if one["kind"] == "cycling"
        ),
        wish=wish,
        snippets=write_snippets(view, "fade", cell=cell),
    )


def tell_cell(view: View, cell: str, summary: dict[str, Any] | None) -> dict[str, Any]:
    """Return what is known of a cell: its facts, the conditions that stand for it, its figures and its siblings."""
    found = view.ask("cells").filter(pl.col("cell_id") == cell)
    facts = found.row(0, named=True) if found.height else {}
    block = _standing_block(view, cell)
    return {
        "facts": facts,
        "block": block,
        "figures": tell_figures(view, cell, summary, facts, block) if summary else [],
        "siblings": [("cell", sibling) for sibling in list_siblings(view, found)],
    }


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


def list_steps(view: View, test: str) -> list[tuple[str | int, str]]:
    """Return the steps of a test to choose from; of many, those of the first cycles."""
    # The steps as they are stored: the question about them has thirty columns.
    steps = read_stored(view.asking.home, test, STEPS, columns=("step_count", "kind", "cycle")).head(MOST_STEPS)
    chosen = [(one["step_count"], _name_step(view, one)) for one in steps.iter_rows(named=True)]
    return [("", Text("all of them").say(view.voice)), *chosen]


def _standing_block(view: View, cell: str) -> dict[str, Any]:
    """Return the conditions that stand for the cell, empty where none do."""
    blocks = view.ask("conditions", cell=cell).filter("stands_for_cell")
    return blocks.row(0, named=True) if blocks.height else {}


def _name_step(view: View, step: dict[str, Any]) -> str:
    kind = translator(view.language)(CODES.get(step["kind"], step["kind"]))
    return f"{step['step_count']} · {kind} · #{step['cycle']}"
