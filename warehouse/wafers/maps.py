"""Wafer maps into the registry: each die where it lies in the canonical frame, with the way it came from."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.errors import ContradictionError, ParseError, UsageError
from warehouse.marts import invalidate_answers
from warehouse.registry import CELL, FIRM, SQL_TABLES, Row
from warehouse.wafer_frame import Frame, frame_of, lies_outside
from warehouse.wafers.map_frames import LENGTHS, Stated, WaferMap, find_frame

if TYPE_CHECKING:
    from warehouse.home import Home

WAFER: Final = SQL_TABLES["wafer"]
DIE_MAP: Final = SQL_TABLES["die_map"]
DIE_RESULT: Final = SQL_TABLES["die_result"]
DIE_DEFECT: Final = SQL_TABLES["die_defect"]
BINS: Final = ("hard_bin", "soft_bin")
# Two ways to the same wafer may differ by this part of a die before someone should look.
SAME_PLACE: Final = 0.25
SHOWN: Final = 10

Die = tuple[int, int]


@dataclass(frozen=True)
class MapFile:
    """A file of maps: its name as the user knows it, and the hash of its bytes."""

    shown: str
    sha256: str


@dataclass(frozen=True)
class MapReceipt:
    """What became of a map.

    Args:
        state: ``committed``, or ``unchanged`` where these bytes are this wafer's map already.
        row: its row of ``schema.DIE_MAP``.
        values: bins and values that were stored.
        cells: cells of the wafer that lie on a die of the map.
        warnings: what a technician should read.
    """

    state: str
    row: Row
    values: int = 0
    cells: int = 0
    warnings: tuple[str, ...] = ()


def store_maps(
    home: Home, firm: str, file: MapFile, maps: Sequence[WaferMap], stated: Stated | None = None
) -> list[MapReceipt]:
    """Store all maps of a file, in one transaction.

    Args:
        home: the platform.
        firm: whose wafers they are.
        file: where they are from.
        maps: what a reader made of it.
        stated: what the file itself does not say.

    Raises:
        UsageError: there is no such firm, or one wafer was named for the maps of several.
        ParseError: nothing says which wafer a map is of, or how it is drawn.
        ContradictionError: what was stated contradicts the file, or dies would lie outside the wafer.
    """
    stated = stated or Stated()
    if home.registry.row(FIRM, code=firm) is None:
        raise UsageError(f"there is no firm {firm!r}")
    if stated.wafer is not None and len(maps) > 1:
        raise UsageError(f"{file.shown} holds the maps of {len(maps)} wafers; --wafer names one")
    with home.registry.write() as connection:
        receipts = [_Storing(home, connection, firm, file).store(one, stated) for one in maps]
        if any(receipt.state == "committed" for receipt in receipts):
            invalidate_answers(connection, firm)
    return receipts


@dataclass(frozen=True)
class _Storing:
    """The transaction that maps are stored in."""

    home: Home
    connection: sa.Connection
    firm: str
    file: MapFile

    def store(self, one: WaferMap, stated: Stated) -> MapReceipt:
        """Store one map as the wafer's current one of its kind."""
        lot, wafer = self._find_name(one, stated)
        key: Row = {"firm": self.firm, "lot": lot, "wafer": wafer}
        manifest = self._rows(WAFER, key)
        row = key | find_frame(one, stated, manifest[0] if manifest else {}, self.file.shown) | self._describe(one)
        known = self._rows(DIE_MAP, key)
        same = [old for old in known if old["current"] and _is_same(old, row)]
        if same:
            return MapReceipt("unchanged", same[0])
        row |= {"revision": 1 + max((old["revision"] for old in known), default=0)}
        results = list(_list_results(row, one))
        self._refuse_outside(row, results)
        # An inspection does not replace the prober's map, nor the other way round.
        of_kind = [DIE_MAP.c[name] == value for name, value in (*key.items(), ("kind", one.kind))]
        self.connection.execute(sa.update(DIE_MAP).where(*of_kind).values(current=False))
        for table, rows in ((DIE_MAP, [row]), (DIE_RESULT, results), (DIE_DEFECT, list(_list_defects(row, one)))):
            self.home.registry.put(self.connection, table, rows)
        cells = self._rows(CELL, key | ({} if lot else {"lot": None}))
        on_map, warnings = _compare(row, manifest, cells, {(each["die_x"], each["die_y"]) for each in results})
        return MapReceipt("committed", row, len(results), on_map, (*one.warnings, *warnings))

    def _find_name(self, one: WaferMap, stated: Stated) -> tuple[str, str]:
        lot, wafer = stated.lot if stated.lot is not None else one.lot, stated.wafer or one.wafer
        if not wafer:
            raise ParseError(self.file.shown, f"a map of lot {lot!r} names no wafer", code="map_without_wafer")
        return lot, wafer

    def _rows(self, table: sa.Table, key: Row) -> list[Row]:
        same = (table.c[name] == value for name, value in key.items())
        return self.home.registry.rows(sa.select(table).where(*same), self.connection)

    def _describe(self, one: WaferMap) -> Row:
        return {
            "kind": one.kind,
            "current": True,
            "format": one.format,
            "source_sha256": self.file.sha256,
            "source_name": self.file.shown,
            "dies": one.dies.height,
            "good_dies": int(one.dies["passed"].fill_null(value=False).sum()) if one.kind == "bins" else None,
            "about": json.dumps(dict(one.about), ensure_ascii=False, sort_keys=True),
            "warnings": json.dumps(one.warnings, ensure_ascii=False),
            "imported_unix_second": time.time(),
        }

    def _refuse_outside(self, row: Row, results: Iterable[Row]) -> None:
        """Refuse a map by which a die that was looked at would lie outside the wafer."""
        seen = {(one["die_x"], one["die_y"]): one for one in results if one["value"] is not None}
        outside = [one for die, one in seen.items() if lies_outside(row, *die)]
        if outside:
            shown = ", ".join(f"({one['source_die_x']}, {one['source_die_y']})" for one in outside[:SHOWN])
            told = f"wafer {row['wafer']!r}: {len(outside)} dies, {shown}"
            raise ContradictionError(self.file.shown, told, code="map_outside")


