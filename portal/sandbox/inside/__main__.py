"""The process that queries are answered from: it opens DuckDB, then forks one child for each query.

The child raises the walls around itself, says that it is ready, and waits: a query meets a process that has nothing
left to load. It answers one and ends; what it did to itself ends with it. DuckDB is opened without threads, since a
fork would lose them, and one that is there already would not be behind the walls; the child starts them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Final

import duckdb
import pyarrow as pa
from pyarrow import dataset, ipc  # noqa: F401 DuckDB loads the former at its first answer, when no file can be opened

from portal.sandbox.inside import kernel, locks, orders, rules

NOTHING_LEFT: Final = 3
# Rows that are fetched and counted at a time: as many as DuckDB works on at a time, for each may be large.
BATCH_ROWS: Final = 2048
# Computing may end a little later than waiting, which is counted outside.
SPARE_SECONDS: Final = 1


def main() -> None:
    """Answer queries until there are no more."""
    settings = orders.Settings(**json.loads(sys.argv[1]))
    connection = _open(settings)
    kernel.end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.dup(1)
    # Whatever prints must not get between the answers.
    os.dup2(2, 1)
    while True:
        child = os.fork()
        if child == 0:
            os._exit(_answer_one(connection, settings, answers))
        _, status, used = os.wait4(child, 0)
        if os.waitstatus_to_exitcode(status) == NOTHING_LEFT:
            return
        gone = {"status": os.waitstatus_to_exitcode(status), "resident": used.ru_maxrss * 1024}
        orders.write_frame(answers, orders.GONE, gone)


def _answer_one(connection: duckdb.DuckDBPyConnection, settings: orders.Settings, answers: int) -> int:
    """Be the child: raise the walls, wait for one order, answer it; returns how the process ends."""
    folder, walls = _raise_walls(settings)
    connection.execute(f"SET threads = {settings.threads}")
    orders.write_frame(answers, orders.READY, {"walls": walls})
    order = orders.read_order(0)
    if order is None:
        return NOTHING_LEFT
    # Threads compute at the same time.
    kernel.limit_computing(round(order.seconds * (settings.threads + 1)) + SPARE_SECONDS)
    try:
        told = _answer(connection, settings, order, answers, folder)
    except rules.RefusedError as error:
        told = {"failed": "refused", "detail": str(error)}
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        told = {"failed": "memory", "detail": str(error)}
    except duckdb.InterruptException as error:
        told = {"failed": "time", "detail": str(error)}
    except (duckdb.Error, pa.ArrowException, ValueError, RuntimeError) as error:
        told = {"failed": "wrong", "kind": type(error).__name__, "detail": str(error)}
    orders.write_frame(answers, orders.END, told)
    return 0


def _raise_walls(settings: orders.Settings) -> tuple[str, list[str]]:
    """Raise what the system offers, before any other thread is there; returns the share's folder and what stands."""
    folder, walls = settings.folder, ["limits"]
    if settings.change_root:
        kernel.change_root(folder)
        folder = ""
        walls.append("root")
    kernel.end_with_parent()
    kernel.give_up_privileges()
    if settings.landlock and kernel.lock_files(folder or "/"):
        walls.append("landlock")
    kernel.set_limits(settings.address_space, settings.files)
    if kernel.refuse_calls():
        walls.append("seccomp")
    return folder, walls


def _open(settings: orders.Settings) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1, "async_threads": 0})
    if settings.locks:
        locks.set_early(connection, settings)
    # The first answer loads what every further one needs; so does the first look into a query.
    connection.sql("SELECT json_serialize_sql('SELECT 1')").to_arrow_reader(1).read_all()
    rules.check(connection, "SELECT 1", [])
    return connection


def _answer(
    connection: duckdb.DuckDBPyConnection,
    settings: orders.Settings,
    order: orders.Order,
    answers: int,
    folder: str,
) -> dict[str, object]:
    if settings.rules:
        rules.check(connection, order.sql, order.names)
    for statement in order.statements:
        connection.execute(statement)
    if settings.locks:
        locks.lock(connection, folder, order.seconds)
    # Without rules it may be a statement that answers nothing.
    relation: duckdb.DuckDBPyRelation | None = connection.sql(order.sql)
    if relation is None:
        return {"rows": 0, "cut": ""}
    with relation.to_arrow_reader(BATCH_ROWS) as reader:
        return _hand_over(reader, order, answers)


def _hand_over(reader: pa.RecordBatchReader, order: orders.Order, answers: int) -> dict[str, object]:
    """Write batches as an Arrow stream while rows and bytes are within their limits."""
    rows, size, cut = 0, 0, ""
    with ipc.new_stream(_Pieces(answers), reader.schema) as stream:
        for batch in reader:
            kept = batch.slice(0, order.rows - rows)
            cut = "rows" if kept.num_rows < batch.num_rows else ""
            if size + kept.nbytes > order.size:
                kept, cut = _shorten(kept, order.size - size), "size"
            stream.write_batch(kept)
            rows, size = rows + kept.num_rows, size + kept.nbytes
            if cut:
                break
    return {"rows": rows, "cut": cut}


def _shorten(batch: pa.RecordBatch, size: int) -> pa.RecordBatch:
    """Return the first rows of a batch, as many as have room if all are as large; none where they have not."""
    kept = batch.slice(0, batch.num_rows * size // batch.nbytes)
    return kept if kept.nbytes <= size else batch.slice(0, 0)


class _Pieces:
    """A file that is written into a pipe, in frames.

    Args:
        pipe: where to.
    """

    closed = False

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def write(self, content: bytes) -> int:
        """Write a piece of the stream."""
        orders.write_frame(self._pipe, orders.PIECE, bytes(content))
        return len(content)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


if __name__ == "__main__":
    main()
