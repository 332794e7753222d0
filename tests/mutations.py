"""Damaged copies of files, each told by its number alone: bytes, words, numbers, lines and packed members changed.

One number always makes the same damage of the same file, so a finding is made again by its number.
"""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from typing import Final

from damaged import INTERESTING

MOST_CHANGES: Final = 4
TEXT_SHARE: Final = 0.85
NUMBER: Final = re.compile(rb"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
NUMBERS: Final = (
    *(b"0", b"-1", b"1e999", b"-1e999", b"nan", b"inf", b"1e-320", b"9" * 25, b"99999999999", b"2147483648", b"", b"-"),
    *(
        b"1.",
        b".5",
        b"1,5",
        b"1.2.3",
        b"0x10",
        b"1e5",
        b"\xef\xbc\x91",
        b"4294967296",
        b"1" * 400,
        b"-0",
        b"NaN",
        b"N/A",
    ),
)
WORDS: Final = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b'"',
    b"\x1a",
    b"\t",
    b";",
    b",",
    b"\x85",
    b"\xe2\x80\xa8",
    b"\\",
)
INTEGERS: Final = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63 - 1,
    2**64 - 1,
)
FLOATS: Final = (float("nan"), float("inf"), -1.0, 1e300, 1e-300, -0.0, 1e30)
WIDTHS: Final = {"<B": 1, "<H": 2, ">H": 2, "<I": 4, ">I": 4, "<Q": 8}

Change = Callable[[bytearray, random.Random], None]


def mutate(content: bytes, number: int, others: Sequence[bytes] = ()) -> bytes:
    """Return the damage of one number.

    Args:
        content: the sound file.
        number: tells what is changed, and where.
        others: files of which parts may be put in.
    """
    chance = random.Random(number)  # noqa: S311 damage need not be secret
    if content.startswith(b"PK") and chance.random() < TEXT_SHARE:
        return _mutate_member(content, chance, others)
    return _change(content, chance, others)


