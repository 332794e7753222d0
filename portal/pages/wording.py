"""English sentences of the warehouse, said in the page's language: known by their pattern, with their words put in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from portal.templating import format_kst
from portal.translation import Language, translator

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


class Wording(NamedTuple):
    """How a sentence is written by the warehouse, with names for its words, and what a page says in its place."""

    pattern: re.Pattern[str]
    sentence: str


def reword(text: str, wordings: Sequence[Wording], language: Language) -> str:
    """Say a sentence in a language, moments in KST; one that no pattern fits stays as it is."""
    for wording in wordings:
        found = wording.pattern.fullmatch(text)
        if found is not None:
            words = {name: _in_kst(said) for name, said in found.groupdict().items()}
            return translator(language)(wording.sentence, **words)
    return _in_kst(text)


def _in_kst(text: str) -> str:
    return MOMENT.sub(lambda moment: format_kst(datetime.fromisoformat(moment[0]).timestamp()), text)
