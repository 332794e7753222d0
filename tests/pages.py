"""Figures that a proof writes into a page of the documentation, between two marks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[1] / "docs"
BEGIN: Final = "<!-- figures: begin -->"
END: Final = "<!-- figures: end -->"


def read_figures(page: Path) -> str:
    """Return what stands between a page's marks."""
    return page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip("\n")


def write_figures(page: Path, figures: str) -> None:
    """Put figures between a page's marks, in place of those of the last run."""
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    page.write_text(f"{head}{BEGIN}\n{figures}\n{END}{tail}", encoding="utf-8")
