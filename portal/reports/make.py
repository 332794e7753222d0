"""A test report from its name to its bytes: what the command line and the portal both call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from portal.reports.book import make_book
from portal.reports.bundle import make_bundle
from portal.reports.facts import Facts
from portal.reports.gather import gather_facts
from portal.reports.look import Ask
from portal.reports.pdf import make_pdf
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.reports.issue import Issue, find_issue, issue_report
from warehouse.reports.shelf import Shelf
from warehouse.reports.site import Language
from warehouse.reports.subject import find_subject

Kind = Literal["pdf", "xlsx", "zip"]
KINDS: Final[tuple[Kind, ...]] = ("pdf", "xlsx", "zip")


@dataclass(frozen=True)
class Order:
    """What is wanted.

    Args:
        firm: code of the firm.
        name: cell, lot or wafer.
        kind: which document.
        language: of the document.
        revision: an earlier one, as it was handed out then; None for the report of today's data.
    """

    firm: str
    name: str
    kind: Kind
    language: Language
    revision: int | None = None


@dataclass(frozen=True)
class Document:
    """A document of a report.

    Args:
        issue: number, revision and date of the report.
        order: what was wanted.
        content: its bytes.
        not_stated: what the site does not state and a report should.
    """

    issue: Issue
    order: Order
    content: bytes
    not_stated: tuple[str, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Hash of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def name(self) -> str:
        """A file name: number, revision and language."""
        return f"{self.issue.identity}-{self.order.language}.{self.order.kind}"


def make_report(home: Home, ask: Ask, order: Order) -> Document:
    """Issue the report of a cell, lot or wafer, or find the one that was issued of the same facts; return a document.

    Args:
        home: its registry keeps the numbers, its shelf the documents.
        ask: answers named queries.
        order: what is wanted.

    Raises:
        UsageError: the firm has nothing by that name, or no such revision of its report.
        NothingMeasuredError: nothing was measured of it yet.
    """
    # An earlier revision is what the customer holds: it is looked up, never made again.
    if order.revision is not None:
        return _find_earlier(home, order, order.revision)
    subject = find_subject(home.registry, order.firm, order.name)
    facts = gather_facts(ask, subject, home.settings.site, home.recipe_of(order.firm))
    # The number belongs to the facts and not to the document, so PDF and workbook of one report share it.
    issue = issue_report(home.registry, order.firm, order.name, facts.parts())
    shelf = Shelf(home.folder, home.registry)
    # What was once handed out is handed out again, byte for byte, even by a newer version of this program.
    content = shelf.find(order.firm, issue, order.language, order.kind)
    if content is None:
        content = _make(ask, facts, issue, order)
        shelf.keep(order.firm, issue, order.language, order.kind, content)
    return Document(issue, order, content, tuple(facts.list_missing()))


def _find_earlier(home: Home, order: Order, revision: int) -> Document:
    """Return a document of an earlier revision; nobody can make it again, for its data may have changed."""
    issue = find_issue(home.registry, order.firm, order.name, revision)
    shelf = Shelf(home.folder, home.registry)
    content = None if issue is None else shelf.find(order.firm, issue, order.language, order.kind)
    # Not each kind and language was asked for at the time; what nobody asked for was never made.
    if issue is None or content is None:
        raise UsageError(
            f"no {order.kind} in {order.language} was handed out of revision {revision} of {order.name!r} / "
            f"{order.name!r} 성적서 개정 {revision}의 {order.kind} 문서가 없습니다"
        )
    return Document(issue, order, content)


def _make(ask: Ask, facts: Facts, issue: Issue, order: Order) -> bytes:
    if order.kind == "pdf":
        return make_pdf(facts, issue, order.language)
    if order.kind == "xlsx":
        return make_book(facts, issue, order.language)
    return make_bundle(ask, facts, issue, order.language)
