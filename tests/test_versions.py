"""Any history of files: every version is kept, every row counts once, and what counts is what the table says."""

from __future__ import annotations

import os

from histories import Histories
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

EXAMPLES = int(os.environ.get("CELLAR_HISTORIES", "12"))


def test_any_history_counts_as_the_table_says() -> None:
    """Drops, copies, growth, rewriting, deletion, kills and nights in any order end as the model of bytes says."""
    short = settings(
        max_examples=EXAMPLES, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Histories, settings=short)
