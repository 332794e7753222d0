"""Whose a source is: what the user named, else what assignment, file, folder and name say, where they agree.

Every rule is asked. One that says more than another completes it; two that contradict each other stop the source, since
a wrong guess would show one firm's data to another. For the same reason a cell's name that two firms use never tells
the firm, nor does one that might be any number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, zip_longest
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.errors import ContradictionError
from warehouse.publish import Owner
from warehouse.registry import ASSIGNMENT, CELL, FIRM, Row

if TYPE_CHECKING:
    from warehouse.home import Home

# Where files say which cell it was; each instrument has another of these for it.
IDENTIFYING: Final = ("sample", "barcode", "part_number", "serial", "test_name", "comment")
SHORTEST_NAME: Final = 2
SHORTEST_NUMBER: Final = 6


@dataclass(frozen=True)
class Evidence:
    """What may tell whose a source is.

    Args:
        channel: cycler and channel as the file names it.
        when: wall clock of the first record, UTC; assignments hold over times.
        about: what the file says of itself.
        folders: names of the folders that the file lay in, outermost first.
        name: the file's name.
    """

    channel: str | None = None
    when: float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    folders: Sequence[str] = ()
    name: str = ""


@dataclass(frozen=True)
class Claim:
    """What one rule says: ``option``, ``assignment``, ``file``, ``folder`` or ``name``, from which words, and whose."""

    rule: str
    words: str
    firm: str
    cell_id: str | None

    def __str__(self) -> str:
        """Say it in words."""
        whose = f"cell {self.cell_id} of {self.firm}" if self.cell_id else f"firm {self.firm}"
        return f"{self.rule} ({self.words}) says {whose}"

    def contradicts(self, other: Claim) -> bool:
        """Whether both cannot be true: another firm, or another cell."""
        return self.firm != other.firm or (None not in {self.cell_id, other.cell_id} and self.cell_id != other.cell_id)


def resolve_owner(home: Home, wish: Owner, evidence: Evidence) -> Owner:
    """Find whose a source is.

    Args:
        home: the platform.
        wish: what the user named, if anything; it overrules, see :func:`warn_overruled`.
        evidence: what else may tell.

    Returns:
        The owner with the rule that found the cell, or the firm where no cell was found; nobody where no rule says
        anything.

    Raises:
        ContradictionError: two rules name different firms, or different cells of one firm.
    """
    claims = find_claims(home, evidence, wish.firm)
    if wish.firm is not None:
        named = _option(wish)
        claims = [named, *(claim for claim in claims if not named.contradicts(claim))]
    for one, other in combinations(claims, 2):
        if one.contradicts(other):
            raise ContradictionError(evidence.name, f"{one}; {other}", code="owner_disagrees")
    telling = next((claim for claim in claims if claim.cell_id is not None), next(iter(claims), None))
    return Owner(telling.firm, telling.cell_id, telling.rule) if telling is not None else Owner()


def warn_overruled(home: Home, wish: Owner, evidence: Evidence) -> tuple[str, ...]:
    """Return a warning for each rule that says otherwise than the user, who is believed."""
    if wish.firm is None:
        return ()
    named = _option(wish)
    against = (claim for claim in find_claims(home, evidence, wish.firm) if named.contradicts(claim))
    return tuple(f"{claim}, but {named.words} was named and is believed" for claim in against)


def find_claims(home: Home, evidence: Evidence, firm: str | None = None) -> list[Claim]:
    """Return what each rule says, the one to be believed most first.

    Args:
        home: the platform.
        evidence: what may tell.
        firm: the firm that the user named: cells are looked for in it.
    """
    assigned, folders = _ask_assignment(home, evidence), _ask_folders(home, evidence.folders)
    firms = {firm} if firm is not None else {claim.firm for claim in (*assigned, *folders)}
    return [*assigned, *_ask_file(home, evidence.about, firms), *folders, *_ask_name(home, evidence.name, firms)]


def find_assignment(home: Home, channel: str, when: float | None) -> Row | None:
    """Return the assignment of a channel that held at a moment; without one, that of a channel with but one cell."""
    rows = home.registry.rows(sa.select(ASSIGNMENT).where(ASSIGNMENT.c.channel == channel))
    if when is None:
        return rows[0] if len({(row["firm"], row["cell_id"]) for row in rows}) == 1 else None
    return next((row for row in rows if _holds(row, when)), None)


def normalise(text: str) -> str:
    """Return a name as it is compared: a Mac writes Hangul in pieces, and means the same."""
    return unicodedata.normalize("NFC", text.strip())


def _option(wish: Owner) -> Claim:
    return Claim(
        "option", f"{wish.firm}/{wish.cell_id}" if wish.cell_id else f"{wish.firm}", wish.firm or "", wish.cell_id
    )


def _ask_assignment(home: Home, evidence: Evidence) -> list[Claim]:
    held = find_assignment(home, evidence.channel, evidence.when) if evidence.channel is not None else None
    if held is None:
        return []
    return [Claim("assignment", f"channel {evidence.channel}", held["firm"], held["cell_id"])]


def _holds(assignment: Row, moment: float) -> bool:
    begin, end = assignment["from_unix_second"], assignment["to_unix_second"]
    return bool(begin <= moment and (end is None or moment < end))


def _ask_file(home: Home, about: Mapping[str, Any], firms: set[str]) -> list[Claim]:
    said = {key: normalise(str(about[key])) for key in IDENTIFYING if about.get(key) is not None}
    cells = home.registry.rows(sa.select(CELL.c.firm, CELL.c.cell_id).where(CELL.c.cell_id.in_(set(said.values()))))
    claims = []
    for key, text in said.items():
        called = [cell for cell in cells if cell["cell_id"] == text]
        inside = [cell for cell in called if cell["firm"] in firms]
        chosen = called if len(called) == 1 and (inside or _is_telling(text, SHORTEST_NUMBER)) else inside
        if len(chosen) == 1:
            claims.append(Claim("file", f"{key} {text!r}", chosen[0]["firm"], text))
    return claims


def _ask_folders(home: Home, folders: Sequence[str]) -> list[Claim]:
    names = _below_inbox(home, [normalise(folder) for folder in folders])
    firms = {row["code"] for row in home.registry.rows(sa.select(FIRM.c.code).where(FIRM.c.code.in_(names)))}
    claims: list[Claim] = []
    cell_id = None
    for name, below in zip_longest(names, names[1:]):
        # A firm's cell may be called like another firm: in its firm's folder it is the cell.
        if name in firms and name != cell_id:
            known = below is not None and home.registry.row(CELL, firm=name, cell_id=below) is not None
            cell_id = below if known else None
            claims.append(Claim("folder", f"{name}/{cell_id}" if cell_id else name, name, cell_id))
        else:
            cell_id = None
    return claims


def _below_inbox(home: Home, folders: list[str]) -> list[str]:
    """Return the folders inside the inbox; where the platform itself lies says nothing of its drops."""
    for inbox in home.settings.inboxes:
        parts = [normalise(part) for part in (home.folder / inbox).parts]
        if folders[: len(parts)] == parts:
            return folders[len(parts) :]
    return folders


def _ask_name(home: Home, name: str, firms: set[str]) -> list[Claim]:
    name = normalise(name)
    inside = sa.func.replace(sa.literal(name), CELL.c.cell_id, "") != name
    query = sa.select(CELL.c.firm, CELL.c.cell_id).where(inside)
    # The database narrows thousands of cells to the few that stand in the name at all.
    cells = home.registry.rows(query.where(CELL.c.firm.in_(firms)) if firms else query)
    known = {cell["cell_id"] for cell in cells if firms or _is_telling(cell["cell_id"])}
    # Where no firm is known, D12 in W03-D12 is more likely a part of another firm's cell than a cell.
    called = longest_tokens(name, known, joined_by="" if firms else "-")
    chosen = [cell for cell in cells if cell["cell_id"] in called]
    return [Claim("name", repr(name), cell["firm"], cell["cell_id"]) for cell in chosen if len(chosen) == 1]


def longest_tokens(text: str, names: Iterable[str], joined_by: str = "") -> set[str]:
    """Return the names that stand in a text as whole words and not only inside a longer one of them.

    Args:
        text: where they are looked for.
        names: what is looked for.
        joined_by: marks that join words to one, as letters and digits do.
    """
    found = [(begin, begin + len(name), name) for name in names for begin in _places(text, name, joined_by)]
    return {
        name
        for begin, end, name in found
        if not any(first <= begin and end <= last and last - first > end - begin for first, last, _ in found)
    }


def _places(text: str, name: str, joined_by: str) -> Iterator[int]:
    begin = text.find(name)
    while name and begin >= 0:
        beside = text[begin - 1 : begin] + text[begin + len(name) :][:1]
        if not any(letter.isalnum() or letter in joined_by for letter in beside):
            yield begin
        begin = text.find(name, begin + 1)


def _is_telling(name: str, shortest_number: int | None = None) -> bool:
    """Whether a name is more than a number or a letter, of which every file name is full."""
    if any(character.isalpha() for character in name):
        return len(name) >= SHORTEST_NAME
    return shortest_number is not None and len(name) >= shortest_number
