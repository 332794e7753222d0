"""What a firm's query may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a firm's query may take.

    Args:
        seconds: from the order to the end of the answer.
        rows: of the answer; more are cut, and the answer says so.
        size: bytes of the answer; more are cut likewise.
        memory: bytes that DuckDB may take.
        overhead: bytes of address space that the process needs beside twice that: libraries, stacks, arenas.
        files: files that may be open at a time.
        threads: that DuckDB may use.
        text: characters that a query may have.
        processes: that may be there at a time, for all firms together.
        of_firm: queries of one firm that may run at a time.
        waiting: queries of one firm that may wait for their turn.
        wait_second: that a query waits for its turn.
    """

    seconds: float = 10.0
    rows: int = 1_000_000
    size: int = 64 << 20
    memory: int = 512 << 20
    overhead: int = 1 << 30
    files: int = 512
    threads: int = 2
    text: int = 100_000
    processes: int = 8
    of_firm: int = 2
    waiting: int = 4
    wait_second: float = 5.0

    @property
    def address_space(self) -> int:
        """Bytes of address space that the system grants."""
        return self.overhead + 2 * self.memory
