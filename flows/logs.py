"""The log of a home: JSON lines in ``logs/cellar.jsonl``, one object a record, rotated by size.

The service and the runs that it starts are several processes, which write one file: each record under a lock, and each
process opens the file anew when another has rotated it. What Prefect says of its runs is in it too, with their names.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from warehouse.home import Home

FOLDER: Final = "logs"
FILE_NAME: Final = "cellar.jsonl"
OURS: Final = "cellar"
MEGABYTE: Final = 1_000_000


def log_path(home: Home) -> Path:
    """Return where a home's log is written."""
    return home.folder / FOLDER / FILE_NAME


def write_log(home: Home) -> None:
    """Write what this process logs from here on into its home's log too; said twice, it is done once."""
    path, root = log_path(home), logging.getLogger()
    if any(isinstance(each, SharedFile) and each.baseFilename == str(path) for each in root.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = home.settings
    handler = SharedFile(path, int(settings.log_megabytes * MEGABYTE), settings.log_files - 1)
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    logging.getLogger(OURS).setLevel(logging.INFO)


class JsonLines(logging.Formatter):
    """Writes a record as one line: time, level, logger, message, and where there are such, flow run and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **name_run(record),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


class SharedFile(RotatingFileHandler):
    """A rotated file that several processes write.

    Args:
        path: the file.
        most_bytes: size at which it is rotated.
        older: how many rotated ones are kept.
    """

    def __init__(self, path: Path, most_bytes: int, older: int) -> None:
        # Without an older one there would be nothing to rotate into, and the file would grow for ever.
        super().__init__(path, maxBytes=most_bytes, backupCount=max(older, 1), encoding="utf-8", delay=True)
        self._lock_path = path.with_suffix(".lock")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, alone."""
        try:
            with self._alone():
                self._follow()
                super().emit(record)
        except OSError:
            self.handleError(record)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock_path.open("a") as file:
            if sys.platform != "win32":
                # Let go of when the file is closed.
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _follow(self) -> None:
        """Let go of a file that another process has rotated."""
        if self.stream is None or _is_same(self.stream.fileno(), self.baseFilename):
            return
        self.stream.close()
        self.stream = None  # opened again by the next record, as at the first


def name_run(record: logging.LogRecord) -> dict[str, Any]:
    """Return the flow run that a record is of, as Prefect's own say or as this moment is part of one."""
    if getattr(record, "flow_run_id", None):
        return {"flow_run": getattr(record, "flow_run_name", None), "flow_run_id": str(record.__dict__["flow_run_id"])}
    # Whoever has not loaded Prefect has no run, and should not load it for this.
    context = sys.modules.get("prefect.context")
    found = context.FlowRunContext.get() if context is not None else None
    run = found.flow_run if found is not None else None
    return {"flow_run": run.name, "flow_run_id": str(run.id)} if run is not None else {}


def _is_same(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))  # noqa: PTH116 beside fstat, which has no Path
    except FileNotFoundError:
        return False