def _is_same(old: Row, new: Row) -> bool:
    """Say whether two rows are the same bytes on the same frame."""
    return all(old[name] == new[name] for name in ("source_sha256", "kind", "to_canonical", *LENGTHS))


def _list_results(row: Row, one: WaferMap) -> Iterator[Row]:
    frame = frame_of(row)
    placed = {(x, y): _place(row, frame, x, y) for x, y in one.dies.select("die_x", "die_y").iter_rows()}
    for die in one.dies.iter_rows(named=True) if one.kind == "bins" else ():
        same = placed[die["die_x"], die["die_y"]] | {"unit": None, "passed": die["passed"]}
        # A die that was not tested is on the wafer all the same, so that its first bin stands without a value.
        named = (name for name in BINS if name == BINS[0] or die[name] is not None)
        yield from (same | {"quantity": name, "value": die[name]} for name in named)
    for value in one.values.iter_rows(named=True):
        said = {name: value[name] for name in ("value", "unit", "passed")}
        yield placed[value["die_x"], value["die_y"]] | said | {"quantity": value["test"]}
    if one.kind == "inspection":
        found = Counter(one.defects.select("die_x", "die_y").iter_rows())
        said = {"quantity": "defects", "unit": None, "passed": None}
        yield from (same | said | {"value": float(found[die])} for die, same in placed.items())


def _place(row: Row, frame: Frame, x: int, y: int) -> Row:
    die = frame.place(x, y)
    key = {name: row[name] for name in ("firm", "lot", "wafer", "revision")}
    return key | {"die_x": die[0], "die_y": die[1], "source_die_x": x, "source_die_y": y}


def _list_defects(row: Row, one: WaferMap) -> Iterator[Row]:
    frame = frame_of(row)
    key = {name: row[name] for name in ("firm", "lot", "wafer", "revision")}
    for number, defect in enumerate(one.defects.iter_rows(named=True), start=1):
        die_x, die_y = frame.place(defect["die_x"], defect["die_y"])
        x, y = defect["x_metre"], defect["y_metre"]
        x, y = (None, None) if x is None or y is None else frame.rotate(x, y)
        same = {name: defect[name] for name in ("defect", "size_metre", "class_number")}
        yield key | same | {"row_number": number, "die_x": die_x, "die_y": die_y, "x_metre": x, "y_metre": y}


def _compare(row: Row, manifest: Sequence[Row], cells: Sequence[Row], dies: set[Die]) -> tuple[int, list[str]]:
    """Return how many cells lie on the map's dies, and what does not agree between map and manifest."""
    known = [cell for cell in cells if cell["die_x"] is not None and cell["die_y"] is not None]
    off = [cell["cell_id"] for cell in known if (cell["die_x"], cell["die_y"]) not in dies]
    warnings = [f"{len(off)} of {len(known)} cells lie on no die of the map: {', '.join(off[:SHOWN])}"] if off else []
    for wafer in manifest:
        if wafer["gross_dies"] not in {None, row["dies"]}:
            warnings.append(f"the manifest counts {wafer['gross_dies']} dies on the wafer, the map {row['dies']}")
        warnings += [
            f"the centre die of the map and that of the manifest lie apart along {axis}"
            for axis in "xy"
            if _lie_apart(row, wafer, axis)
        ]
    return len(known) - len(off), warnings


def _lie_apart(row: Row, wafer: Row, axis: str) -> bool:
    one, other = (each[f"canonical_offset_{axis}_metre"] for each in (row, wafer))
    pitch = row[f"canonical_pitch_{axis}_metre"]
    return None not in {one, other, pitch} and abs(one - other) > SAME_PLACE * pitch
