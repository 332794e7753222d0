"""The archive: the raw bytes of everything ever dropped, named by their SHA-256, never deleted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from warehouse.errors import QuarantineError, SourceBusy
from warehouse.files import CHUNK, hash_file, make_folder, publish_file, remove_temporaries, temporary_beside

FANOUT: Final = 2
INCOMING: Final = "incoming"


@dataclass(frozen=True)
class Capture:
    """A source that was taken into the archive: its hash, its size, where its bytes are now."""

    sha256: str
    size: int
    path: Path


class Archive:
    """A folder of raw files, ``<first two hex digits>/<sha256>``.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, sha256: str) -> Path:
        """Return where the bytes with this hash are, or would be."""
        return self.folder / sha256[:FANOUT] / sha256

    def capture(self, source: Path, shown: str) -> Capture:
        """Copy a file into the archive while hashing it; the file itself is never touched.

        Args:
            source: the dropped file.
            shown: its path as the user knows it.

        Raises:
            SourceBusy: the file changed while it was copied; it is still being written.
            QuarantineError: the file cannot be read.
        """
        temporary = temporary_beside(self.folder / INCOMING / "source")
        try:
            digest, size = _copy_hashing(source, temporary, shown)
            final = self.path_of(digest)
            # A copy that has rotted on the disk is healed by the drop of a good one.
            if not (final.exists() and hash_file(final) == digest):
                make_folder(final.parent)
                publish_file(temporary, final)
        finally:
            temporary.unlink(missing_ok=True)
        return Capture(digest, size, final)

    def remove_temporaries(self) -> int:
        """Remove what a killed capture left; call it only while no writer is at work. Returns how many."""
        return remove_temporaries(self.folder / INCOMING)


def _copy_hashing(source: Path, target: Path, shown: str) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with _open_source(source, shown) as reader:
        before = os.fstat(reader.fileno())
        with target.open("wb") as writer:
            for chunk in _read_chunks(reader, shown):
                digest.update(chunk)
                writer.write(chunk)
                size += len(chunk)
        after = os.fstat(reader.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise SourceBusy(f"{shown} changed while it was copied; it is taken again when it is quiet")
    return digest.hexdigest(), size


def _open_source(source: Path, shown: str) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise QuarantineError(shown, f"cannot be opened: {error.strerror}", code="cannot_open") from error


def _read_chunks(reader: BinaryIO, shown: str) -> Iterator[bytes]:
    """Yield a source's bytes; a share that fails under our hands is the source's failure, not the archive's."""
    try:
        while chunk := reader.read(CHUNK):
            yield chunk
    except OSError as error:
        raise QuarantineError(shown, f"cannot be read: {error.strerror}", code="cannot_open") from error
