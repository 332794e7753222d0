"""A mark for sentences that are translated where they are shown, not where they stand."""

from __future__ import annotations


def N_(sentence: str) -> str:  # noqa: N802 the name under which Babel looks for such sentences
    """Return the sentence as it is."""
    return sentence
