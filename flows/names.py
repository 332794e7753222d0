r"""Names of dropped files: labels to show, to compare and to recognise what no person dropped; never paths to write to.

A name may be in any encoding, in either Unicode normal form, absolute, or climb out by ``..``. Bytes that are no UTF-8
are shown as ``\xNN``. Names inside zips use forward slashes, whatever system wrote them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

# By operating systems, editors, and programs that copy: half-finished copies get their own name at the end.
SYSTEM_FILES: Final = (
    ".ds_store",
    "._*",
    ".apdisk",
    ".volumeicon.icns",
    "thumbs.db",
    "ehthumbs*.db",
    "desktop.ini",
    "autorun.inf",
    "~$*",
    ".~lock*",
    "*.lock",
    "*.part",
    "*.partial",
    "*.filepart",
    "*.crdownload",
    "*.download",
    "*.opdownload",
    "*.tmp",
    "*.temp",
    "*.swp",
    "*.swx",
    "*~",
    ".#*",
    ".goutputstream-*",
    ".nfs*",
    ".fuse_hidden*",
    ".smbdelete*",
    ".syncthing.*",
    "~syncthing~*",
    ".sync*.part",
    # Of rsync: the name with a dot before it and six random characters behind.
    ".*.??????",
)
SYSTEM_FOLDERS: Final = (
    "@eadir",
    "#recycle",
    "#snapshot",
    "@recycle",
    "@recently-snapshot",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "lost+found",
    ".trash*",
    ".recycle*",
    ".appledouble",
    ".spotlight-v100",
    ".fseventsd",
    ".temporaryitems",
    ".documentrevisions-v100",
    "__macosx",
    ".rsync-partial",
    ".~tmp~",
    ".stversions",
    ".snapshot*",
)
UTF8_NAME: Final = 0x800
DRIVE: Final = re.compile(r"[A-Za-z]:/")


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)), re.IGNORECASE)


SYSTEM_FILE: Final = _any_of(SYSTEM_FILES)
SYSTEM_FOLDER: Final = _any_of(SYSTEM_FOLDERS)


def is_system_file(name: str, folders: Iterable[str]) -> bool:
    """Say whether a file is by the operating system, or a copy that is not finished, going by its name and folders."""
    return SYSTEM_FILE.match(name) is not None or any(map(_is_system_folder, folders))


def printable(path: Path) -> str:
    r"""Return a path as text that can be stored and shown: bytes that are no UTF-8 as ``\xNN``."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def label_members(members: Iterable[zipfile.ZipInfo]) -> list[str]:
    """Return a label for each file in a zip: relative, and no two the same."""
    labels: dict[str, None] = {}
    for member in members:
        plain = label = _decode(member)
        number = 1
        # Two of one name are two files; under one label the second would pass for a new version of the first.
        while label in labels:
            number += 1
            path = PurePosixPath(plain)
            label = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        labels[label] = None
    return list(labels)


def folders_of(label: str) -> tuple[str, ...]:
    """Return the folders in the label of a file in a zip, outermost first."""
    return tuple(part for part in PurePosixPath(label).parent.parts if part != "..")


# The files of an inbox share few folders.
@lru_cache(maxsize=10_000)
def _is_system_folder(folder: str) -> bool:
    return SYSTEM_FOLDER.match(folder) is not None


def _decode(member: zipfile.ZipInfo) -> str:
    """Return a member's name; one that does not claim to be UTF-8 was most likely written by a Korean Windows."""
    name = member.filename
    if not member.flag_bits & UTF8_NAME:
        try:
            name = name.encode("cp437").decode("cp949")
        except UnicodeError:
            name = member.filename
    name = printable(Path(name.replace("\\", "/")))
    return DRIVE.sub("", name, count=1).lstrip("/") or "nameless"
