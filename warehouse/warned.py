"""Warnings in Korean: readers, who know files and nothing else, write English; ``warnings_ko.po`` has the templates.

A template is the English sentence with names in braces for what differs from file to file. A sentence is told by the
template whose fixed words it has, in their order; what stands between them goes, as it is, into the Korean one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from io import BytesIO
from string import Formatter
from typing import Final

CATALOGUE: Final = "warnings_ko.po"
REMEMBERED: Final = 4096


@dataclass(frozen=True)
class Template:
    """A sentence with gaps, in English and Korean.

    Args:
        english: the key in the catalogue.
        korean: the same, with the same names in braces.
    """

    english: str
    korean: str

    @property
    def fixed(self) -> tuple[str, ...]:
        """What stands before, between and after the gaps, in English."""
        return split_template(self.english)[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The gaps' names, in the order of the English sentence."""
        return split_template(self.english)[1]


def tell_warning(sentence: str) -> str:
    """Return a warning in Korean; one that no template fits stays English."""
    return _tell(sentence, within=True)


@cache
def list_templates() -> tuple[Template, ...]:
    """Return all templates, those with the most fixed words first: where several fit, that one says the most."""
    from babel.messages.pofile import read_po  # noqa: PLC0415 most commands tell no warning, and it takes its time

    raw = (resources.files("warehouse") / CATALOGUE).read_bytes()
    found = [Template(str(one.id), str(one.string)) for one in read_po(BytesIO(raw), locale="ko") if one.id]
    return tuple(sorted(found, key=lambda one: -sum(map(len, one.fixed))))


@cache
def split_template(template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what stands before, between and after the gaps of a template, and the gaps' names."""
    fixed, names = [""], []
    for text, name, _, _ in Formatter().parse(template):
        fixed[-1] += text
        if name is not None:
            names.append(name)
            fixed.append("")
    return tuple(fixed), tuple(names)


def find_gaps(fixed: Sequence[str], sentence: str) -> list[str] | None:
    """Return what a sentence has in a template's gaps; None where it is not of that template."""
    if len(fixed) == 1:
        return [] if sentence == fixed[0] else None
    begin, end = len(fixed[0]), len(sentence) - len(fixed[-1])
    if begin > end or not (sentence.startswith(fixed[0]) and sentence.endswith(fixed[-1])):
        return None
    gaps = []
    # Each at its first place: a file's own words cannot make this take longer, as they could a regular expression.
    for part in fixed[1:-1]:
        place = sentence.find(part, begin, end)
        if place < 0:
            return None
        gaps.append(sentence[begin:place])
        begin = place + len(part)
    return [*gaps, sentence[begin:end]]


@lru_cache(REMEMBERED)
def _tell(sentence: str, *, within: bool) -> str:
    for template in list_templates():
        gaps = find_gaps(template.fixed, sentence)
        if gaps is not None:
            # Phrases stand in gaps; no deeper, lest a file's own words be taken apart without end.
            said = [_tell(gap, within=False) if within else gap for gap in gaps]
            values: Mapping[str, str] = dict(zip(template.names, said, strict=True))
            return template.korean.format(**values)
    return sentence
