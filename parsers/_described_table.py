"""Any delimited table that a site describes: a format made of a few lines of settings.

What a description may say stands in :mod:`parsers._description`. A file is of the format when one of its first lines
holds every heading that the description names, beside whatever ``match`` demands of its name or text; a table without
headings needs such a demand. Nothing of a cell is guessed: a comma where the description has a point, a state that it
does not list, a wall clock of another pattern are refused with their line.

* Test time comes from its own column, or else from the wall clock, which then has to be there in every record.
* The executed step is counted where the state, the step's or cycle's number or the step's time shows its changes.
* A text that grows is read on from its last lines, as with any other text format.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from parsers._blocks import tabs_for_blanks
from parsers._cells import Grid, read_table, split_headings
from parsers._described_rows import read_points_of, read_records_of
from parsers._description import BLANKS, UNSAID, Described, Description, fold_heading
from parsers._lines import excerpt_lines
from parsers._units import is_duration
from parsers.contract import Excerpt, Format, Known, Peek, Reading, Source
from warehouse.errors import ParseError

HEAD: Final = 1 << 16
CHUNK: Final = 1 << 20
MARK: Final = "\ufeff"
# Polars reads these from the file itself.
PLAIN: Final = frozenset({"utf-8", "ascii"})

Heading = tuple[int, tuple[str, ...]]


def make_format(description: Description) -> Format:
    """Make the format of a described table; its version is a fingerprint of the description."""
    pattern = description.match.get("file", "")
    ending = Path(pattern).suffix.lower()
    return Format(
        description.format_name,
        description.instrument or "described by the site",
        frozenset({ending} if ending.isascii() and ending[1:].isalnum() else ()),
        "eis" if description.kind == "eis" else "cycling",
        partial(sniff_described, description),
        partial(read_described, description),
        version=description.fingerprint,
        verified=False,
        lost="columns that the description does not name",
        excerpt=None if description.kind == "eis" else partial(excerpt_described, description),
        described=True,
    )


def sniff_described(description: Description, peek: Peek) -> bool:
    """Whether a file's name and first lines are what the description says."""
    match = description.match
    if not fnmatchcase(peek.name.lower(), match.get("file", "*").lower()) or not description.columns:
        return False
    lines = _lines(peek.head, description)
    if lines is None or (match.get("first_line") and fold_heading(match["first_line"]) not in _first(lines)):
        return False
    found = _find_heading(lines, description)
    if found is None:
        return False
    if description.header_row == 0:
        return bool(match.get("file") or match.get("first_line")) and _holds_numbers(lines, description)
    return fold_heading(match.get("heading", "")) in fold_heading(lines[found[0] - 1])


def read_described(description: Description, source: Source) -> Reading:
    """Read a described table.

    Raises:
        ParseError: the description leaves something open, or the file is not as it says.
    """
    if description.unsaid:
        detail = f"the description {description.name!r} does not say {'; '.join(description.unsaid)}"
        raise ParseError(source.name, detail, code="table_not_described")
    if description.zone:
        source = replace(source, zone=ZoneInfo(description.zone))
    with _as_plain(description, source) as plain:
        with plain.path.open("rb") as file:
            lines = file.read(HEAD).decode("utf-8", errors="replace").removeprefix(MARK).split("\n")
        found = _find_heading(lines, description)
        if found is None:
            raise ParseError(source.name, _missing_headings(lines, description), code="incomplete_file", line=1)
        places = _find_places(description, found, source)
        read_rows = read_points_of if description.kind == "eis" else read_records_of
        grid = _make_grid(description, found, places)
        return read_table(plain, grid, partial(read_rows, description, found[1], places, plain))


