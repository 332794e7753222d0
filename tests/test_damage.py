"""Damaged files in numbers: only readings and our own refusals come out, quickly and in little memory.

This is the short form; ``python3 dev.py prove mutations cuts`` runs all of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from damage_runs import Cuts, judge, run
from mutations import mutate
from seeds import find_seeds

import parsers

MUTATIONS: Final = int(os.environ.get("CELLAR_MUTATIONS", "1200"))
CUTS: Final = int(os.environ.get("CELLAR_CUTS", "400"))


def test_every_format_has_a_seed() -> None:
    """Every format is damaged, so a new one needs a small file in the corpus or a written one in ``seeds.py``."""
    assert set(parsers.formats()) <= {seed.format for seed in find_seeds()}


def test_seeds_are_sound(tmp_path: Path) -> None:
    """What is damaged is sound, else refusals alone were met; a .ndc by itself is always refused."""
    path = tmp_path / "sound"
    refused = set()
    for seed in find_seeds():
        path.write_bytes(seed.content)
        if judge(path, seed) != "readings":
            refused.add(seed.format)
    assert refused == {"neware_ndc"}


def test_damage_is_told_by_its_number() -> None:
    """One number makes the same damage again, and others make others."""
    content = find_seeds()[0].content
    assert mutate(content, 12) == mutate(content, 12) != content
    assert len({mutate(content, number) for number in range(100)}) > 90


@pytest.mark.parametrize("kind", ["mutations", "cuts"])
def test_damaged_files_are_read_or_refused(corpus: object, kind: str) -> None:
    """No damaged file gives anything but a reading or a refusal; none takes five seconds or a gigabyte."""
    del corpus
    if kind == "mutations":
        told = run(kind, 0, MUTATIONS)
    else:
        stride = max(1, len(Cuts()) // CUTS)
        told = run(kind, 0, len(Cuts(stride)), stride=stride)
    assert told.findings == []
    assert told.inputs > min(MUTATIONS, CUTS) * 0.9
    assert told.readings
    assert told.refusals
