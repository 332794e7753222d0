"""Files that survive a power cut: written to a temporary name, fsynced, renamed, the directory fsynced."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Final

CHUNK: Final = 1 << 20
TEMPORARY: Final = ".tmp"


def make_token() -> str:
    """Return a name for a writer, unique for all time."""
    return uuid.uuid4().hex


def temporary_beside(final: Path, owner: str = "") -> Path:
    """Return an unused temporary name in the folder of ``final``, which is made when absent.

    Args:
        final: the file that it may become.
        owner: token of the writer, which tells what a dead one left from what a living one works on.
    """
    make_folder(final.parent)
    return final.parent / f"{owner}-{uuid.uuid4().hex}{TEMPORARY}"


def make_folder(folder: Path) -> None:
    """Make a folder and its parents durable."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def publish_file(temporary: Path, final: Path) -> None:
    """Give a finished temporary file its final name, durably: fsync, rename, fsync the folder."""
    sync_file(temporary)
    temporary.replace(final)
    sync_folder(final.parent)


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on the disk; Windows has no such call and does it by itself."""
    if os.name != "nt":
        sync_file(folder)


def remove_temporaries(folder: Path, spare: Collection[str] = ()) -> int:
    """Remove what killed writers left below a folder. Returns how many files.

    Args:
        folder: where to look.
        spare: tokens of the writers that live, whose temporaries stay.
    """
    left = [path for path in folder.rglob(f"*{TEMPORARY}") if is_abandoned(path, spare)]
    for path in left:
        # Its writer may have been alive after all, and be done with it by now.
        path.unlink(missing_ok=True)
    return len(left)


def is_abandoned(path: Path, spare: Collection[str]) -> bool:
    """Say whether a file is a temporary, and of none of the writers whose tokens are given."""
    return path.name.endswith(TEMPORARY) and path.name.partition("-")[0] not in spare


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
