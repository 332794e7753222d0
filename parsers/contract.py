"""What a format is: two functions and a frozen record.

A format is one module in this package. Its last line is ``FORMAT = Format(...)``; being there is its registration.
``sniff`` looks at the start of a source and says whether it is of that format, from content first; it never raises.
``read`` turns a source into a :class:`Reading` or raises :class:`warehouse.errors.ParseError` with the place.

A tester writes while we read. A file that ends anywhere behind its header is a valid prefix: the whole records are read
and the reading is ``incomplete``. A text's last line that has no line end is taken when it has all its cells and each
can be read; a number that was cut inside its digits still looks whole then, and the next version of the file shows it.
``excerpt``, where a format has one, makes reading that next version cost what is new: :mod:`parsers._tail`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal
from zoneinfo import ZoneInfo

import polars as pl

from parsers._workbook import open_workbook
from parsers._zips import MAGIC, open_zip
from warehouse.errors import ParseError
from warehouse.schema import MEASUREMENTS, SPECTRA, conform_columns
from warehouse.workbook import INFLATE_ERRORS

if TYPE_CHECKING:
    import fastexcel

Kind = Literal["cycling", "eis", "companion", "empty"]
Scope = Literal["cycling", "eis", "both", "companion"]
Fact = str | int | float

HEAD_BYTES: Final = 8192
SHEET_ROWS: Final = 12
SITE_ZONE: Final = ZoneInfo("Asia/Seoul")
ZIP_MAGIC: Final = MAGIC
BROKEN_ZIP: Final[tuple[type[Exception], ...]] = (*INFLATE_ERRORS, OSError, RuntimeError, EOFError, ValueError)


@dataclass(frozen=True)
class Peek:
    """The start of a source and what its container lists: all that a sniffer may look at.

    Args:
        path: where the bytes are.
        name: the file's name as the user knows it; a label, not evidence.
    """

    path: Path
    name: str

    @cached_property
    def head(self) -> bytes:
        """The first 8 KiB."""
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    @cached_property
    def text(self) -> str:
        """The head as text: UTF-16 and UTF-8 by byte-order mark, else UTF-8, else cp1252; never fails."""
        return as_text(self.head)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The head's lines; the last one may be cut."""
        return tuple(self.text.splitlines())

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names inside a zip container; empty for anything else."""
        if not self.head.startswith(ZIP_MAGIC):
            return ()
        try:
            with self.path.open("rb") as file, open_zip(file, self.name) as container:
                return tuple(container.namelist())
        except (ParseError, OSError):
            return ()

    @cached_property
    def sheets(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """Sheet name to its first rows as text; empty for anything but an Excel workbook."""
        if "xl/workbook.xml" not in self.members:
            return {}
        import fastexcel  # noqa: PLC0415 only workbooks pay for it

        try:
            book = open_workbook(self.path, self.name)
            return {name: _first_rows(book, name) for name in book.sheet_names}
        except (fastexcel.FastExcelError, ParseError):
            return {}

    @cached_property
    def parquet_columns(self) -> tuple[str, ...]:
        """The column names of a Parquet file; empty for anything else."""
        if not self.head.startswith(b"PAR1"):
            return ()
        try:
            return tuple(pl.read_parquet_schema(self.path))
        except (pl.exceptions.PolarsError, OSError):
            return ()

    def is_of(self, declared: Format) -> bool:
        """Whether a format's sniffer claims the source; each is asked once."""
        if declared.name not in self._told:
            self._told[declared.name] = declared.sniff(self)
        return self._told[declared.name]

    @cached_property
    def _told(self) -> dict[str, bool]:
        return {}

    def contains(self, needle: bytes, within: int) -> bool:
        """Whether the first ``within`` bytes hold ``needle``."""
        with self.path.open("rb") as file:
            return needle in file.read(within)


