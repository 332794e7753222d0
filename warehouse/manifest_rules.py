"""What rows of a manifest must agree on: with each other, with what is known, and with whose they are.

A row is put onto what is known of it: a column that is missing, or an empty value, changes nothing. It can make or
change rows of the firm that it names, and of no other.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from warehouse.errors import ManifestError
from warehouse.manifest_kinds import ASSIGNMENTS, CELLS, CHANNELS, SPECS, SPLITS, TAKEN, WAFERS
from warehouse.manifest_ledger import Key, Ledger
from warehouse.manifest_rows import Fact, is_same
from warehouse.manifest_values import Unfit, as_number
from warehouse.registry import Row
from warehouse.wafer_frame import describe_frame, frame_of, lies_outside
from warehouse.wafers.quantities import QUANTITIES
from warehouse.wafers.units import limits_in_si

DIE: Final = ("lot", "wafer", "source_die_x", "source_die_y")
SHOWN_ROWS: Final = 10

Refusals = list[ManifestError]
Rule = Callable[[Ledger, Row], Row]


def take_facts(ledger: Ledger, facts: Sequence[Fact]) -> tuple[list[Fact], Refusals]:
    """Put facts into the ledger, what refers to others after them.

    Returns:
        The facts that were taken, and the refusals of the others.
    """
    facts, refused = _drop_contradictions(facts)
    namesakes = _group(ledger.cells_called(), lambda cell: cell["cell_id"])
    on_wafer = _group(ledger.rows(CELLS), lambda cell: (cell["firm"], cell["lot"] or "", cell["wafer"]))
    rules: dict[str, Rule] = {
        SPECS.name: _finish_limit,
        SPLITS.name: _finish_split,
        WAFERS.name: lambda book, row: _finish_wafer(book, row, on_wafer[row["firm"], row["lot"], row["wafer"]]),
        CELLS.name: lambda book, row: _finish_cell(book, row, namesakes[row["cell_id"]]),
        CHANNELS.name: _finish_channel,
    }
    taken = []
    for kind in TAKEN:
        mine = [fact for fact in facts if fact.kind is kind]
        if kind is ASSIGNMENTS:
            good, bad = _take_assignments(ledger, mine)
        else:
            good, bad = _take_plainly(ledger, mine, rules.get(kind.name))
        taken += good
        refused += bad
    return taken, refused


def _take_plainly(ledger: Ledger, facts: Iterable[Fact], rule: Rule | None) -> tuple[list[Fact], Refusals]:
    taken, refused = [], []
    for fact in facts:
        try:
            row = _merge(ledger.find(fact.kind, fact.key), fact)
            ledger.put(fact.kind, rule(ledger, row) if rule is not None else row)
            taken.append(fact)
        except Unfit as error:
            refused.append(fact.refuse(error))
    return taken, refused


def _merge(known: Row | None, fact: Fact) -> Row:
    """Return what is known of a row with what a manifest says of it; new values that are the same leave the old."""
    row: Row = dict.fromkeys(fact.kind.table.names) | (known or {})
    row |= {name: value for name, value in fact.values.items() if not is_same(row.get(name), value)}
    if fact.more and "more" in row:
        more = json.loads(row["more"] or "{}") | fact.more
        kept = {name: text for name, text in more.items() if text is not None}
        row["more"] = json.dumps(kept, ensure_ascii=False) if kept else None
    return row


def _drop_contradictions(facts: Sequence[Fact]) -> tuple[list[Fact], Refusals]:
    """Separate the rows of one file that say different things of the same."""
    groups = defaultdict(list)
    for fact in facts:
        groups[fact.kind.name, fact.kind.name, fact.key].append(fact)
        # One piece of silicon cannot be two firms', whichever of the rows is right.
        if fact.kind is CELLS and (fact.values.get("lot") or fact.values.get("wafer")):
            groups["die", fact.values["cell_id"], tuple(fact.values.get(name) for name in DIE)].append(fact)
    bad: dict[int, ManifestError] = {}
    for group in groups.values():
        column = _find_contradiction(group)
        if column:
            rows = ", ".join(_place(fact) for fact in group[:SHOWN_ROWS])
            bad |= {id(fact): fact.refuse(Unfit("rows_contradict", rows, column)) for fact in group}
    return [fact for fact in facts if id(fact) not in bad], list(bad.values())


def _find_contradiction(group: list[Fact]) -> str:
    seen: dict[str, Any] = {}
    for fact in group:
        said = {fact.kind.owner or "firm": fact.firm, **fact.values} | {
            f"more {name}": text for name, text in fact.more.items()
        }
        for name, value in said.items():
            if not is_same(seen.setdefault(name, value), value):
                return name.removeprefix("more ")
    return ""


def _place(fact: Fact) -> str:
    return f"{fact.sheet} {fact.row}".strip()


def _finish_split(_: Ledger, row: Row) -> Row:
    return row | {"number": as_number(row["value"]) if row["value"] else None}


def _finish_limit(_: Ledger, row: Row) -> Row:
    """Work out a limit in SI units, from what the manifests said in theirs."""
    quantity, lower, upper = row["quantity"], row["lower"], row["upper"]
    if lower is None and upper is None:
        raise Unfit("limit_missing", quantity, "lower")
    if lower is not None and upper is not None and lower > upper:
        raise Unfit("limit_order", f"{lower:g} > {upper:g}", "lower")
    limits = limits_in_si(quantity, row["unit"] or "", lower, upper)
    if limits is None:
        raise Unfit("limit_unit", f"{row['unit'] or '-'}: {quantity}, {QUANTITIES[quantity].unit or '1, %'}", "unit")
    return row | limits


def _finish_wafer(ledger: Ledger, row: Row, cells: list[Row]) -> Row:
    """Work out the wafer's frame, and put the cells on it where they are in it."""
    row |= describe_frame(row)
    placed = [_place_die(cell, row) for cell in cells if cell["source_die_x"] is not None]
    outside = [cell["cell_id"] for cell in placed if _is_outside(cell, row)]
    if outside:
        raise Unfit("cells_outside", ", ".join(outside[:SHOWN_ROWS]), "wafer")
    for cell in placed:
        ledger.put(CELLS, cell)
    return row


