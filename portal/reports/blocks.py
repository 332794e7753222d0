"""What a page is made of: tables, pairs, texts and charts, in words of one language and plain for the template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from portal.reports.numbers import DIGITS, choose_scale, write_column
from portal.reports.words import Say
from warehouse.reports.site import Language

Block = dict[str, Any]
Row = Mapping[str, Any]
Section = dict[str, Any]
# The workbook has all rows; a report that nobody turns the pages of helps no one.
MOST_ROWS: Final = 60


@dataclass(frozen=True)
class Column:
    """One column of a printed table.

    Args:
        label: its heading, an English sentence to translate.
        of: column of the rows, or what makes the text of a row.
        unit: of the data; numbers get the prefix that suits the column.
        share: part of the width.
        digits: significant digits.
        needed: shown even when no row has a value.
        small: set in smaller type, for hashes.
    """

    label: str
    of: str | Callable[[Row], str]
    unit: str = ""
    share: float = 1.0
    digits: int = DIGITS
    needed: bool = False
    small: bool = False


@dataclass(frozen=True)
class Page:
    """Who writes: the language and its words.

    Args:
        say: translates.
        language: ko or en.
        cut: gets caption, shown and all rows of tables that were cut.
    """

    say: Say
    language: Language
    cut: list[tuple[str, int, int]]

    def missing(self) -> Block:
        """Return the mark of what nobody stated."""
        return {"missing": self.say("not stated")}

    def stated(self, text: str | None) -> str | Block:
        """Return a text, or the mark that it is not stated."""
        return text or self.missing()

    def table(self, caption: str, columns: Sequence[Column], rows: Sequence[Row], most: int = MOST_ROWS) -> list[Block]:
        """Return a table; none without rows. What is beyond the last printed row is noted."""
        if not rows:
            return []
        # A cut table must not look like a whole one.
        if len(rows) > most:
            self.cut.append((caption, most, len(rows)))
        made = [self._column(column, rows, rows[:most]) for column in columns]
        # A column of blanks costs the others their width.
        shown = [one for one in made if one["needed"] or any(one["cells"])]
        heads = [{name: one[name] for name in ("label", "unit", "align", "share", "small")} for one in shown]
        body = [[one["cells"][number] for one in shown] for number in range(len(rows[:most]))]
        return [{"kind": "table", "caption": caption, "columns": heads, "rows": body}]

    def _column(self, column: Column, rows: Sequence[Row], shown: Sequence[Row]) -> dict[str, Any]:
        head = {"label": self.say(column.label), "share": column.share, "needed": column.needed, "small": column.small}
        if callable(column.of):
            cells = [column.of(row) for row in shown]
            return {**head, "unit": column.unit, "align": "left", "cells": cells}
        # Of all rows, so that a prefix does not change when one row more is printed.
        values = [row[column.of] for row in rows]
        if not any(isinstance(value, int | float) for value in values):
            texts = ["" if row[column.of] is None else str(row[column.of]) for row in shown]
            return {**head, "unit": column.unit if any(texts) else "", "align": "left", "cells": texts}
        unit, factor = choose_scale(values, column.unit)
        # Counts keep every digit; only measured numbers are rounded.
        if factor == 1 and all(value is None or isinstance(value, int) for value in values):
            written = ["" if row[column.of] is None else str(row[column.of]) for row in shown]
        else:
            scaled = [None if row[column.of] is None else row[column.of] * factor for row in shown]
            written = write_column(scaled, column.digits)
        return {**head, "unit": unit, "align": "right", "cells": written}

    def pairs(self, rows: Sequence[tuple[str, str | Block]], kind: Literal["pairs", "form"] = "pairs") -> list[Block]:
        """Return a table of two columns: what, and its value."""
        return [{"kind": kind, "rows": [[name, value] for name, value in rows]}] if rows else []

    def text(self, text: str) -> list[Block]:
        """Return a paragraph; none without text."""
        return [{"kind": "text", "text": text}] if text else []

    def bullets(self, items: Sequence[str]) -> list[Block]:
        """Return a list; none without items."""
        return [{"kind": "list", "items": list(items)}] if items else []

    def section(self, title: str, *parts: Sequence[Block]) -> list[Section]:
        """Return a section under a title; none without a block."""
        blocks = [block for part in parts for block in part]
        return [{"title": self.say(title), "blocks": blocks}] if blocks else []
