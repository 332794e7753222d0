"""The report's font, and whether it has a glyph for every character.

The Nanum fonts come with the package koreanize-matplotlib; it is looked up, never imported, for that would load
Matplotlib and change its settings.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from warehouse.errors import UsageError

PACKAGE: Final = "koreanize_matplotlib"
FAMILY: Final = "NanumGothic"
FILES: Final = ("NanumGothic.ttf", "NanumGothicBold.ttf")
# What the font lacks, though it has a twin that no reader tells apart.
TWINS: Final = {0xB5: 0x3BC, 0x2126: 0x3A9, 0x2010: 0x2D, 0x2011: 0x2D, 0x2212: 0x2D, 0xA0: 0x20, 0x202F: 0x20}


@cache
def find_fonts() -> tuple[Path, ...]:
    """Return the font's files, regular and bold.

    Raises:
        UsageError: the package is not installed, or holds them no more.
    """
    found = find_spec(PACKAGE)
    folders = [Path(place) / "fonts" for place in (found.submodule_search_locations if found else None) or ()]
    files = tuple(folder / name for folder in folders for name in FILES if (folder / name).is_file())
    if len(files) < len(FILES):
        raise UsageError(
            f"the fonts {' and '.join(FILES)} of the package koreanize-matplotlib are missing / "
            "koreanize-matplotlib 패키지의 글꼴 파일이 없습니다"
        )
    return files


@cache
def known_characters() -> frozenset[int]:
    """Return the characters that all of the font's files have a visible glyph for, or a space."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 a tenth of a second that only reports pay

    tables = []
    for file in find_fonts():
        with TTFont(file, lazy=True) as font:
            tables.append(frozenset(font.getBestCmap()))
    # Control characters have an empty glyph there.
    return frozenset(
        code for code in frozenset.intersection(*tables) if not unicodedata.category(chr(code)).startswith("C")
    )


def fit_text(text: str, replaced: set[str]) -> str:
    """Return a text that the font can print: every character without a glyph as its code in brackets.

    Args:
        text: anything, also what came from files and manifests.
        replaced: gets the codes of characters that were replaced.
    """
    plain = unicodedata.normalize("NFC", text).translate(TWINS)
    known = known_characters()
    # Nearly every text needs nothing more.
    if all(ord(sign) in known for sign in plain):
        return plain
    return "".join(_fit_sign(sign, known, replaced) for sign in plain)


def fit_all(document: Any, replaced: set[str]) -> Any:
    """Return plain values with every text in them fitted."""
    if isinstance(document, str):
        return fit_text(document, replaced)
    if isinstance(document, dict):
        return {name: fit_all(value, replaced) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [fit_all(value, replaced) for value in document]
    return document


def _fit_sign(sign: str, known: frozenset[int], replaced: set[str]) -> str:
    if ord(sign) in known:
        return sign
    if sign.isspace():
        return " "
    code = f"[U+{ord(sign):04X}]"
    replaced.add(code)
    return code
