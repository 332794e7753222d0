"""Korean and English: the English sentence is the key, the catalogues are ``locale/<language>/<area>.po``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final, Literal

from babel.messages.pofile import read_po

Language = Literal["ko", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("ko", "en")
DEFAULT: Final[Language] = "ko"


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Return every translated sentence of a language, by its English one."""
    sentences: dict[str, str] = {}
    folder = resources.files("portal") / "locale" / language
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".po"):
            messages = read_po(BytesIO(file.read_bytes()), locale=language)
            # An empty translation is one that is still to be made.
            sentences |= {str(one.id): str(one.string) for one in messages if one.id and one.string}
    return sentences


def translator(language: Language) -> Callable[..., str]:
    """Return the function, called ``_`` by its users, that says a sentence in a language.

    It takes the English sentence, and values for the names in braces within it. A sentence that no catalogue has stays
    English; a test finds it.
    """
    sentences = catalogue(language)

    def translate(sentence: str, **values: object) -> str:
        said = sentences.get(sentence, sentence)
        return said.format(**values) if values else said

    return translate


def choose_language(asked: str | None, kept: str | None, accepted: str) -> Language:
    """Return the language to speak.

    Args:
        asked: what the address asks for.
        kept: what the browser keeps from an earlier visit.
        accepted: the header Accept-Language.
    """
    # What is no language of ours is passed over, whatever it holds.
    for wish in (asked, kept, *_in_order(accepted)):
        for language in LANGUAGES:
            if wish == language:
                return language
    return DEFAULT


def _in_order(accepted: str) -> list[str]:
    """Return the languages of an Accept-Language header, the most wanted first."""
    wishes: list[tuple[float, str]] = []
    for part in accepted.split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        wishes.append((-weight, name.partition("-")[0].lower()))
    return [name for _, name in sorted(wishes, key=lambda wish: wish[0])]
