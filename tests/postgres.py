"""A PostgreSQL server for the tests: Debian's own, its data in a temporary folder, loopback and a socket only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

PLACES: Final = "/usr/lib/postgresql/*/bin"
# Nothing here has to survive a power cut.
FAST: Final = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"


def find_binaries() -> Path | None:
    """Return the folder of the newest installed server's programs, or None."""
    found = [folder for folder in Path("/").glob(PLACES.lstrip("/")) if (folder / "initdb").exists()]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def running_server(binaries: Path) -> Iterator[str]:
    """Run a server; yields the URL of its databases, to which a name is added."""
    folder = Path(tempfile.mkdtemp(prefix="cellar-pg-"))
    data, port = folder / "data", _free_port()
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        _run(binaries / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} {FAST}"
        _run(binaries / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-t", "60", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
        finally:
            _run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(server: str, name: str) -> str:
    """Create an empty database and return its URL."""
    address = server.replace("postgresql+psycopg", "postgresql") + "/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def _run(program: Path, *arguments: str | Path) -> None:
    # The server refuses to run as root.
    changed = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    command = [*changed, str(program), *map(str, arguments)]
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
