"""What kind of file system a path lies on: locks and times of change of a network share are not those of a disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

NETWORK_FILESYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs"})
MOUNTS: Final = Path("/proc/mounts")
FIELDS: Final = 3


def mount_kind(folder: Path) -> str:
    """Return the kind of the file system below a folder, such as ``ext4``; empty where the system does not tell."""
    if not MOUNTS.exists():
        return ""
    lines = (line.split() for line in MOUNTS.read_text().splitlines())
    kinds = {fields[1]: fields[2] for fields in lines if len(fields) >= FIELDS}
    nearest = max((point for point in kinds if folder.is_relative_to(point)), key=len, default="/")
    return kinds.get(nearest, "")


def is_on_network(folder: Path) -> bool:
    """Say whether a folder is on a network share."""
    return mount_kind(folder) in NETWORK_FILESYSTEMS
