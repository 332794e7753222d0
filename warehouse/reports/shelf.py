"""Documents of issued reports, kept beside the archive: what was handed out can be handed out again, bytes and all.

The registry has each document's hash. A bundle is not kept: its documents are, and its tables are in the warehouse.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from warehouse.files import publish_file, temporary_beside
from warehouse.registry import Registry, Row
from warehouse.reports.issue import REPORT_FILE, Issue, note_document

FOLDER: Final = "issued"
KEPT: Final = ("pdf", "xlsx")


class Shelf:
    """The issued documents of one home.

    Args:
        folder: the home.
        registry: has the hash of every document that was handed out.
    """

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder / FOLDER
        self._registry = registry

    def keep(self, firm: str, issue: Issue, language: str, kind: str, content: bytes) -> None:
        """Note a document that is handed out, and keep its bytes.

        Raises:
            DamageError: it was handed out with other bytes before.
        """
        # What is known must not be written over by anything else; what is not is written before it is known, so that
        # a document that the registry knows is there, even after a power cut.
        if self._known(issue, language, kind) is not None:
            note_document(self._registry, issue, language, kind, content)
        if kind in KEPT:
            self._write(self._place(firm, issue, language, kind), content)
        note_document(self._registry, issue, language, kind, content)

    def find(self, firm: str, issue: Issue, language: str, kind: str) -> bytes | None:
        """Return a document as it was handed out; None where it was not, was not kept, or is damaged."""
        known, place = self._known(issue, language, kind), self._place(firm, issue, language, kind)
        if known is None or not place.is_file():
            return None
        content = place.read_bytes()
        return content if hashlib.sha256(content).hexdigest() == known["sha256"] else None

    def _known(self, issue: Issue, language: str, kind: str) -> Row | None:
        key = {"number": issue.number, "revision": issue.revision, "language": language, "kind": kind}
        return self._registry.row(REPORT_FILE, **key)

    def _place(self, firm: str, issue: Issue, language: str, kind: str) -> Path:
        return self.folder / firm / f"{issue.identity}-{language}.{kind}"

    @staticmethod
    def _write(place: Path, content: bytes) -> None:
        temporary = temporary_beside(place)
        temporary.write_bytes(content)
        publish_file(temporary, place)
