"""The first page: the items of ISO/IEC 17025, 7.8.2.1, that say who tested what, where, when and how."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from portal.reports.blocks import Block, Page
from portal.reports.facts import Facts
from portal.reports.marks import N_
from portal.reports.method import METHODS
from portal.reports.notes import list_names
from portal.reports.numbers import write_day, write_span
from portal.reports.words import PARTS, name_code
from warehouse.reports.issue import Issue
from warehouse.reports.site import ENGLISH, Language

STATEMENTS: Final = (
    N_("The results relate only to the items tested."),
    N_("This report shall not be reproduced except in full without the laboratory's written approval."),
    N_(
        "In-house methods outside any scope of accreditation: "
        "this is a general report and carries no accreditation mark."
    ),
)
SIGNING: Final = (
    (N_("Tested by"), "tested_by"),
    (N_("Reviewed by"), "reviewed_by"),
    (N_("Authorised by"), "authorised_by"),
)


def read_text(facts: Facts, name: str, language: Language) -> str | None:
    """Return what the site states under a name, in the language where it stands in both."""
    texts = facts.site.texts
    return (texts.get(name + ENGLISH) if language == "en" else None) or texts.get(name)


def make_cover(page: Page, facts: Facts, issue: Issue) -> dict[str, Any]:
    """Return the first page."""
    say = page.say
    signatures = [
        {"role": say(role), "name": page.stated(read_text(facts, key, page.language))} for role, key in SIGNING
    ]
    return {
        "subtitle": say("General report, results of in-house methods"),
        "form": page.pairs([*_tell_parties(page, facts, issue), *_tell_work(page, facts, issue)], "form"),
        "statements": [say(sentence) for sentence in STATEMENTS],
        "signatures": signatures,
        "signing": say("(signature)"),
        "issued": write_day(issue.issued_unix_second),
    }


def _tell_parties(page: Page, facts: Facts, issue: Issue) -> list[tuple[str, str | Block]]:
    say, language = page.say, page.language
    # Only the customer's own table is ever looked at.
    customer = facts.site.customers.get(facts.subject["firm"], {})
    told = {
        name: (customer.get(name + ENGLISH) if language == "en" else None) or customer.get(name)
        for name in ("contact", "address")
    }
    return [
        (say("Report number"), _tell_number(page, issue)),
        (say("Laboratory"), page.stated(read_text(facts, "laboratory", language))),
        (say("Laboratory's address"), page.stated(read_text(facts, "address", language))),
        (say("Laboratory's contact"), page.stated(read_text(facts, "contact", language))),
        (say("Location of the activity"), page.stated(read_text(facts, "location", language))),
        (say("Customer"), f"{facts.subject['firm_name']} ({facts.subject['firm']})"),
        (say("Customer's contact"), page.stated(told["contact"])),
        (say("Customer's address"), page.stated(told["address"])),
    ]


def _tell_number(page: Page, issue: Issue) -> str:
    if issue.replaced_unix_second is None:
        return issue.identity
    return page.say(
        "{identity}, replaces {before} of {day}; changed: {parts}",
        identity=issue.identity,
        before=f"{issue.number}-R{issue.revision - 1}",
        day=write_day(issue.replaced_unix_second),
        parts=", ".join(page.say(PARTS[part]) for part in issue.changed if part in PARTS),
    )


def _tell_work(page: Page, facts: Facts, issue: Issue) -> list[tuple[str, str | Block]]:
    say, language = page.say, page.language
    tests = facts.tables["tests"]
    first, last = (tests[name].drop_nulls().to_list() for name in ("first_unix_second", "last_unix_second"))
    days = write_span(write_day(min(first, default=None)), write_day(max(last, default=None)))
    return [
        (say("Item tested"), tell_item(page, facts)),
        (say("Condition of the items"), _tell_column(page, facts, "condition")),
        (say("Date received"), _tell_column(page, facts, "received")),
        (say("Date of sampling"), _tell_column(page, facts, "sampled")),
        (say("Sampling plan"), page.stated(read_text(facts, "sampling", language))),
        (say("Dates of performance"), page.stated(days)),
        (say("Method"), tell_methods(page, facts)),
        (say("Environment"), _tell_environment(page, facts)),
        (say("Results of external providers"), page.stated(read_text(facts, "external", language))),
        (say("Date of issue"), write_day(issue.issued_unix_second)),
    ]


def tell_item(page: Page, facts: Facts) -> str:
    """Return what was tested: kind, lot, wafer, die, name and number of the items."""
    items = facts.tables["items"]
    if not facts.is_cell:
        kind = name_code(facts.subject["kind"], page.say)
        count = page.say(
            "{count} cells, {measured} of them measured", count=items.height, measured=_count_measured(facts)
        )
        return f"{kind} {facts.subject['name']} · {count}"
    cell = items.row(0, named=True)
    die = None if cell["die_x"] is None else f"({cell['die_x']}, {cell['die_y']})"
    parts = (
        (N_("Lot"), cell["lot"]),
        (N_("Wafer"), cell["wafer"]),
        (N_("Die"), die),
        (N_("Chemistry"), cell["chemistry"]),
    )
    told = [f"{page.say(word)} {value}" for word, value in parts if value]
    return " · ".join([f"{page.say('Cell')} {cell['cell_id']}", *told])


def tell_methods(page: Page, facts: Facts) -> str:
    """Return the in-house methods whose results are in the report, by identity and version."""
    used = [METHODS[name] for name in METHODS if facts.holds(name)]
    names = [f"{identity}:{version} {page.say(title)}" for identity, version, title in used]
    stamped = page.say("recipe {recipe}", recipe=facts.method["recipe"])
    return f"{page.say('In-house methods')}: {'; '.join(names)} ({stamped})"


def _count_measured(facts: Facts) -> int:
    return int(facts.tables["tests"]["cell_id"].n_unique())


def _tell_column(page: Page, facts: Facts, name: str) -> str | Block:
    values = facts.tables["items"][name].drop_nulls().unique().sort().to_list()
    return page.stated(list_names(values))


def _tell_environment(page: Page, facts: Facts) -> str | Block:
    """Return the recorded temperature and what the site states; humidity and dew point no cycler records."""
    stated = read_text(facts, "environment", page.language)
    values = (
        facts.tables["conditions"].select(pl.col("temperature_celsius").drop_nulls())["temperature_celsius"].to_list()
    )
    recorded = (
        page.say("recorded: {low} to {high} °C", low=f"{min(values):.1f}", high=f"{max(values):.1f}") if values else ""
    )
    return page.stated("; ".join(part for part in (stated, recorded) if part))
