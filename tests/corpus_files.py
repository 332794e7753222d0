"""The corpus and its golden cases, as the tests see them."""

from __future__ import annotations

import csv
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
CASES: Final = HERE / "corpus" / "cases.toml"


@dataclass(frozen=True)
class Case:
    """One entry of cases.toml; the meaning of each key stands in that file's header."""

    file: str
    format: str = ""
    kind: str = ""
    rows: int = 0
    spectra: int = 0
    truth: str = ""
    first: Mapping[str, Any] = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    tolerance: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    error: Mapping[str, str] = field(default_factory=dict)
    cycles: int = 0
    means: Mapping[str, float] = field(default_factory=dict)


KEYS: Final = frozenset(part.name for part in fields(Case))


def corpus_folder() -> Path:
    """Return where the corpus is expected: CELLAR_CORPUS, else beside the checkout."""
    named = os.environ.get("CELLAR_CORPUS")
    return Path(named) if named else HERE.parent.parent / "shared" / "corpus"


@cache
def raw_entries() -> tuple[dict[str, Any], ...]:
    """Return the entries of cases.toml as written."""
    return tuple(tomllib.loads(CASES.read_text(encoding="utf-8")).get("case", ()))


@cache
def cases() -> tuple[Case, ...]:
    """Return the golden cases; keys that no case may have are left to the test that names them."""
    return tuple(
        Case(**{key: value for key, value in entry.items() if key in KEYS})
        for entry in raw_entries()
        if "file" in entry
    )


@cache
def index() -> dict[str, dict[str, str]]:
    """Return the corpus index by path; empty where the corpus is absent."""
    listing = corpus_folder() / "INDEX.tsv"
    if not listing.is_file():
        return {}
    with listing.open(encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
