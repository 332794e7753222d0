"""Every error that Cellar raises on purpose.

::

    CellarError
    ├── FormatUnknown       no format, or more than one, claims the source      → quarantine
    ├── ParseError          a claimed source breaks its format's rules          → quarantine
    ├── ContradictionError  values contradict physics or the manifest           → quarantine
    ├── ManifestError       a row of a manifest cannot be taken                 → told to the user, nothing is stored
    ├── UsageError          a name that does not exist, an option out of range  → exit code 2
    ├── SchemaMismatch      a reader broke the schema: our defect               → fails loudly
    ├── DamageError         a stored file is not what the registry says         → fails loudly, `cellar verify`
    └── StoreBusy           another writer holds the lease                      → retry
        └── SourceBusy      the source is still being written                   → retry, after the others

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
    """A manifest row that cannot be taken.

    Args:
        path: the manifest.
        row: its row, from 1 below the header.
        detail: what is wrong with it.
    """

    def __init__(self, path: str, row: int, detail: str) -> None:
        self.path = path
        self.row = row
        self.detail = detail
        super().__init__(f"{path}: row {row}: {detail}")


class UsageError(CellarError):
    """The user named something that does not exist or asked for something that cannot be."""


class SchemaMismatch(CellarError):  # noqa: N818 the name that the design's error tree gives it
    """A table does not have the columns or types that the schema declares: our defect."""


class DamageError(CellarError):
    """A stored file does not have the bytes that the registry promises."""


class StoreBusy(CellarError):  # noqa: N818 the name that the design's error tree gives it
    """Another writer holds the lease; try again later."""


class SourceBusy(StoreBusy):
    """The source changed while it was copied: its own writer is not done."""
