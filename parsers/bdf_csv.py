"""Battery Data Format (BDF) as CSV: one header line, then records; files end in ``.bdf.csv`` or ``.csv``.

Seen: three published SINTEF files (2024-2025, from Neware and Landt testers) with machine names, one named
batmo with labels. Vocabulary: BDF 1.3.0 (2026-07-17), whose machine names are those of ``warehouse.schema``.

* Headings are machine names (``test_time_second``) or labels with a unit (``Test Time / h``, ``Voltage / mV``,
  ``Cycle Count / 1``, ``Step ID``); the unit of a label is converted, an unknown one is never guessed. Required:
  test time, voltage, current. ``*_millisecond`` is the deprecated spelling of two times.
* ``step_index``, deprecated in 1.3 in favour of ``step_record_index``, is in all files here the schedule's step: it is
  constant through a step, and in two files recurs (1, 2, 3, 2 and 1..5 in every cycle). It becomes ``step_id``. One
  that changes at most records counts records and is left out.
* ``charging_capacity_ah`` and its kin never restart by definition; in all three files that
  have them they restart with every step, in Gru6mV twice more inside one. They are kept as ``step_...``, with a
  warning.
* ``cycle_count`` of the file G20M7-202512-Gru6mV is 6.283185307179586 in all 17,587 records: no count, left out.
* The Landt file's ``ambient_temperature_celsius`` is 0 in every record: no sensor, left out.
* The file named Time_Bug writes test time 0 in the first record of all but the first step (19 times), between records
  of the right time: refused with ``time_goes_back``, since the record's own time is nowhere else.
* Sign: positive charges. The batmo file has it the other way round in all records (its own step types say so, and
  voltage falls while current is positive): turned round with a warning. A file that is of two minds is refused.
* ``unix_time_second`` is UTC by definition.

Known from the files and from the published ontology's definitions (names, labels, units).
"""

from __future__ import annotations

import csv
from typing import BinaryIO

from parsers._bdf import SIGNED, is_bdf, read_columns, read_headings, resolve_heading
from parsers._cells import Grid, read_table
from parsers._lines import excerpt_lines
from parsers.contract import HEAD_BYTES, Excerpt, Format, Known, Peek, Reading, Source, as_text


def sniff(peek: Peek) -> bool:
    """Whether the first line names BDF's three required columns."""
    return is_bdf(_split_header(peek))


def read(source: Source) -> Reading:
    """Read a BDF file in CSV.

    Raises:
        ParseError: a required column is missing, a cell is no number, time goes back.
        ContradictionError: step types and current's sign contradict each other in part.
    """
    headings = _split_header(Peek(source.path, source.name))
    found = read_headings(headings, source)
    wanted = {name: heading.place for name, heading in found.known.items()}
    grid = Grid(2, ",", tuple(headings), wanted, numeric=frozenset(wanted) - {"step_type"})
    return read_table(source, grid, lambda cells: read_columns(cells, found, source))


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown file; the sign of its currents is decided by all its records."""
    file.seek(0)
    headings = next(csv.reader(as_text(file.read(HEAD_BYTES)).splitlines()[:1]), [])
    # Where the file counts steps itself, nothing counts from the excerpt's first row.
    counted = frozenset({"step_count"} - {name for name, _ in map(resolve_heading, headings)})
    return excerpt_lines(file, known, lambda _: 1, counted=counted, decided=frozenset(SIGNED))


def _split_header(peek: Peek) -> list[str]:
    return next(csv.reader(peek.lines[:1]), [])


FORMAT = Format(
    "bdf_csv",
    "Battery Data Alliance",
    frozenset({".csv"}),
    "cycling",
    sniff,
    read,
    version=2,
    lost="impedance, pressure, cumulative and per-step net columns; the file's own words for step types",
    excerpt=excerpt,
)
