"""A report's facts from the warehouse's named queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from portal.reports.facts import Facts, round_table
from portal.reports.items import gather_equipment, gather_items, gather_sources, gather_tests
from portal.reports.judgements import gather_conformity
from portal.reports.loads import gather_impedance, gather_pulses, gather_rate, gather_resistance
from portal.reports.look import Ask, Look, NothingMeasuredError
from portal.reports.method import describe_method
from portal.reports.notes import gather_notes
from portal.reports.program import gather_conditions, gather_program
from portal.reports.results import gather_cycles, gather_statistics, gather_summary
from portal.reports.uncertainty import make_budget
from warehouse.recipe import Recipe
from warehouse.reports.site import Site
from warehouse.reports.subject import Subject

GATHERERS: Mapping[str, Callable[[Look], pl.DataFrame]] = {
    "items": gather_items,
    "tests": gather_tests,
    "sources": gather_sources,
    "equipment": gather_equipment,
    "program": gather_program,
    "conditions": gather_conditions,
    "summary": gather_summary,
    "cycles": gather_cycles,
    "statistics": gather_statistics,
    "rate": gather_rate,
    "resistance": gather_resistance,
    "pulses": gather_pulses,
    "impedance": gather_impedance,
    "conformity": gather_conformity,
}


def gather_facts(ask: Ask, subject: Subject, site: Site, recipe: Recipe) -> Facts:
    """Return what a report about a subject says.

    Raises:
        NothingMeasuredError: there is no test of it.
    """
    if subject.tests.is_empty():
        raise NothingMeasuredError(
            f"nothing was measured of {subject.name} yet: there is nothing to report / "
            f"{subject.name}의 시험 데이터가 아직 없어 성적서를 만들 수 없습니다"
        )
    # Each query is asked once, however many parts are made of it.
    look = Look(ask, subject, recipe)
    tables = {name: round_table(gather(look)) for name, gather in GATHERERS.items()}
    # Before the notes, which tell of what is missing in it.
    budget = make_budget(look, site)
    return Facts(
        {"name": subject.name, "kind": subject.kind, "firm": subject.firm, "firm_name": subject.firm_name},
        describe_method(recipe),
        site,
        tables,
        budget,
        gather_notes(look, tables, site, budget),
    )
