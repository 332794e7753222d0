"""What a column and a kind of manifest are, and how a header is compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from warehouse import schema
from warehouse.manifest_values import read_quantity


@dataclass(frozen=True)
class Field:
    """A column of a manifest.

    Args:
        name: its name; without the unit, if it has one.
        target: the registry's column that its values go to.
        en: what it means.
        ko: the same in Korean.
        read: takes its text; None for quantities.
        also: other names that mean the same.
        units: units that its name may end with, of which one must be there.
        usual: the unit that it is usually written with.
        plain: names of a quantity that say its SI unit in another way.
        positive: whether a quantity must be above zero.
        required: whether every row must have it.
    """

    name: str
    target: str
    en: str
    ko: str
    read: Callable[[str], Any] | None = None
    also: tuple[str, ...] = ()
    units: Mapping[str, int] | None = None
    usual: str = ""
    plain: tuple[str, ...] = ()
    positive: bool = True
    required: bool = False

    @property
    def shown(self) -> str:
        """Its name as it is usually written."""
        return f"{self.name}_{self.usual}" if self.usual else self.name

    def take(self, text: str, exponent: int) -> Any:
        """Return the value of a text.

        Raises:
            Unfit: it is none that this column takes.
        """
        if self.read is not None:
            return self.read(text)
        return read_quantity(text, exponent, positive=self.positive)


@dataclass(frozen=True)
class Kind:
    """A kind of manifest.

    Args:
        name: what its rows are.
        ko: the same in Korean.
        table: the table that they go to.
        fields: its columns.
        alone: whether it is recognised only where there are no columns beside its own, for its names are common.
        without: columns that show it to be another kind.
        gather: puts what several columns say together into one, before the row's key is made of it.
    """

    name: str
    ko: str
    table: schema.Table
    fields: tuple[Field, ...]
    alone: bool = False
    without: tuple[str, ...] = ()
    gather: Callable[[dict[str, Any]], None] | None = None

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The table's key columns, in their order."""
        return tuple(column.name for column in self.table.columns if column.key)

    @cached_property
    def owner(self) -> str:
        """The table's column that says whose a row is; none where all are the platform's own."""
        return next((name for name in ("firm", "code") if name in self.table.names), "")

    @cached_property
    def headers(self) -> dict[str, tuple[Field, int]]:
        """Every folded header that is understood, with its field and the power of ten of its unit."""
        found: dict[str, tuple[Field, int]] = {}
        for one in self.fields:
            for name in (one.name, *one.also):
                found |= {f"{name}_{unit}": (one, power) for unit, power in (one.units or {}).items()}
                if one.units is None:
                    found[name] = one, 0
            found |= dict.fromkeys(one.plain, (one, 0))
        return found

    @cached_property
    def unitless(self) -> dict[str, Field]:
        """Every name of a quantity as it is without its unit."""
        return {name: one for one in self.fields if one.units is not None for name in (one.name, *one.also)}

    def firm_of(self, row: Mapping[str, Any]) -> str:
        """Return the firm whose a row is; nothing where it is the platform's own."""
        return str(row[self.owner]) if self.owner else ""

    def claims(self, headers: Sequence[str]) -> bool:
        """Say whether folded headers are those of this kind."""
        present = {self.headers[name][0].target for name in headers if name in self.headers}
        strange = [name for name in headers if name and name not in self.headers]
        if (self.alone and strange) or any(name in headers for name in self.without):
            return False
        return all(one.target in present for one in self.fields if one.required)


def fold_header(text: str) -> str:
    """Return a header as it is compared: ``Active Area (mm²)`` and ``active_area_mm2`` are one."""
    # Micro is one of two signs, and a square may be written with a caret.
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{GREEK SMALL LETTER MU}", "u").replace("^", "")
    return re.sub(r"[\s_\-./\\()\[\]{}:,#]+", "_", folded).strip("_")
