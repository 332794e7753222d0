"""A stranger's SQL, each query in a process of its own between three walls.

1. The system's: ``walls.py`` outside, ``inside/kernel.py`` inside: what the process can open, start, reach and use up.
2. DuckDB's own locks: ``inside/locks.py``.
3. Rules of what a query may be: ``inside/rules.py``.

Each holds without the others; ``docs/decisions/0014-sandbox.md`` tells why they are these. What runs inside imports
nothing of Cellar, and this module imports nothing at all, for it is loaded in there too.
"""
