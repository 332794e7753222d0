"""Toyo ``連続データ.csv`` ("continuous data"): the tester's own export of a channel, in Japanese.

**Not confirmed by a real file.** Known from one user's reader and its test files.

Shift-JIS. Three lines of facts (``,試験名,…``, ``,測定備考,…``, ``,重量[mg],…``), line 4 the labels, line 5 the channel
under each, line 6 dashes, line 7 the units (``[],[],[],[V],[mAh/g]``), then records. Labels: サイクル, モード, 状態,
電圧, 電気量; sometimes also 日付, 時刻, 経過時間[Sec], 電流[mA], 総サイクル. States are words: 充電, 放電, 充電休止,
放電休止, 休止, 中断.

* Without 経過時間 and 電流 there is no time and no current: such a file is refused, the channel folder is asked for.
* 電気量 is elapsed time times current over mass: mAh/g where a mass was typed in, and wrong in constant voltage, where
  the current falls. It is not read.
* Everything else is as in :mod:`parsers.toyo_raw`.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from parsers._folder import refuse_layout
from parsers._toyo import ABORT, CHARGE, DISCHARGE, REST, Origin, to_reading
from parsers._toyo_table import LINE, SAMPLE, Head, decode, demand_head, read_cells, read_head, to_numbers
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

LABELS_LINE, UNITS_LINE, PREAMBLE = 3, 6, 7
STATES: Final = {
    "充電": CHARGE,
    "放電": DISCHARGE,
    "充電休止": REST,
    "放電休止": REST,
    "休止": REST,
    "中断": ABORT,
}
MASS_LABEL, NAME_LABEL = "重量[mg]", "試験名"


def sniff(peek: Peek) -> bool:
    """Recognise the Japanese labels in line 4 and units in line 7."""
    return _read_preamble(peek.head) is not None


def read(source: Source) -> Reading:
    """Read the export, if it has time and current.

    Raises:
        ParseError: it has none (code ``needs_companions``), or a word for a state that is not known.
    """
    raw = source.path.read_bytes()
    parts = _read_preamble(raw)
    if parts is None:
        raise refuse_layout(source.name, "not the seven lines of a 連続データ.csv", SAMPLE, line=1)
    head, about = parts
    missing = [label for label, name in (("経過時間", "elapsed"), ("電流", "current")) if name not in head.places]
    if missing:
        detail = f"no column {', '.join(missing)}: drop the channel folder with its six-digit files as a zip"
        raise ParseError(source.name, detail, code="needs_companions", line=LABELS_LINE + 1)
    demand_head(head, ("elapsed", "voltage", "current", "state"), source, LABELS_LINE + 1)
    body = decode(raw).split("\n", PREAMBLE)[PREAMBLE].encode()
    cells = read_cells(body, head, source).with_columns(pl.col(LINE) + PREAMBLE + 1)
    torn = cells.height > 0 and not cells["width"][-1] and not raw.endswith(b"\n")
    cells = cells.head(-1) if torn else cells
    broken = (~cells["width"]).arg_true()
    if len(broken):
        found = f"a row has not the {len(head.labels)} cells of the labels"
        raise refuse_layout(source.name, found, SAMPLE, line=cells[LINE][int(broken[0])])
    rows = to_numbers(cells, head)
    unknown = rows.filter(~pl.col("state").is_in(list(STATES)) | pl.col("state").is_null())
    if unknown.height:
        raise refuse_layout(source.name, f"state {unknown['state'][0]!r} is not known", SAMPLE, line=unknown[LINE][0])
    rows = rows.with_columns(kind=pl.col("state").replace_strict(STATES, return_dtype=pl.String))
    notes = ["the last line is cut off and left out"] if torn else []
    return to_reading(rows, Origin(source, [source.name]), about, notes)


def _read_preamble(raw: bytes) -> tuple[Head, dict[str, Fact]] | None:
    """Return head and facts, or None where the first seven lines are not those of the export."""
    lines = decode(_whole_lines(raw)).split("\n", PREAMBLE)
    if len(lines) <= PREAMBLE:
        return None
    lines = [line.strip("\r") for line in lines]
    units = lines[UNITS_LINE].split(",")
    if not all(unit.strip().startswith("[") and unit.strip().endswith("]") for unit in units):
        return None
    head = read_head(lines[LABELS_LINE], units)
    if not head.japanese or not {"state", "voltage"} <= head.places.keys():
        return None
    return head, {"instrument": "Toyo TOSCAT"} | _facts(lines[:LABELS_LINE])


def _whole_lines(raw: bytes) -> bytes:
    """Return the first lines whole, so that the cut of a peek does not end inside a letter."""
    lines = raw.split(b"\n", PREAMBLE)
    return b"\n".join(lines[:PREAMBLE]) + (b"\n" if len(lines) > PREAMBLE else b"")


def _facts(lines: list[str]) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for line in lines:
        cells = [cell.strip() for cell in line.split(",")]
        for label, name in ((NAME_LABEL, "test_name"), (MASS_LABEL, "mass_milligram")):
            if label in cells[:-1] and cells[cells.index(label) + 1]:
                facts[name] = cells[cells.index(label) + 1]
    return facts


FORMAT = Format(
    "toyo_renzoku",
    "Toyo",
    frozenset({".csv"}),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="電気量 (per gram, and no integral in constant voltage)",
)
