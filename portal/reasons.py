"""Why a figure is missing: the warehouse's codes as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from portal.charts.text import Text, quote_sentence
from warehouse.cohort.reasons import REASONS as COHORT
from warehouse.diffusion.reasons import REASONS as DIFFUSION
from warehouse.impedance.reasons import REASONS as IMPEDANCE
from warehouse.life.reasons import REASONS as LIFE
from warehouse.loads.reasons import REASONS as LOADS
from warehouse.replicates.reasons import REASONS as REPLICATES
from warehouse.requirements.reasons import REASONS as REQUIREMENTS
from warehouse.sentences import Sentence
from warehouse.storage.reasons import REASONS as STORAGE
from warehouse.wafers.reasons import REASONS as WAFERS

AREAS: Final[Mapping[str, Mapping[str, Sentence]]] = {
    "cohort": COHORT,
    "diffusion": DIFFUSION,
    "impedance": IMPEDANCE,
    "life": LIFE,
    "loads": LOADS,
    "replicates": REPLICATES,
    "requirements": REQUIREMENTS,
    "storage": STORAGE,
    "wafers": WAFERS,
}


def explain(area: str, code: str | None, *, brief: bool = False) -> Text | None:
    """Return what a code of one area of the warehouse says, and what to do about it unless it is to be brief.

    A code without a sentence stands for itself.
    """
    if code is None:
        return None
    sentence = AREAS[area].get(code)
    # A code that a later version of the warehouse brings must not break a page.
    if sentence is None:
        return Text(code, ko=code)
    return Text(sentence.en, ko=sentence.ko) if brief else quote_sentence(sentence)
