"""Why this number: formula, recipe and its settings, and the files with their rows, hashes and readers behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter, Query
from starlette.responses import Response

from portal.asking import reads_of
from portal.pages.firm_sources import describe_sources
from portal.pages.firm_view import View, ViewHere
from portal.problems import not_found
from portal.translation import catalogue
from warehouse.ask import PARAMETER, Question, questions
from warehouse.results import PACKAGES, result_tables

router: Final = APIRouter()

# A number about a whole firm has thousands of files behind it; the API lists them all.
MOST_SOURCES: Final = 200
SPECTRAL: Final = frozenset({"spectra", "spectrum_fits", "spectrum_elements", "arrhenius"})
DERIVED: Final = frozenset({"steps", "cycles"})
Name = Annotated[str, Query(max_length=100)]
Of = Annotated[str, Query(max_length=400)]


@dataclass(frozen=True)
class Said:
    """A sentence of the warehouse in the page's language, or in English where it has no other.

    Args:
        text: the sentence.
        language: the language that it is in.
    """

    text: str
    language: str


@router.get("/why")
def explain_number(
    view: ViewHere, query: Name, column: Name, *, cell: Of = "", test: Of = "", part: Annotated[int, Query()] = 0
) -> Response:
    """Say where a number comes from; with ``part`` only what a dialog on another page needs."""
    question = questions().get(query)
    columns = {name: (unit, meaning) for name, unit, meaning in question.columns} if question else {}
    if question is None or column not in columns:
        raise not_found()
    sources = [one for one in describe_sources(view, cell or None, test or None) if _is_read(question, one["kind"])]
    # Asked before anything is shown: a name of another firm must look like none at all.
    if (cell or test) and not sources:
        # Of a cell without tests there is still what the manifest says; of another firm's there is nothing.
        view.ask("cells", cell=cell or None, test=test or None)
    unit, meaning = columns[column]
    recipe = view.asking.home.recipe_of(view.firm)
    return view.render(
        "firm/why_part.html" if part else "firm/why.html",
        question=question,
        asks=say_known(view, question.asks),
        column=column,
        unit=unit,
        meaning=say_known(view, meaning),
        notes=[(kind, say_known(view, text)) for kind, text in choose_notes(question, column)],
        recipe=recipe,
        settings=list_settings(question, recipe.parameters),
        about=cell or test,
        sources=sources[:MOST_SOURCES],
        hidden=max(len(sources) - MOST_SOURCES, 0),
        quality=_index_quality(view, sources[:MOST_SOURCES]),
    )


def choose_notes(question: Question, column: str) -> list[tuple[str, str]]:
    """Return the formulas, conditions and sources of a column: those that name it, and those that name no other."""
    others = {name for name, _, _ in question.columns if name != column and "_" in name}
    about = [(kind, text) for kind, text in question.notes if _names(text, column)]
    general = [
        (kind, text)
        for kind, text in question.notes
        if not _names(text, column) and not any(_names(text, other) for other in others)
    ]
    return [*about, *general]


def say_known(view: View, sentence: str) -> Said:
    """Return a sentence of the warehouse in the page's language where the catalogue has it."""
    translated = catalogue(view.language).get(sentence)
    return Said(translated, view.language) if translated else Said(sentence, "en")


def list_settings(question: Question, parameters: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the settings of the recipe that a question's numbers depend on, each with its value."""
    named = set(_named_in(question))
    sections = sections_behind(question.name)
    chosen = [name for name in parameters if name in named or name.partition("_")[0] in sections]
    return [(name.replace("_", ".", 1), parameters[name]) for name in chosen if name not in {"recipe", "method"}]


@cache
def sections_behind(name: str) -> frozenset[str]:
    """Return the sections of the recipe behind the tables that a question reads and that SQL does not make."""
    read = reads_of(name)
    made_by = {
        table: package
        for package in PACKAGES
        for one in import_module(f"warehouse.{package}").COMPUTATIONS
        for table in (declared.name for declared in one.tables)
    }
    computed = {made_by[table] for table in read & result_tables().keys()}
    return frozenset(computed | ({"derivation"} if read & DERIVED else set()))


def _is_read(question: Question, kind: str) -> bool:
    """Whether a question reads tests of a kind: spectra say nothing of a fade, nor cycles of a spectrum."""
    read = {question.name, *reads_of(question.name)}
    if question.name == "tests":
        return True
    return bool(read & SPECTRAL) if kind == "eis" else bool(read - SPECTRAL - {"test", "cell"})


def _names(text: str, column: str) -> bool:
    return re.search(rf"(?<![a-z_.]){re.escape(column)}(?![a-z_])", text) is not None


def _named_in(question: Question) -> Iterator[str]:
    """Yield the settings that a question's SQL names, and those of the questions that it is made of."""
    for name in {question.name, *reads_of(question.name)} & questions().keys():
        yield from PARAMETER.findall(questions()[name].sql)


def _index_quality(view: View, sources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return how far each test's numbers agree with the instrument's own counters."""
    wanted = [source["test_id"] for source in sources]
    rows = view.ask("quality").filter(pl.col("test_id").is_in(wanted))
    return {row["test_id"]: row for row in rows.iter_rows(named=True)}
