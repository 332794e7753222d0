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

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final

from parsers._biologic_header import TECHNIQUE_CODES, file_label
from parsers.contract import Fact
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
    """One module.

    Args:
        name: its short name.
        version: of its layout.
        date: when it was written, as text.
        header: byte of its header.
        offset: byte of its content.
        length: bytes of its content, as its header states.
        present: those of them that are in the file; fewer only in its last module.
    """

    name: str
    version: int
    date: str
    header: int
    offset: int
    length: int
    present: int

    @property
    def cut(self) -> bool:
        """Whether the file ends inside the module."""
        return self.present < self.length


def list_modules(file: BinaryIO, name: str) -> tuple[dict[str, Module], bool]:
    """Walk the modules by their headers; none is read.

    Args:
        file: the whole file.
        name: what it is called, for messages.

    Returns:
        The modules by name, and whether the file ends inside the header of a further one.

    Raises:
        ParseError: the file does not begin as a .mpr or a header is damaged.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    found: dict[str, Module] = {}
    # Every length is checked against the file before anything is read, so that no damage allocates memory.
    opening = file.read(len(MAGIC))
    if opening != MAGIC:
        code = "incomplete_file" if MAGIC.startswith(opening) else None
        raise ParseError(name, "expected the opening of a BioLogic modular file", code=code, byte=0)
    while (place := file.tell()) < size:
        module = _read_header(name, file, size)
        if module is None:
            return found, True
        if module.name in found:
            raise ParseError(name, f"a second module {module.name!r}", byte=place)
        found[module.name] = module
        file.seek(module.offset + module.length)
    return found, False


def _read_header(name: str, file: BinaryIO, size: int) -> Module | None:
    """Read the header at which the file stands; None where the file ends inside it."""
    place = file.tell()
    raw = file.read(len(MODULE) + LONG_HEADER.size)
    if not raw.startswith(MODULE[: len(raw)]):
        found = raw[: len(MODULE)]
        raise ParseError(name, f"expected the start of a module, found {found!r}", byte=place)
    body = raw[len(MODULE) :]
    layout = LONG_HEADER if body[35:39] == LONG_MARK else HEADER
    if len(body) < layout.size:
        return None
    label, _, *numbers, date = layout.unpack(body[: layout.size])
    length, version = numbers[-3:-1] if layout is LONG_HEADER else numbers
    offset = place + len(MODULE) + layout.size
    # Names are ASCII; a damaged one must still be shown.
    plain, day = (text.decode("ascii", errors="replace").strip() for text in (label, date))
    return Module(plain, version, day, place, offset, length, min(length, size - offset))


def read_module(file: BinaryIO, module: Module) -> bytes:
    """Return as much of a module's content as the file has."""
    file.seek(module.offset)
    return file.read(module.present)


def length_bytes(header: bytes, length: int) -> bytes:
    """Return a module's header with another length of its content."""
    long = header[len(MODULE) + 35 :].startswith(LONG_MARK)
    place = len(MODULE) + (39 if long else 35)
    return header[:place] + length.to_bytes(4, "little") + header[place + 4 :]


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
