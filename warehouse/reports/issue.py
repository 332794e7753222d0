"""Numbers of test reports: the same facts keep their number and revision, and a document never has other bytes.

A number is made of firm, subject and what the first revision was made of. Facts or software that differ
from those of the latest revision make the next one; which parts of the facts changed is told by the parts' hashes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from warehouse.errors import DamageError
from warehouse.recipe import hash_values
from warehouse.registry import SQL_TABLES, Registry, Row

REPORT: Final = SQL_TABLES["report"]
REPORT_FILE: Final = SQL_TABLES["report_file"]
PREFIX: Final = "CR"
DIGITS: Final = 12
GROUP: Final = 4


@dataclass(frozen=True)
class Issue:
    """A report as it was issued.

    Args:
        number: of the report, the same in all revisions.
        revision: from 1.
        issued_unix_second: when.
        made_of: hash of facts and software.
        replaced_unix_second: when the revision before was issued; None for the first.
        changed: parts of the facts that differ from the revision before.
    """

    number: str
    revision: int
    issued_unix_second: float
    made_of: str
    replaced_unix_second: float | None = None
    changed: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What stands on every page."""
        return f"{self.number}-R{self.revision}"


def issue_report(registry: Registry, firm: str, subject: str, parts: Mapping[str, Any]) -> Issue:
    """Return the report of these facts: the one that was issued of them, or a new number or revision.

    Args:
        registry: where reports are kept.
        firm: code of the firm.
        subject: cell, lot or wafer.
        parts: all that the report is made of, plain values by part.
    """
    hashes = {name: hash_values(part) for name, part in parts.items()}
    made_of = hash_values(hashes)
    known = list_reports(registry, firm, subject)
    if known and known[-1]["made_of"] == made_of:
        return _tell(known)
    # Whole seconds: that is how precisely a document says it.
    row = {"firm": firm, "subject": subject, "made_of": made_of, "issued_unix_second": float(int(time.time()))}
    with registry.write() as connection:
        # Another process may have issued it since we looked.
        known = [dict(found) for found in connection.execute(_of_subject(firm, subject)).mappings()]
        if not known or known[-1]["made_of"] != made_of:
            number = known[-1]["number"] if known else _make_number(firm, subject, made_of)
            row |= {"number": number, "revision": len(known) + 1, "parts": json.dumps(hashes, sort_keys=True)}
            row["sha256"] = hash_values(row)
            registry.put(connection, REPORT, row)
            known.append(row)
    return _tell(known)


def find_issue(registry: Registry, firm: str, subject: str, revision: int) -> Issue | None:
    """Return a report that was issued of a subject; None where there is no such revision."""
    known = list_reports(registry, firm, subject)
    return _tell(known[:revision]) if 1 <= revision <= len(known) else None


def list_reports(registry: Registry, firm: str, subject: str | None = None) -> list[Row]:
    """Return the reports that were issued to a firm, or of one subject, oldest first."""
    return registry.rows(_of_subject(firm, subject))


def note_document(registry: Registry, issue: Issue, language: str, kind: str, content: bytes) -> str:
    """Note a document that is handed out; returns its hash.

    Raises:
        DamageError: the same document was handed out with other bytes.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    key = {"number": issue.number, "revision": issue.revision, "language": language, "kind": kind}
    known = registry.row(REPORT_FILE, **key)
    if known is None:
        with registry.write() as connection:
            row = {**key, "sha256": sha256, "size": len(content), "made_unix_second": time.time()}
            registry.put(connection, REPORT_FILE, row)
    elif known["sha256"] != sha256:
        raise DamageError(f"report {issue.identity} ({language}, {kind}) was handed out with other bytes before")
    return sha256


def _of_subject(firm: str, subject: str | None) -> sa.Select[Any]:
    mine = sa.select(REPORT).where(REPORT.c.firm == firm)
    chosen = mine if subject is None else mine.where(REPORT.c.subject == subject)
    return chosen.order_by(REPORT.c.subject, REPORT.c.revision)


def _tell(known: list[Row]) -> Issue:
    """Return the latest of the reports of one subject."""
    last = known[-1]
    facts = (last["number"], last["revision"], last["issued_unix_second"], last["made_of"])
    if len(known) == 1:
        return Issue(*facts)
    now, before = json.loads(last["parts"]), json.loads(known[-2]["parts"])
    changed = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
    return Issue(*facts, known[-2]["issued_unix_second"], tuple(changed))


def _make_number(firm: str, subject: str, made_of: str) -> str:
    digits = hash_values([firm, subject, made_of])[:DIGITS].upper()
    return "-".join((PREFIX, *(digits[start : start + GROUP] for start in range(0, DIGITS, GROUP))))
