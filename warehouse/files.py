"""Files that survive a power cut: written to a temporary name, fsynced, renamed, the directory fsynced."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Final

CHUNK: Final = 1 << 20
TEMPORARY: Final = ".tmp"


def temporary_beside(final: Path) -> Path:
    """Return an unused temporary name in the folder of ``final``, which is made when absent."""
    make_folder(final.parent)
    return final.parent / f"{uuid.uuid4().hex}{TEMPORARY}"


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


def remove_temporaries(folder: Path) -> int:
    """Remove what a killed writer left below a folder; call it only while no writer is at work. Returns how many."""
    left = list(folder.rglob(f"*{TEMPORARY}"))
    for path in left:
        path.unlink()
    return len(left)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