def _finish_channel(_: Ledger, row: Row) -> Row:
    if row["to_unix_second"] is not None and row["to_unix_second"] <= row["from_unix_second"]:
        raise Unfit("interval", "", "to_unix_second")
    return row


def _finish_cell(ledger: Ledger, row: Row, namesakes: list[Row]) -> Row:
    upper, lower = row["voltage_upper_volt"], row["voltage_lower_volt"]
    if upper is not None and lower is not None and upper <= lower:
        raise Unfit("voltage_order", f"{upper:g} ≤ {lower:g}", "voltage_upper_volt")
    wafer = ledger.find(WAFERS, (row["firm"], row["lot"] or "", row["wafer"]))
    row = _place_die(row, wafer)
    if wafer is not None and _is_outside(row, wafer):
        raise Unfit("outside_wafer", f"{row['source_die_x']}, {row['source_die_y']}", "source_die_x")
    if any(_is_same_die(row, other) for other in namesakes if other["firm"] != row["firm"]):
        raise Unfit("other_firm", row["cell_id"], "firm")
    return row


def _place_die(cell: Row, wafer: Row | None) -> Row:
    """Return a cell with its canonical die; without a map of its wafer, what the manifest counts is canonical."""
    x, y = cell["source_die_x"], cell["source_die_y"]
    if wafer is not None and x is not None and y is not None:
        die = frame_of(wafer).place(x, y)
        return cell | {"die_x": die[0], "die_y": die[1]}
    # Cells that no manifest placed keep the die that they have.
    return cell | {name: value for name, value in (("die_x", x), ("die_y", y)) if value is not None}


def _is_outside(cell: Row, wafer: Row) -> bool:
    return None not in {cell["die_x"], cell["die_y"]} and lies_outside(wafer, cell["die_x"], cell["die_y"])


def _is_same_die(one: Row, other: Row) -> bool:
    """Say whether two cells of one name are one piece, as far as both say where they are from."""
    places = ("lot", "wafer", "die_x", "die_y")
    known = [name for name in places if one[name] is not None and other[name] is not None]
    return not {"lot", "wafer"}.isdisjoint(known) and all(one[name] == other[name] for name in known)


def _group(rows: Iterable[Row], key: Callable[[Row], Any]) -> defaultdict[Any, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def _take_assignments(ledger: Ledger, facts: list[Fact]) -> tuple[list[Fact], Refusals]:
    """Take assignments whose cells are known and that do not overlap, once all of the file are put in place."""
    rows: dict[Key, Row] = {}
    refused = []
    for fact in facts:
        try:
            _check_assignment(ledger, fact)
            rows[fact.key] = _merge(rows.get(fact.key, ledger.find(ASSIGNMENTS, fact.key)), fact)
        except Unfit as error:
            refused.append(fact.refuse(error))
    # All of the file is in place by now, so that one row may end what the next begins.
    while overlapping := _find_overlapping(ledger, rows):
        said = ((fact, overlapping[fact.key]) for fact in facts if fact.key in overlapping)
        refused += [fact.refuse(Unfit("overlap", found, "from_unix_second")) for fact, found in said]
        # A row that ended another may be among them, so that the rest has to be looked at again.
        rows = {key: row for key, row in rows.items() if key not in overlapping}
    for key, row in rows.items():
        if row["to_unix_second"] == row["from_unix_second"]:
            ledger.withdraw(ASSIGNMENTS, key)
        else:
            ledger.put(ASSIGNMENTS, row)
    return [fact for fact in facts if fact.key in rows], refused


def _check_assignment(ledger: Ledger, fact: Fact) -> None:
    known = ledger.find(ASSIGNMENTS, fact.key)
    begin, end = fact.values["from_unix_second"], fact.values.get("to_unix_second")
    if known is not None and known["firm"] != fact.firm:
        raise Unfit("overlap", "", "channel")
    if ledger.find(CELLS, (fact.values["cell_id"], fact.firm)) is None:
        raise Unfit("unknown_cell", fact.values["cell_id"], "cell_id")
    if end is not None and (end < begin or (end == begin and known is None)):
        raise Unfit("interval", "", "to_unix_second")


def _find_overlapping(ledger: Ledger, rows: dict[Key, Row]) -> dict[Key, str]:
    """Return the rows that overlap another assignment of their channel, with what that holds if they may know."""
    others = [row for row in ledger.rows(ASSIGNMENTS) if _key(row) not in rows]
    by_channel: defaultdict[str, list[Row]] = defaultdict(list)
    for row in (*others, *rows.values()):
        if row["to_unix_second"] != row["from_unix_second"]:
            by_channel[row["channel"]].append(row)
    found = {}
    for key, row in rows.items():
        other = next((one for one in by_channel[row["channel"]] if _key(one) != key and _overlap(one, row)), None)
        if other is not None:
            found[key] = str(other["cell_id"]) if other["firm"] == row["firm"] else ""
    return found


def _key(row: Row) -> Key:
    return tuple(row[name] for name in ASSIGNMENTS.key)


def _overlap(one: Row, other: Row) -> bool:
    return all(
        first["to_unix_second"] is None or second["from_unix_second"] < first["to_unix_second"]
        for first, second in ((one, other), (other, one))
    )
