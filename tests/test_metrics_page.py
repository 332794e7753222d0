"""``docs/metrics.md``: every metric has formula, unit, conditions and source, and the page says all of them."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module

import pytest

from flows.metrics_page import NO_METRICS, is_metric, metric_questions, write_metrics
from warehouse.ask import NOTES, Question, questions
from warehouse.recipe import Recipe
from warehouse.results import PACKAGES, computations

PAGE = write_metrics()
METRICS = pytest.mark.parametrize("question", metric_questions(), ids=lambda question: question.name)
# How the unit of a column is written at the end of its name.
ENDINGS = {
    "s": ("second", "start_time"),
    "h": ("hour", "hours"),
    "d": ("day",),
    "V": ("volt",),
    "A": ("ampere",),
    "Ah": ("ah",),
    "Wh": ("wh",),
    "Ω": ("ohm",),
    "°C": ("celsius",),
    "K": ("kelvin",),
    "Hz": ("hertz",),
    "F": ("farad",),
    "H": ("henry",),
    "m": ("metre",),
    "m²": ("square_metre",),
    "eV": ("electronvolt",),
    "W": ("watt",),
    "Ah/m²": ("ah_per_square_metre",),
    "Ah/m³": ("ah_per_cubic_metre",),
    "Wh/m²": ("wh_per_square_metre",),
    "Wh/m³": ("wh_per_cubic_metre",),
    "Ω·m²": ("ohm_square_metre",),
    "S/m": ("siemens_per_metre",),
    "1/h": ("per_hour",),
}


@METRICS
def test_every_metric_question_has_formula_and_source(question: Question) -> None:
    """The head of a question about metrics says by which formula, and from where it is."""
    assert {"formula", "source"} <= {kind for kind, _ in question.notes}
    assert all(text.strip() for _, text in question.notes)


@METRICS
def test_every_column_has_its_unit_in_its_name(question: Question) -> None:
    """A column with a unit says it in its name, one that ends with a unit's name has it, and all have a meaning."""
    for name, unit, meaning in question.columns:
        assert meaning, name
        if unit in ENDINGS:
            assert any(name.endswith(ending) or f"_{ending}_" in name for ending in ENDINGS[unit]), name
        elif name.endswith(("_volt", "_ampere", "_ah", "_wh", "_ohm", "_celsius", "_second", "_hertz")):
            assert unit, name


@METRICS
def test_the_page_says_every_metric_of_a_question(question: Question) -> None:
    """Question, formulae, conditions, sources and figures of a head stand on the page."""
    section = PAGE.partition(f"\n## {question.name}\n\n{question.asks}")[2].partition("\n## ")[0]
    for kind, text in question.notes:
        assert f"* *{kind}*: {' '.join(text.split())}\n" in section
    for name, unit, _ in question.columns:
        assert not is_metric(name, unit) or f"| `{name}` | {unit} |" in section


def test_questions_without_metrics_are_named() -> None:
    """The questions that the page leaves out exist, and none of them states a formula."""
    assert set(NO_METRICS) <= questions().keys()
    assert not [name for name in NO_METRICS if any(kind == "formula" for kind, _ in questions()[name].notes)]


def test_notes_are_no_columns() -> None:
    """A line of a head that is a note is not taken for a column, whatever signs its formula holds."""
    for question in questions().values():
        assert all(name.isidentifier() for name, _, _ in question.columns), question.name
        assert {kind for kind, _ in question.notes} <= set(NOTES)


def test_the_page_says_the_whole_recipe() -> None:
    """Each value of each section of the recipe stands on the page with its meaning."""
    for part in fields(Recipe()):
        section = getattr(Recipe(), part.name)
        if isinstance(section, str):
            continue
        for value in fields(section):
            rows = [line for line in PAGE.splitlines() if line.startswith(f"| `{part.name}.{value.name}` |")]
            assert len(rows) == 1, f"{part.name}.{value.name}"
            assert len(rows[0].split(" | ")[-1].strip(" |")) > 2, f"{part.name}.{value.name} has no meaning"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_page_says_what_the_packages_compute(package: str) -> None:
    """Each package that computes stands on the page with the first sentence of its own text."""
    lead = (import_module(f"warehouse.{package}").__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
    assert f"## warehouse.{package}\n\n{lead.replace('``', '`')}" in PAGE


def test_every_result_table_can_be_asked_for() -> None:
    """Each table of results is read by a question, so that its figures are explained."""
    read = {name for question in questions().values() for name in (question.name, *question.reads)}
    assert {table.name for one in computations() for table in one.tables} <= read


def test_names_of_the_recipe_in_heads_exist() -> None:
    """A value of the recipe that a head names, like ``life.end_of_life``, is one."""
    sections = {one.name: getattr(Recipe(), one.name) for one in fields(Recipe())}
    for question in questions().values():
        for _, text in question.notes:
            for word in text.replace(",", " ").replace(";", " ").replace(")", " ").replace("(", " ").split():
                section, _, value = word.rstrip(".:").partition(".")
                if section in sections and value and not isinstance(sections[section], str):
                    assert hasattr(sections[section], value), f"{question.name}: {word}"
