"""Wafer maps: what a prober or an inspection tool says of the dies of a wafer.

They are no measurements of a cell, so they are no formats of :func:`parsers.read`; ``stdf``, ``sinf`` and ``klarf`` are
one layout each, ``contract`` is what all three give.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Final

from parsers._maps import klarf, sinf, stdf
from parsers._maps.contract import WaferMap
from warehouse.errors import FormatUnknown, ParseError
from warehouse.workbook import INFLATE_ERRORS

__all__ = ["WaferMap", "read_wafer_maps"]

# How to recognise a layout, and how to read it.
LAYOUTS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[bytes, str], tuple[WaferMap, ...]]], ...]] = (
    (stdf.sniff, stdf.read),
    (klarf.sniff, klarf.read),
    (sinf.sniff, sinf.read),
)
GZIP_MAGIC: Final = b"\x1f\x8b"
GZIP_WINDOW: Final = 31
# Far above any map; what claims more is no map, or packed to do harm.
LARGEST: Final = 1 << 30


def read_wafer_maps(path: str | PathLike[str], name: str | None = None) -> tuple[WaferMap, ...]:
    """Read the maps of all wafers that a file tells of; a gzip stands for what is in it.

    Args:
        path: where the bytes are.
        name: the file's name as the user knows it; the path's own by default.

    Raises:
        FormatUnknown: it is no STDF V4, SINF or KLARF 1.x.
        ParseError: it breaks the rules of its layout, or ends too early.
    """
    shown = name or Path(path).name
    raw = Path(path).read_bytes()
    if raw.startswith(GZIP_MAGIC):
        raw = _unpack(raw, shown)
    for sniff, read in LAYOUTS:
        if sniff(raw):
            return read(raw, shown)
    raise FormatUnknown(shown, "it begins like no STDF V4, SINF or KLARF 1.x file", code="map_unknown")


def _unpack(raw: bytes, shown: str) -> bytes:
    unpacker, done = zlib.decompressobj(GZIP_WINDOW), io.BytesIO()
    try:
        done.write(unpacker.decompress(raw, LARGEST))
    except INFLATE_ERRORS as error:
        raise ParseError(shown, f"the gzip is damaged: {error}", byte=0) from error
    if unpacker.unconsumed_tail:
        raise ParseError(shown, f"it unpacks to more than {LARGEST >> 20} MiB", byte=0)
    if not unpacker.eof:
        raise ParseError(shown, "the gzip ends too early", code="incomplete_file", byte=len(raw))
    return done.getvalue()
