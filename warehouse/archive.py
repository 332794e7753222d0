"""The archive: the raw bytes of everything ever dropped, named by their SHA-256, never deleted."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from warehouse.errors import QuarantineError, StoreBusy
from warehouse.files import CHUNK, publish_file, temporary_beside

FANOUT: Final = 2


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
            StoreBusy: the file changed while it was copied; it is still being written.
            QuarantineError: the file cannot be read.
        """
        temporary = temporary_beside(self.folder / "incoming")
        try:
            digest, size = _copy_hashing(source, temporary, shown)
            final = self.path_of(digest)
            if final.exists() and final.stat().st_size == size:
                temporary.unlink()
            else:
                temporary_beside(final)
                publish_file(temporary, final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return Capture(digest, size, final)


def _copy_hashing(source: Path, target: Path, shown: str) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    try:
        with source.open("rb") as reader:
            before = os.fstat(reader.fileno())
            with target.open("wb") as writer:
                while chunk := reader.read(CHUNK):
                    digest.update(chunk)
                    writer.write(chunk)
                    size += len(chunk)
            after = os.fstat(reader.fileno())
    except (PermissionError, FileNotFoundError, IsADirectoryError) as error:
        raise QuarantineError(shown, f"cannot be opened: {error.strerror}", code="cannot_open") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise StoreBusy(f"{shown} changed while it was copied; it is taken again when it is quiet")
    return digest.hexdigest(), size
