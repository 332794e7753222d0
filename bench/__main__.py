"""``python3 dev.py bench [NAME…]``: ours beside the bare readers, throughput, memory, a growing file, the fade query.

Names: readers, files, growth, rows, fade, metrics, nightly, backfill, start, standard, sandbox, portal; or none: all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench import backfill, fade, files, growth, metrics, nightly, portal, readers, rows, sandbox, standard, start

BENCHES: dict[str, Callable[[], None]] = {
    "readers": readers.run,
    "files": files.run,
    "growth": growth.run,
    "fade": fade.run,
    "metrics": metrics.run,
    "nightly": nightly.run,
    "backfill": backfill.run,
    "portal": portal.run,
    "start": start.run,
    "rows": rows.run,
    "standard": standard.run,
    "sandbox": sandbox.run,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = sorted(set(names) - BENCHES.keys())
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        print(f"\n== {name} ==", flush=True)
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
