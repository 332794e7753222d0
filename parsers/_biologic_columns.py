"""What the column ids of a .mpr stand for: name, type and unit, and what can be said of ids that nobody knows.

Names and types come from galvani 0.5's table and, where it has none, from text exports of the same runs: 880 stands
between columns that both files have, is eight bytes wide and equals ``Energy we/W.h`` in every record; 441 is the
``<Ece>/V`` of its export.

An id without an entry has no known width. All bytes of a record that no known column takes belong to such ids; where
these stand side by side, or only one division of the bytes into widths of 1, 2, 4 and 8 fits, every other column has
its certain place and is read. Where two divisions fit nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, product
from typing import Any, Final

import numpy as np

STATUS: Final = "flags"
EXPORTED: Final = {441: ("<Ece>/V", "<f4"), 880: ("Energy we/W.h", "<f8")}
WIDTHS: Final = (1, 2, 4, 8)
# A damaged list of columns may name many; real files were seen with one to four.
MOST_UNKNOWN: Final = 6

Field = tuple[str, str]


def known_columns() -> dict[int, Field]:
    """Return name and type of every known id that has a place of its own in a record."""
    from galvani import BioLogic  # noqa: PLC0415 only .mpr files pay for it

    return {**BioLogic.VMPdata_colID_dtype_map, **EXPORTED}


def known_flags() -> dict[int, str]:
    """Return the name of every known id that shares the status byte."""
    from galvani import BioLogic  # noqa: PLC0415 only .mpr files pay for it

    return {number: str(entry[0]) for number, entry in BioLogic.VMPdata_colID_flag_map.items()}


def unknown_ids(ids: Sequence[int]) -> list[int]:
    """Return the ids that nobody knows."""
    known = known_columns().keys() | known_flags().keys()
    return [number for number in ids if number not in known]


def record_type(ids: Sequence[int], length: int | None) -> np.dtype[Any] | None:
    """Return the type of a record, or None where the places of its columns are not certain.

    Args:
        ids: as the file lists them.
        length: bytes of a record, as the file's length has it; None where there is no record.
    """
    columns, flags = known_columns(), known_flags()
    # The first flag's place is the status byte's; the others have none of their own.
    first_flag = next((place for place, number in enumerate(ids) if number in flags), -1)
    placed = [number for place, number in enumerate(ids) if number not in flags or place == first_flag]
    fields = [(STATUS, "u1") if number in flags else columns.get(number) for number in placed]
    runs = [(known, list(group)) for known, group in groupby(fields, key=lambda field: field is not None)]
    widths = _unknown_widths([len(group) for known, group in runs if not known], fields, length)
    if widths is None:
        return None
    named: list[Field] = []
    for known, group in runs:
        named += [field for field in group if field] if known else [("", f"V{widths.pop(0)}")]
    return np.dtype(_number_names(named))


def _unknown_widths(counts: list[int], fields: list[Field | None], length: int | None) -> list[int] | None:
    """Return the bytes of each run of unknown ids; None where none or more than one division fits."""
    if not counts:
        return []
    if length is None or sum(counts) > MOST_UNKNOWN:
        return None
    left = length - sum(np.dtype(field[1]).itemsize for field in fields if field)
    choices = [sorted({sum(widths) for widths in product(WIDTHS, repeat=count)}) for count in counts]
    fitting = [widths for widths in product(*choices) if sum(widths) == left]
    return list(fitting[0]) if len(fitting) == 1 else None


def _number_names(fields: list[Field]) -> list[Field]:
    """Tell columns of one name apart, so that the first of them has the name."""
    seen: dict[str, int] = {}
    named = []
    for name, kind in fields:
        seen[name] = seen.get(name, 0) + 1
        named.append((name if seen[name] == 1 and name else f"{name} {seen[name]}", kind))
    return named
