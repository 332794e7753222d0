"""Words of a chart that wait for a language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from warehouse.sentences import Sentence


@dataclass(frozen=True)
class Voice:
    """A language and its words.

    Args:
        language: ko or en.
        say: says an English sentence, with values for the names in braces; :func:`portal.translation.translator`.
    """

    language: str
    say: Callable[..., str]


class Text(str):
    """An English sentence that is said in the reader's language at the very end.

    Args:
        sentence: the English sentence, which is its key in the catalogues.
        unit: unit that follows it in brackets.
        ko: the same in Korean, where it is not from the portal's own catalogues.
        values: for the names in braces within it; those that are texts themselves are said too.
    """

    __slots__ = ("ko", "unit", "values")
    unit: str
    ko: str
    values: dict[str, object]

    def __new__(cls, sentence: str, *, unit: str = "", ko: str = "", **values: object) -> Text:  # noqa: PYI034 nobody derives from it
        """Make a text."""
        made = super().__new__(cls, sentence)
        made.unit, made.ko, made.values = unit, ko, values
        return made

    def say(self, voice: Voice) -> str:
        """Return it in a language."""
        if self.ko:
            return self.ko if voice.language == "ko" else str(self)
        values = {name: value.say(voice) if isinstance(value, Text) else value for name, value in self.values.items()}
        said = voice.say(str(self), **values)
        return f"{said} ({self.unit})" if self.unit else said


def quote_sentence(sentence: Sentence) -> Text:
    """Return what the warehouse says of a reason, and what to do about it."""
    return Text(f"{sentence.en} {sentence.en_do}", ko=f"{sentence.ko} {sentence.ko_do}")


def say_all(node: Any, voice: Voice) -> Any:
    """Return a tree of dictionaries and lists with every text in it said; lists of numbers stay."""
    if isinstance(node, Text):
        return node.say(voice)
    if isinstance(node, dict):
        return {name: say_all(value, voice) for name, value in node.items()}
    if isinstance(node, list) and node and isinstance(node[0], dict | list | Text):
        return [say_all(value, voice) for value in node]
    return node
