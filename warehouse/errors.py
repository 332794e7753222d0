"""Every error that Cellar raises on purpose.

::

    CellarError
    ├── FormatUnknown       no format, or more than one, claims the source      → quarantine
    ├── ParseError          a claimed source breaks its format's rules          → quarantine
    ├── ContradictionError  values contradict physics or the manifest           → quarantine
    ├── ManifestError       a row of a manifest cannot be taken                 → told to the user, nothing is stored
    ├── UsageError          a name that does not exist, an option out of range  → exit code 2
    ├── SchemaMismatch      a reader broke the schema: our defect               → fails loudly
    ├── RegistryLost        the registry is gone, its journal is there          → `cellar verify --repair`
    ├── DamageError         a stored file is not what the registry says         → fails loudly, `cellar verify`
    └── StoreBusy           another writer holds the lease                      → retry
        ├── SourceBusy      the source is still being written, or its share is gone → retry, after the others
        ├── StoreFailed     our own disk or database refused: full, or failing      → retry, after the others
        ├── LeaseLost       another took over while we were paused              → what we made is dropped
        └── Outdated        the test changed while we derived from it           → derive again

What is retried and what is quarantined is decided by class, never by message.
A ``code`` names the case; the sentences that a technician reads, in English and Korean, are in
``warehouse/sentences.py`` under that code.
"""

from __future__ import annotations

from typing import ClassVar


class CellarError(Exception):
    """The root of all errors raised on purpose."""


class QuarantineError(CellarError):
    """A source that cannot be taken as it is: kept, set aside, explained.

    Args:
        path: the file as the user knows it.
        detail: what was found, in English, for the work list and the log.
        code: the case, a key of ``warehouse.sentences``; each class has a default.
        byte: offset of the offence in the file, from 0.
        line: line of the offence, from 1.
        column: name of the offending column.
    """

    default_code: ClassVar[str] = "unreadable"

    def __init__(
        self,
        path: str,
        detail: str,
        *,
        code: str | None = None,
        byte: int | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        self.path = path
        self.detail = detail
        self.code = code or self.default_code
        self.byte = byte
        self.line = line
        self.column = column
        super().__init__(f"{path}: {self.where + ': ' if self.where else ''}{detail}")

    @property
    def where(self) -> str:
        """The place in the file: ``byte 4096``, ``line 12, column Volts`` or nothing."""
        place = []
        if self.byte is not None:
            place.append(f"byte {self.byte}")
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.column is not None:
            place.append(f"column {self.column}")
        return ", ".join(place)


class FormatUnknown(QuarantineError):  # noqa: N818 the name that the design's error tree gives it
    """No format, or more than one, claims the source."""

    default_code = "format_unknown"


class ParseError(QuarantineError):
    """A claimed source breaks the rules of its format."""

    default_code = "broken_file"


class ContradictionError(QuarantineError):
    """The values contradict physics, each other, or the manifest."""

    default_code = "contradiction"


class ManifestError(CellarError):
    """A row of a manifest that cannot be taken.

    Args:
        path: the manifest.
        row: its row as a spreadsheet counts it: from 1, the header included.
        code: the case, a key of ``warehouse.manifest_sentences``.
        found: what was found.
        column: name of the offending column, as the manifest writes it.
        sheet: name of the sheet, where the manifest has several.
    """

    def __init__(self, path: str, row: int, code: str, found: str, *, column: str = "", sheet: str = "") -> None:
        self.path = path
        self.row = row
        self.code = code
        self.found = found
        self.column = column
        self.sheet = sheet
        super().__init__(f"{path}: {self.where}: {code}: {found}")

    @property
    def where(self) -> str:
        """The place in the manifest: ``sheet Cells, row 12, column die_x``."""
        parts = (("sheet", self.sheet), ("row", self.row), ("column", self.column))
        return ", ".join(f"{word} {value}" for word, value in parts if value)


class UsageError(CellarError):
    """The user named something that does not exist or asked for something that cannot be."""


class SchemaMismatch(CellarError):  # noqa: N818 the name that the design's error tree gives it
    """A table does not have the columns or types that the schema declares: our defect."""


class DamageError(CellarError):
    """A stored file does not have the bytes that the registry promises."""


class RegistryLost(CellarError):  # noqa: N818 named for what happened, as the others are
    """The registry is gone, but its journal is there: nothing may be written before it is made again."""


class StoreBusy(CellarError):  # noqa: N818 the name that the design's error tree gives it
    """Another writer holds the lease; try again later."""


class SourceBusy(StoreBusy):
    """The source changed while it was copied: its own writer is not done."""


class StoreFailed(StoreBusy):
    """Our own disk or database refused to write; nothing is lost, and it is tried again."""


class LeaseLost(StoreBusy):
    """Another worker took over what we worked on while we were paused; nothing of ours was committed."""


class Outdated(StoreBusy):
    """What a result was made from has changed meanwhile; it has to be made again."""
