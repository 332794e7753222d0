"""A report as PDF, set by typst from a template; the same report gives the same bytes."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from portal.reports.background import make_background, make_notes
from portal.reports.blocks import Block, Page
from portal.reports.cover import make_cover, read_text
from portal.reports.facts import Facts
from portal.reports.figures import make_results
from portal.reports.glyphs import FAMILY, find_fonts, fit_all
from portal.reports.words import learn_words
from warehouse.errors import SchemaMismatch
from warehouse.reports.issue import Issue
from warehouse.reports.site import Language

if TYPE_CHECKING:
    import typst

TEMPLATE: Final = "report.typ"
# Kept for decades and read aloud: PDF/A, tagged.
STANDARD: Final = "a-2a"


def make_pdf(facts: Facts, issue: Issue, language: Language) -> bytes:
    """Return the report as PDF/A.

    Raises:
        UsageError: the font is not installed.
        SchemaMismatch: the template does not take what it was given.
    """
    document = make_document(facts, issue, language)
    return typeset(document, int(issue.issued_unix_second))


def make_document(facts: Facts, issue: Issue, language: Language) -> dict[str, Any]:
    """Return all that the template prints, in words of one language that the font has."""
    replaced: set[str] = set()
    page = Page(learn_words(language), language, [])
    say = page.say
    document = {
        "language": language,
        "font": FAMILY,
        "title": say("Test report"),
        "spread_title": say("T E S T  R E P O R T"),
        "identity": issue.identity,
        "number_label": say("Report number"),
        "page_label": say("Page"),
        "laboratory": _tell_laboratory(page, facts),
        "footer": say("Relates only to the items tested. Not to be reproduced except in full."),
        "end": say("End of test report {identity}", identity=issue.identity),
        "issued_label": say("Date of issue"),
        "cover": make_cover(page, facts, issue),
        "sections": [*make_results(page, facts), *make_background(page, facts)],
    }
    fitted = fit_all(document, replaced)
    fitted["sections"] += fit_all(make_notes(page, facts, replaced), set())
    return dict(fitted)


def _tell_laboratory(page: Page, facts: Facts) -> str | Block:
    """Return the laboratory for the head of each page."""
    unnamed: Block = {"missing": f"{page.say('Laboratory')}: {page.say('not stated')}"}
    return read_text(facts, "laboratory", page.language) or unnamed


def typeset(document: dict[str, Any], unix_second: int) -> bytes:
    """Return a document as PDF, dated at a moment."""
    import typst  # noqa: PLC0415 a large library that only reports pay for

    inputs = {"report": json.dumps(document, ensure_ascii=False)}
    # The compiler keeps what it compiled; each document gets one of its own.
    compiler = typst.Compiler(_template(), font_paths=_fonts(), ignore_system_fonts=True, sys_inputs=inputs)
    try:
        made = compiler.compile(format="pdf", timestamp=unix_second, pdf_standards=STANDARD)
    except typst.TypstError as error:
        raise SchemaMismatch(f"{TEMPLATE}: {error.message}") from error
    if not isinstance(made, bytes):
        raise SchemaMismatch(f"{TEMPLATE}: no PDF came of it")
    return made


def _template() -> Path:
    return Path(str(resources.files("portal") / "templates" / "report" / TEMPLATE))


@cache
def _fonts() -> typst.Fonts:
    """Return the report's fonts and no others: what another machine has installed must not change a byte."""
    import typst  # noqa: PLC0415 likewise

    folders = sorted({str(file.parent) for file in find_fonts()})
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
