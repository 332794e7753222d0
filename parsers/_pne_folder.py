"""Which files make a PNE channel's folder, and what their names say of the test."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from parsers._folder import last_part, name_channel, parent
from parsers._pack import in_order
from parsers._pne_unit import SIDECAR
from parsers.contract import Fact, Source

SAVE_DATA: Final = re.compile(r"(?:^|/)ch(\d+)_SaveData\d+\.csv$", re.IGNORECASE)
END_DATA: Final = re.compile(r"(?:^|/)ch(\d+)_SaveEndData\.csv$", re.IGNORECASE)
RECORDS: Final = re.compile(r"\.cyc$", re.IGNORECASE)
CHANNEL_FOLDER: Final = re.compile(r"(?:^|/)(M\d+Ch\d+)\[\d+\]/", re.IGNORECASE)
CHANNEL_ROOT: Final = re.compile(r"^(?:.*?/)?M\d+Ch\d+\[\d+\](?=/)", re.IGNORECASE)
RESTORE: Final = "restore"
LONGEST_NAME: Final = 32
# Where files of an earlier version lie that the controller has overwritten since.
EARLIER: Final = re.compile(r"/?earlier-[0-9a-f]{8}$")
# What lies beside a Restore folder whose own folder has another name than a channel's.
BESIDE: Final = re.compile(r"\.(?:sch|cyc|db|log)$", re.IGNORECASE)
SCHEDULE: Final = re.compile(r"\.(?:sch|cyc)$", re.IGNORECASE)
# A line more with every step, and a record more every second.
GROWING: Final = (re.compile(r"_SaveEndData\.csv$|savingFileIndex|\.(?:log|db)$", re.IGNORECASE), RECORDS)


def gather(names: Sequence[str]) -> dict[str, list[str]]:
    """Return each channel's folder with its files: one named like a channel, or any ``Restore`` with SaveData."""
    # Most names of an inbox are others: they are passed over before any pattern is tried.
    telling = [name for name in names if name[-4:].lower() == ".cyc" or "_savedata" in name[-LONGEST_NAME:].lower()]
    roots = {root for name in telling if (root := _root_of(name)) is not None}
    found: dict[str, list[str]] = {root: [] for root in roots}
    for name in names if roots else ():
        for root in _roots_for(name, roots):
            found[root].append(name)
    return {root: in_order(members, (SAVE_DATA,), GROWING) for root, members in sorted(found.items())}


def find_lost(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SaveData files that the controller has overwritten since, by new names, if the same test goes on.

    Their numbering wraps, so that a file of the same name may hold other records.
    """
    if not _goes_on(before, now):
        return {}
    held = {name: now[name] for name in now if SAVE_DATA.search(name)}
    lost = {}
    for name in before:
        if SAVE_DATA.search(name):
            content = before[name]
            if not any(other.startswith(content) for other in held.values()):
                lost[_name_earlier(name, content)] = name
    return lost


def without_earlier(folder: str) -> str:
    """Return the folder that a file lay in before it was overwritten."""
    return EARLIER.sub("", folder)


def facts_of(source: Source, members: Mapping[str, bytes], name: str) -> dict[str, Fact]:
    """Return channel and test as a folder's names tell them.

    Args:
        source: whose profile may name the machine.
        members: the folder.
        name: the file that the records are read from.
    """
    folder, file = CHANNEL_FOLDER.search(name), SAVE_DATA.search(name)
    channel = folder[1] if folder else f"ch{file[1]}" if file else ""
    named = {last_part(other).rpartition(".")[0] for other in members if SCHEDULE.search(other)}
    return name_channel(source, channel) | ({"test_name": named.pop()} if len(named) == 1 else {})


def _goes_on(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> bool:
    """Say whether a version's records, or its step ends, begin with those of the one before: a new test wipes them."""
    telling = [name for name in before if name in now and (SAVE_DATA.search(name) or END_DATA.search(name))]
    return any(before[name].strip() and now[name].startswith(before[name]) for name in telling)


def _name_earlier(name: str, content: bytes) -> str:
    if EARLIER.search(parent(name)):
        return name
    return f"{parent(name)}/earlier-{hashlib.sha256(content).hexdigest()[:8]}/{last_part(name)}".removeprefix("/")


def _root_of(name: str) -> str | None:
    """Return the folder that stands for the channel whose records a file holds, or None."""
    holds = SAVE_DATA.search(name)
    if not holds and not RECORDS.search(name):
        return None
    channel = CHANNEL_ROOT.match(name)
    if channel:
        return channel[0]
    folder = parent(name)
    return folder if holds and last_part(folder).lower() == RESTORE else None


def _roots_for(name: str, roots: set[str]) -> list[str]:
    """Return the folders that a file is of: the profile in a test's folder is of all its channels."""
    inside = [folder for folder in _folders_above(name) if folder in roots]
    if inside:
        return inside[:1]
    folder = parent(name)
    if last_part(name).lower() == SIDECAR:
        return [root for root in roots if root.startswith(f"{folder}/" if folder else "")]
    if BESIDE.search(name):
        return [root for root in roots if parent(root) == folder and last_part(root).lower() == RESTORE]
    return []


def _folders_above(name: str) -> Iterator[str]:
    while name := parent(name):
        yield name
