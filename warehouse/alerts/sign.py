"""A sign that something should be looked at, before it is known whether it was told already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sign:
    """One sign.

    Args:
        kind: a key of ``words.KINDS``.
        subject: what it is about, so that the same thing is told once.
        cell_id: the cell; None where it is about none.
        evidence: the figures behind it, by the names that its sentence uses.
        firm: whom it concerns; None for the operators.
        test_id: the test; None where it is about none.
    """

    kind: str
    subject: str
    cell_id: str | None
    evidence: Mapping[str, object]
    firm: str | None = None
    test_id: str | None = None