def as_text(head: bytes) -> str:
    """Decode the start of a file: by its byte-order mark, else as UTF-8, else as cp1252; never fails."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, errors="replace")
    try:
        # The head may end inside a character, which is no sign of another encoding.
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", errors="replace")


def _first_rows(book: fastexcel.ExcelReader, name: str) -> tuple[tuple[str, ...], ...]:
    sheet = book.load_sheet(name, header_row=None, n_rows=SHEET_ROWS, dtypes="string")
    return tuple(tuple("" if cell is None else str(cell) for cell in row) for row in sheet.to_polars().rows())


@dataclass(frozen=True)
class Source:
    """A file to read.

    Args:
        path: where the bytes are; in the archive its name says nothing.
        name: the file's name as the user knows it, for messages and as a label.
        zone: the site's time zone, for files whose wall clock names none.
        skipped: bytes that an excerpt leaves out between its head and its end, for places in warnings.
        profile: what the site says of the cycler that wrote it: ``cycler`` (its name), ``current_unit``.
    """

    path: Path
    name: str
    zone: ZoneInfo = SITE_ZONE
    skipped: int = 0
    profile: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What a reader made of a source.

    Args:
        measurements: rows of ``schema.MEASUREMENTS``, the required columns and those the file has.
        spectra: rows of ``schema.SPECTRA``, likewise.
        about: what the file says of itself. Keys where known: ``instrument, serial, channel, technique, software,
            start_time`` (ISO 8601, UTC), ``sample, operator, comment, schedule, test_name``, further ones as the
            format has them.
        warnings: sentences for the technician; nothing here stops the source.
        incomplete: whether the file ends inside a record or before a part that its header announces.
        format: name of the format that read it; :func:`parsers.read` fills it in.
        kind: ``cycling``, ``eis``, ``companion`` or ``empty``; :func:`parsers.read` fills it in.
    """

    measurements: pl.DataFrame = field(default_factory=MEASUREMENTS.empty)
    spectra: pl.DataFrame = field(default_factory=SPECTRA.empty)
    about: Mapping[str, Fact] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    incomplete: bool = False
    format: str = ""
    kind: Kind = "empty"

    def __post_init__(self) -> None:
        """Check both tables against the schema and put their columns in order."""
        origin = self.format or "a reader"
        object.__setattr__(self, "measurements", conform_columns(self.measurements, MEASUREMENTS, origin))
        object.__setattr__(self, "spectra", conform_columns(self.spectra, SPECTRA, origin))


@dataclass(frozen=True)
class Known:
    """An earlier version of a file that grows: how many bytes it had, and how many rows were read of it."""

    size: int
    rows: int


@dataclass(frozen=True)
class Excerpt:
    """Two small files of one format: a grown file's head and last known records, without and with what came after.

    Args:
        known: head and the last records of the earlier version, ending where that version ended.
        whole: the same and all that came after.
        same: the bytes of the file, first and behind last, that must not have changed for this to be valid.
        lead: rows to drop at the beginning: they stand there for what is computed from a row before.
        skipped: bytes of the file that stand in neither.
        counted: whole numbers that count from the first row, so that an excerpt's differ by a constant.
        summed: times that add up from the first row in whole microseconds, likewise.
        decided: columns whose sign is decided by all rows together: see :func:`parsers.join_tail`.
    """

    known: bytes
    whole: bytes
    same: tuple[int, int]
    lead: int = 0
    skipped: int = 0
    counted: frozenset[str] = frozenset({"step_count"})
    summed: frozenset[str] = frozenset()
    decided: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Format:
    """One file format: its name, whose it is, how to recognise it, how to read it.

    Args:
        name: machine name, also the module's name.
        vendor: maker of the instrument or the format.
        extensions: usual file name endings, lower case with the dot; a hint for people, never evidence.
        kind: what its files hold: ``cycling``, ``eis``, ``both`` or ``companion`` (no data of its own).
        sniff: says whether a source is of this format, from its :class:`Peek`; never raises.
        read: source in, reading out; ParseError when the file breaks the format's rules.
        version: counts up whenever the reader would read some file differently.
        verified: whether a real file of the instrument has confirmed the reader.
        lost: what the file holds that the common schema does not carry.
        excerpt: the end of a grown file as small files of its own, from the whole file and what is known of it; reads
            the head and from shortly before the known end on; None where that cannot be done.
        gather: of paths with forward slashes, those that together are one source: its folder to its files, those that
            are written once before those that grow.
        find_lost: of such a folder's version before and of the one now, files of the first by the names under which
            they have to be packed with the second, because their tester has overwritten them.
        described: whether a site's settings describe it: then its version is a fingerprint, and any other is outdated.
    """

    name: str
    vendor: str
    extensions: frozenset[str]
    kind: Scope
    sniff: Callable[[Peek], bool]
    read: Callable[[Source], Reading]
    version: int = 1
    verified: bool = True
    lost: str = ""
    excerpt: Callable[[BinaryIO, Known], Excerpt | None] | None = None
    gather: Callable[[Sequence[str]], Mapping[str, Sequence[str]]] | None = None
    find_lost: Callable[[Mapping[str, bytes], Mapping[str, bytes]], Mapping[str, str]] | None = None
    described: bool = False


def still_growing(what: str, byte: int) -> str:
    """Return the warning for a file that ends in the middle of something."""
    return f"the file ends inside {what} at byte {byte}; all before was read; it is probably still being written"


def read_companion(source: Source) -> Reading:
    """Read a companion: it is recognised and kept, and holds no rows."""
    del source
    return Reading()
