"""The modules of a .mpr file: where they lie, and what settings and log say.

=====================  ======================================================================================
0x00, 52 bytes         ``BIO-LOGIC MODULAR FILE``, 0x1A, blanks, four zero bytes
then, module by module ``MODULE``, name (10), long name (25), length u4, version u4, date (8, ``mm/dd/yy``);
                       since EC-Lab 11.50: name, long name, 0xFFFFFFFF, length u4, version u4, u4, date
=====================  ======================================================================================

``VMP Set``: 0x00 technique u1; Pascal strings 0x07 comment, 0x11E electrode material, 0x1C0 electrolyte.
``VMP LOG``: 0x09 channel u1 from 0 (BT-Lab counts eight to a letter: 31 is D8); 0xAB channel's serial number u4;
0x249 start of the acquisition, days since 1899-12-30 in local time, f8 (some old files have it at 0x1D1, 0x1D5 or
0x1D9); Pascal strings 0x251 file, 0x3B7 software, 0x3CF device's serial number, 0x3E9 settings file (11.4x and later).
The log is written when the technique ends: a file copied before then has no log and hence only a date.

From galvani 0.5 and yadg's documentation, checked against the .mpt and .mpl files of the same runs.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final

from parsers._biologic_header import TECHNIQUE_CODES, file_label
from parsers.contract import Fact, Source
from warehouse.errors import ParseError

MAGIC: Final = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + bytes(4)
MODULE: Final = b"MODULE"
HEADER: Final = struct.Struct("<10s25sII8s")
LONG_HEADER: Final = struct.Struct("<10s25sIIII8s")
LONG_MARK: Final = b"\xff\xff\xff\xff"
SETTINGS: Final = "VMP Set"
DATA: Final = "VMP data"
LOG: Final = "VMP LOG"

SETTING_TEXTS: Final = {"comment": 0x07, "electrode_material": 0x11E, "electrolyte": 0x1C0}
CHANNEL_BYTE: Final = 0x09
CHANNEL_SERIAL: Final = 0xAB
CHANNELS_A_LETTER: Final = 8
SOFTWARE: Final = 0x3B7
SERIAL: Final = 0x3CF
FILE_NAME: Final = 0x251
SETTINGS_FILE: Final = 0x3E9
STARTS: Final = (0x249, 0x1D1, 0x1D5, 0x1D9)
OLE_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 the file names no zone
# 2009 to 2036: what galvani takes for a date and not for chance.
OLE_DAYS: Final = (40_000.0, 50_000.0)
# EC-Lab counts from 9 upwards, BT-Lab from 1.
OLDEST_EC_LAB: Final = 9


@dataclass(frozen=True)
class Module:
    """One module: its name, version and date, the byte of its content, and how long that is."""

    name: str
    version: int
    date: str
    offset: int
    length: int


def list_modules(source: Source) -> dict[str, Module]:
    """Walk the modules by their headers; none is read.

    Raises:
        ParseError: the file does not begin as a .mpr, a header is damaged or a module runs past the end.
    """
    size = source.path.stat().st_size
    found: dict[str, Module] = {}
    # Every length is checked against the file before anything is read, so that no damage allocates memory.
    with source.path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ParseError(source.name, "expected the opening of a BioLogic modular file", byte=0)
        while file.tell() < size:
            module = _read_header(source, file, size)
            if module.name in found:
                raise ParseError(source.name, f"a second module {module.name!r}", byte=module.offset)
            found[module.name] = module
            file.seek(module.offset + module.length)
    return found


def _read_header(source: Source, file: BinaryIO, size: int) -> Module:
    place = file.tell()
    raw = file.read(len(MODULE) + LONG_HEADER.size)
    if not raw.startswith(MODULE):
        found = raw[: len(MODULE)]
        raise ParseError(source.name, f"expected the start of a module, found {found!r}", byte=place)
    body = raw[len(MODULE) :]
    layout = LONG_HEADER if body[35:39] == LONG_MARK else HEADER
    if len(body) < layout.size:
        raise ParseError(source.name, "the file ends inside a module's header", byte=place)
    name, _, *numbers, date = layout.unpack(body[: layout.size])
    length, version = numbers[-3:-1] if layout is LONG_HEADER else numbers
    offset = place + len(MODULE) + layout.size
    # Names are ASCII; a damaged one must still be shown.
    label = name.decode("ascii", errors="replace").strip()
    if length > size - offset:
        detail = f"module {label!r} is {length} bytes long, the file has {size - offset} left"
        raise ParseError(source.name, detail, byte=place)
    return Module(label, version, date.decode("ascii", errors="replace"), offset, length)


def read_module(source: Source, module: Module) -> bytes:
    """Return a module's content; its length has been checked against the file's."""
    with source.path.open("rb") as file:
        file.seek(module.offset)
        return file.read(module.length)


def settings_facts(content: bytes) -> dict[str, Fact]:
    """Return technique and the operator's notes."""
    facts: dict[str, Fact] = {key: _text(content, place) for key, place in SETTING_TEXTS.items()}
    facts["technique"] = TECHNIQUE_CODES.get(content[0], f"technique {content[0]}") if content else ""
    return _filled(facts)


def log_facts(content: bytes) -> dict[str, Fact]:
    """Return channel, serial numbers, software and names of files."""
    version = _text(content, SOFTWARE)
    serial = _text(content, SERIAL)
    major = version.partition(".")[0]
    bt_lab = major.isdecimal() and int(major) < OLDEST_EC_LAB
    facts: dict[str, Fact] = {"serial": serial, "test_name": file_label(_text(content, FILE_NAME))}
    facts["schedule"] = file_label(_text(content, SETTINGS_FILE).removeprefix("NONE"))
    if version:
        facts["software"] = f"{'BT' if bt_lab else 'EC'}-Lab {version}"
    if serial and len(content) > CHANNEL_SERIAL + 4:
        facts["channel"] = f"{serial}-{_channel(content[CHANNEL_BYTE], lettered=bt_lab)}"
        facts["channel_serial"] = str(struct.unpack_from("<I", content, CHANNEL_SERIAL)[0])
    return _filled(facts)


def log_start(content: bytes) -> datetime | None:
    """Return when the acquisition started, local time, to the millisecond; None where the log does not say."""
    for place in STARTS:
        if len(content) < place + 8:
            continue
        days: float = struct.unpack_from("<d", content, place)[0]
        if OLE_DAYS[0] < days < OLE_DAYS[1]:
            return OLE_EPOCH + timedelta(milliseconds=round(days * 86_400_000))
    return None


def _channel(index: int, *, lettered: bool) -> str:
    if not lettered:
        return str(index + 1)
    return f"{chr(ord('A') + index // CHANNELS_A_LETTER)}{index % CHANNELS_A_LETTER + 1}"


def _text(content: bytes, place: int) -> str:
    """Return a Pascal string; empty where it is absent or not printable."""
    if place >= len(content):
        return ""
    raw = content[place + 1 : place + 1 + content[place]]
    text = raw.decode("cp1252", errors="replace").replace("\r\n", " ").strip()
    return text if text.isprintable() and "\ufffd" not in text else ""


def _filled(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {key: value for key, value in facts.items() if value != ""}