def excerpt_described(description: Description, file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown table."""

    def count_above(head: bytes) -> int | None:
        lines = _lines(head, description)
        found = _find_heading(lines, description) if lines else None
        return found[0] + description.skip_rows if found else None

    # Signs of UTF-16 are two bytes, and a line end in one of them is none.
    if description.unsaid or _codec(description) is None or "16" in description.encoding:
        return None
    return excerpt_lines(file, known, count_above)


def _codec(description: Description) -> codecs.CodecInfo | None:
    try:
        return codecs.lookup(description.encoding)
    except LookupError:
        return None


def _lines(head: bytes, description: Description) -> list[str] | None:
    """Return the first lines of a file as the description decodes them, blanks parted by tabs where it says so."""
    if _codec(description) is None:
        return None
    text = head.decode(description.encoding, errors="replace").removeprefix(MARK)
    if description.delimiter == BLANKS:
        text = tabs_for_blanks(text.encode()).decode()
    return text.split("\n")


def _first(lines: list[str]) -> str:
    return fold_heading(lines[0]) if lines else ""


def _split(line: str, description: Description) -> tuple[str, ...]:
    if not description.quote:
        return tuple(line.strip("\r\n").split(description.separator))
    return tuple(split_headings(line, description.separator))


def _find_heading(lines: list[str], description: Description) -> Heading | None:
    """Return the line of the headings, from 1, and the headings; line 0 for a table without any."""
    if description.delimiter == UNSAID:
        # Which line holds the headings cannot be told without knowing what parts them.
        whole = next((n for n, line in enumerate(lines, 1) if all(_is_in(c, line) for c in description.columns)), None)
        return (whole, ()) if whole is not None else None
    if description.header_row == 0:
        return 0, tuple(f"#{place + 1}" for place in range(max((c.place or 0) for c in description.columns) + 1))
    wanted = {fold_heading(column.key) for column in description.columns if column.place is None}
    # The last piece may be half a line, which no table begins with.
    for number, line in enumerate(lines[:-1], start=1):
        if description.header_row in {None, number} and all(key in fold_heading(line) for key in wanted):
            headings = _split(line, description)
            if wanted and wanted <= {fold_heading(heading) for heading in headings}:
                return number, headings
    return None


def _is_in(column: Described, line: str) -> bool:
    return column.place is not None or fold_heading(column.key) in fold_heading(line)


def _holds_numbers(lines: list[str], description: Description) -> bool:
    """Whether the first record has a cell for each column, and numbers where there are to be numbers."""
    first = lines[description.skip_rows] if len(lines) > description.skip_rows else ""
    cells = _split(first, description)
    places = [column.place for column in description.columns if column.quantity not in {None, "time"}]
    return all(place is not None and place < len(cells) and _is_number(cells[place], description) for place in places)


def _is_number(cell: str, description: Description) -> bool:
    try:
        float(cell.strip().replace(description.thousands or "\0", "").replace(description.decimal, "."))
    except ValueError:
        return False
    return True


def _find_places(description: Description, found: Heading, source: Source) -> dict[str, tuple[int, Described]]:
    """Return where each of our columns stands.

    Raises:
        ParseError: a heading stands there twice, or there are fewer columns than the description numbers.
    """
    line, headings = found
    folded = [fold_heading(heading) for heading in headings]
    places = {}
    for column in description.columns:
        place = column.place
        if place is None:
            if folded.count(fold_heading(column.key)) > 1:
                numbers = " or ".join(f"'#{n}'" for n, one in enumerate(folded, 1) if one == fold_heading(column.key))
                detail = f"the heading stands there more than once: name the column {numbers} in the description"
                raise ParseError(source.name, detail, code="unknown_layout", line=line, column=column.key)
            place = folded.index(fold_heading(column.key))
        if place >= len(headings):
            detail = f"expected {place + 1} columns or more, found {len(headings)}"
            raise ParseError(source.name, detail, code="unknown_layout", line=line, column=column.key)
        places[column.to] = place, column
    return places


def _make_grid(description: Description, found: Heading, places: Mapping[str, tuple[int, Described]]) -> Grid:
    numeric = frozenset(
        to
        for to, (_, column) in places.items()
        if description.kind != "eis" and column.quantity is not None and not is_duration(column.stated_unit)
    )
    return Grid(
        found[0] + description.skip_rows + 1,
        description.separator,
        found[1],
        {to: place for to, (place, _) in places.items()},
        description.quote or None,
        numeric if (description.decimal, description.thousands, description.missing) == (".", "", ()) else frozenset(),
    )


def _missing_headings(lines: list[str], description: Description) -> str:
    wanted = [column.key for column in description.columns if column.place is None]
    where = f"in line {description.header_row}" if description.header_row else f"among the first {len(lines)} lines"
    return f"expected the headings {', '.join(map(repr, wanted))} {where}"


@contextmanager
def _as_plain(description: Description, source: Source) -> Iterator[Source]:
    """Yield the file as UTF-8 with single separators: itself where it is that already, else a copy."""
    codec = _codec(description)
    if codec is None:
        detail = f"the description {description.name!r} names no encoding that is known: {description.encoding!r}"
        raise ParseError(source.name, detail, code="table_not_described")
    if codec.name in PLAIN and description.delimiter != BLANKS:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        copy = Path(folder) / "plain"
        with source.path.open("rb") as file, copy.open("wb") as plain:
            _transcode(file, plain, description, source)
        yield replace(source, path=copy)


def _transcode(file: BinaryIO, plain: BinaryIO, description: Description, source: Source) -> None:
    decoder = codecs.getincrementaldecoder(description.encoding)()
    left, done = "", 0
    while chunk := file.read(CHUNK):
        try:
            # Half a sign at the end of the file is left out: it is still being written.
            text = left + decoder.decode(chunk)
        except UnicodeDecodeError as error:
            detail = f"the text is not {description.encoding}: {error.reason}"
            raise ParseError(source.name, detail, byte=done + error.start) from error
        done += len(chunk)
        whole, end, left = text.rpartition("\n")
        plain.write(_part_blanks((whole + end).encode(), description))
    plain.write(_part_blanks(left.encode(), description))


def _part_blanks(raw: bytes, description: Description) -> bytes:
    return tabs_for_blanks(raw) if description.delimiter == BLANKS else raw