def _change(content: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    damaged = bytearray(content)
    changes = TEXT_CHANGES if b"\x00" not in content[:512] and chance.random() < TEXT_SHARE else BYTE_CHANGES
    for _ in range(chance.randint(1, MOST_CHANGES)):
        if not damaged:
            break
        if others and chance.random() < 0.03:
            other = chance.choice(others)
            damaged[chance.randrange(len(damaged)) :] = other[chance.randrange(len(other)) :] if other else b""
        else:
            chance.choice(changes)(damaged, chance)
    return bytes(damaged)


def _mutate_member(content: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Damage one file inside a zip and pack it again, so that its checksum is right."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    chosen = chance.choice(sorted(members))
    members[chosen] = _change(members[chosen], chance, others)
    if chance.random() < 0.05:
        del members[chance.choice(sorted(members))]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, raw in members.items():
            packed.writestr(zipfile.ZipInfo(name), raw, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _set_byte(damaged: bytearray, chance: random.Random) -> None:
    damaged[chance.randrange(len(damaged))] = chance.choice((chance.randrange(256), chance.choice(INTERESTING)))


def _flip_bit(damaged: bytearray, chance: random.Random) -> None:
    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)


def _cut_out(damaged: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(damaged))
    del damaged[place : place + chance.choice((1, 2, 4, 8, 100, 4096))]


def _repeat(damaged: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(damaged))
    damaged[place:place] = damaged[place : place + chance.choice((1, 2, 4, 8, 100, 4096))]


def _overwrite(damaged: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(damaged))
    raw = chance.choice((b"\0", b"\xff", chance.randbytes(1))) * chance.choice((1, 4, 16, 512))
    damaged[place : place + len(raw)] = raw


def _cut_off(damaged: bytearray, chance: random.Random) -> None:
    del damaged[chance.randrange(len(damaged)) :]


def _pad(damaged: bytearray, chance: random.Random) -> None:
    damaged += chance.choice((b"\0", b"\xff", b"\n", b" ", b",")) * chance.choice((1, 7, 512, 5000))


def _set_integer(damaged: bytearray, chance: random.Random) -> None:
    kind, width = chance.choice(tuple(WIDTHS.items()))
    value = chance.choice((*INTEGERS, len(damaged), len(damaged) + 1, chance.randrange(2**16))) & (2 ** (8 * width) - 1)
    place = chance.randrange(len(damaged))
    damaged[place : place + width] = struct.pack(kind, value)


def _set_float(damaged: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(damaged))
    value = chance.choice(FLOATS)
    wide = chance.random() < 0.5 or abs(value) > 1e38
    damaged[place : place + (8 if wide else 4)] = struct.pack("<d" if wide else "<f", value)


def _change_number(damaged: bytearray, chance: random.Random) -> None:
    found = NUMBER.search(damaged, chance.randrange(len(damaged)))
    if found:
        damaged[found.start() : found.end()] = chance.choice(NUMBERS)


def _change_numbers(damaged: bytearray, chance: random.Random) -> None:
    """Change all occurrences of one number, as when a whole column holds it."""
    found = NUMBER.search(damaged, chance.randrange(len(damaged)))
    if found:
        damaged[:] = bytes(damaged).replace(bytes(found[0]), chance.choice(NUMBERS), 200)


def _put_word(damaged: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(damaged))
    damaged[place:place] = chance.choice(WORDS)


def _shuffle_lines(damaged: bytearray, chance: random.Random) -> None:
    """Drop, repeat, move, blank or join lines."""
    lines = bytes(damaged).splitlines(keepends=True)
    place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[place]
        case 1:
            lines.insert(other, lines[place])
        case 2:
            lines[place], lines[other] = lines[other], lines[place]
        case 3:
            lines[place] = b"\n"
        case _:
            lines[place] = lines[place].rstrip(b"\r\n")
    damaged[:] = b"".join(lines)


def _change_cells(damaged: bytearray, chance: random.Random) -> None:
    """Drop, repeat or swap cells of one line."""
    lines = bytes(damaged).splitlines(keepends=True)
    place = chance.randrange(len(lines))
    sign = max((b",", b";", b"\t", b" "), key=lines[place].count)
    cells = lines[place].split(sign)
    one, other = chance.randrange(len(cells)), chance.randrange(len(cells))
    match chance.randrange(3):
        case 0:
            del cells[one]
        case 1:
            cells.insert(other, cells[one])
        case _:
            cells[one], cells[other] = cells[other], cells[one]
    lines[place] = sign.join(cells)
    damaged[:] = b"".join(lines)


def _recode(damaged: bytearray, chance: random.Random) -> None:
    """Write the whole text otherwise: line ends, separators, decimal signs, encoding."""
    raw = bytes(damaged)
    ways: tuple[Callable[[bytes], bytes], ...] = (
        lambda text: text.replace(b"\r\n", b"\n"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\r\n", b"\r").replace(b"\n", b"\r"),
        lambda text: text.replace(b",", b";"),
        lambda text: text.replace(b".", b","),
        lambda text: text.replace(b"\t", b","),
        lambda text: text.upper(),
        lambda text: text.decode("latin-1").encode("utf-16"),
        lambda text: b"\xef\xbb\xbf" + text,
    )
    damaged[:] = chance.choice(ways)(raw)


BYTE_CHANGES: Final[tuple[Change, ...]] = (
    _set_byte,
    _flip_bit,
    _cut_out,
    _repeat,
    _overwrite,
    _cut_off,
    _pad,
    _set_integer,
    _set_integer,
    _set_float,
)
TEXT_CHANGES: Final[tuple[Change, ...]] = (
    _set_byte,
    _cut_out,
    _cut_off,
    _pad,
    _change_number,
    _change_number,
    _change_number,
    _change_numbers,
    _put_word,
    _shuffle_lines,
    _change_cells,
    _change_cells,
    _recode,
)
