"""Why a test might be of a cell: the warehouse's English hints as sentences in the page's language, times in KST."""

from __future__ import annotations

import re
from typing import Final

from portal.charts.text import Text
from portal.pages.wording import Wording, reword
from portal.translation import Language

BETWEEN: Final = "; "
# A hint as `warehouse.unassigned` writes it, and what a page says of it.
HINTS: Final = tuple(
    Wording(re.compile(pattern), sentence)
    for pattern, sentence in (
        (
            r"channel (?P<channel>.+) held it from (?P<begin>.+) until (?P<end>.+)",
            Text("channel {channel} held it from {begin} to {end}"),
        ),
        (r"channel (?P<channel>.+) held it at first until (?P<end>.+)", Text("channel {channel} held it until {end}")),
        (r"channel (?P<channel>.+) held it from (?P<begin>.+)", Text("channel {channel} holds it since {begin}")),
        (r"channel (?P<channel>.+) held it at first", Text("channel {channel} holds it")),
        (
            r"(?P<test>\S+) on channel (?P<channel>.+) is of this cell",
            Text("test {test} on channel {channel} is of this cell"),
        ),
        (r"name '(?P<text>.*)' is like its name", Text("the file's name {text} is like the cell's")),
        (r"folder .* '(?P<text>.*)' is like its name", Text("the folder's name {text} is like the cell's")),
        (
            r"(?P<key>\w+) '(?P<text>.*)' is like its name",
            Text("the file says {text} ({key}), which is like the cell's name"),
        ),
        (r"folder '(?P<folder>.*)' is like the firm's name", Text("the folder's name {folder} is like the firm's")),
        (
            r"(?P<low>\S+) to (?P<high>\S+) V and (?P<capacity>\S+) mAh fit its limits",
            Text("{low} to {high} V and {capacity} mAh fit its limits"),
        ),
        (r"assignment \((?P<words>.*)\) says .*", Text("by the channel's assignment ({words})")),
        (r"file \((?P<words>.*)\) says .*", Text("the file says so ({words})")),
        (r"folder \((?P<words>.*)\) says .*", Text("it lay in the folder {words}")),
        (r"name \('?(?P<words>.*?)'?\) says .*", Text("the file's name says so ({words})")),
    )
)


def tell_hints(why: str, language: Language) -> list[str]:
    """Return the hints behind a suggestion, each as a sentence; one that nobody knows stays as it is."""
    # A hint that the warehouse words anew stays in English until it has a pattern here, and is not lost.
    return [reword(hint, HINTS, language) for hint in why.split(BETWEEN)]
