"""Words for the codes that tables hold, and the sentences behind reasons."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final

from babel.messages.pofile import read_po

from portal.reports.marks import N_
from portal.reports.numbers import write_quantity
from warehouse.impedance.reasons import REASONS as OF_IMPEDANCE
from warehouse.life.reasons import REASONS as OF_LIFE
from warehouse.loads.reasons import REASONS as OF_LOADS
from warehouse.replicates.reasons import REASONS as OF_REPLICATES
from warehouse.reports.site import Language
from warehouse.requirements.reasons import REASONS as OF_REQUIREMENTS
from warehouse.sentences import Sentence
from warehouse.wafers.reasons import REASONS as OF_WAFERS

Say = Callable[..., str]
# A code may mean one thing to a life and another to a spectrum: the table says which book to look it up in.
BOOKS: Final[Mapping[str, tuple[Mapping[str, Sentence], ...]]] = {
    "impedance": (OF_IMPEDANCE,),
    "life": (OF_LIFE,),
    "loads": (OF_LOADS,),
    "statistics": (OF_REPLICATES,),
    "conformity": (OF_WAFERS, OF_REQUIREMENTS),
}
CODES: Final = {
    "cell": N_("Cell"),
    "lot": N_("Lot"),
    "wafer": N_("Wafer"),
    "formation": N_("formation"),
    "ageing": N_("ageing"),
    "rpt": N_("check-up"),
    "rate": N_("rate test"),
    "pulse": N_("pulse"),
    "hold": N_("storage or hold"),
    "incomplete": N_("incomplete"),
    "cycle": N_("half cycle"),
    "rest": N_("rest"),
    "charge": N_("charge"),
    "charge_cc": N_("charge, CC"),
    "charge_cv": N_("charge, CV"),
    "charge_cccv": N_("charge, CC-CV"),
    "discharge": N_("discharge"),
    "discharge_cc": N_("discharge, CC"),
    "discharge_cv": N_("discharge, CV"),
    "discharge_cccv": N_("discharge, CC-CV"),
    "pause": N_("pause"),
    "eis": N_("impedance"),
    "other": N_("other"),
    "voltage": N_("cut-off voltage"),
    "current": N_("cut-off current"),
    "time": N_("elapsed time"),
    "load": N_("current on"),
    "release": N_("current off"),
    "full_charge_first": N_("full cell, charged first"),
    "full_discharge_first": N_("full cell, discharged first"),
    "half_anode": N_("anode half cell"),
    "half_cathode": N_("cathode half cell"),
    "symmetric": N_("symmetric cell"),
    "pass": N_("pass"),
    "fail": N_("fail"),
    "not_tested": N_("not tested"),
    "undecided": N_("undecided"),
    "indeterminate": N_("indeterminate"),
    "fitted": N_("fitted"),
    "refused": N_("refused"),
    "not_applicable": N_("not applicable"),
    "detected": N_("detected"),
    "insufficient": N_("insufficient data"),
    "none": N_("none found"),
    "reference": N_("is the reference"),
    "bracketed": N_("before and after"),
    "not_bracketed": N_("not on both sides"),
    "first": N_("first complete cycle"),
    "first_after_formation": N_("first ageing cycle after formation"),
    "cycle_n": N_("a cycle that the recipe names"),
    "max_of_first": N_("largest of the first ageing cycles"),
    "median_3_5": N_("median of cycles 3 to 5"),
    "nominal": N_("nominal capacity"),
    "reference_capacity_ah": N_("Reference capacity"),
    "areal_capacity_ah_per_square_metre": N_("Areal capacity"),
    "coulombic_efficiency_median": N_("Coulombic efficiency"),
    "fade_rate_per_cycle": N_("Fade rate per cycle"),
    "end_of_life_cycle": N_("Cycle life"),
    "capacity_retention": N_("Capacity retention"),
    "capacity": N_("Capacity"),
    "areal_capacity": N_("Areal capacity"),
    "energy": N_("Energy"),
    "coulombic_efficiency": N_("Coulombic efficiency"),
    "energy_efficiency": N_("Energy efficiency"),
    "fade_rate": N_("Fade rate per cycle"),
    "life": N_("Cycle life"),
    "resistance": N_("DC resistance"),
    "acir": N_("AC resistance"),
    "hf_resistance": N_("High-frequency resistance"),
    "interface_resistance": N_("Interfacial resistance"),
    "leakage": N_("Leakage current"),
    "self_discharge_current": N_("Self-discharge current"),
    "self_discharge": N_("Self-discharge per year"),
    "irreversible_loss": N_("Irreversible loss per year"),
    "charge_time": N_("Charge time"),
    "open_circuit_voltage": N_("Open-circuit voltage"),
    "simple_acceptance": N_("simple acceptance"),
    "guard_band": N_("guard band"),
}
# How the warehouse words what like cells have in common, and how a report does.
NUMBER: Final = r"([-+.\de]+)"
TRAITS: Final = (
    (re.compile(f"{NUMBER} Ah"), N_("nominal {value}"), "Ah"),
    (re.compile(f"charge {NUMBER} C"), N_("charge at {value}"), "C"),
    (re.compile(f"discharge {NUMBER} C"), N_("discharge at {value}"), "C"),
    (re.compile(f"to {NUMBER} V"), N_("upper limit {value}"), "V"),
    (re.compile(f"down to {NUMBER} V"), N_("lower limit {value}"), "V"),
    (re.compile(f"depth {NUMBER}"), N_("depth of discharge {value}"), ""),
)
# Parts of the facts, for what a revision changed.
PARTS: Final = {
    "subject": N_("customer"),
    "method": N_("software or recipe"),
    "site": N_("the laboratory's statements"),
    "uncertainty": N_("uncertainty"),
    "notes": N_("remarks"),
    "items": N_("items"),
    "tests": N_("tests"),
    "sources": N_("raw files"),
    "equipment": N_("equipment"),
    "program": N_("steps"),
    "conditions": N_("conditions"),
    "summary": N_("results"),
    "cycles": N_("cycles"),
    "statistics": N_("statistics"),
    "rate": N_("rate capability"),
    "resistance": N_("resistance"),
    "pulses": N_("pulses"),
    "impedance": N_("impedance"),
    "conformity": N_("conformity"),
}
RULES: Final = {
    "simple_acceptance": N_(
        "Simple acceptance (ILAC-G8:09/2019, guard band w = 0): a result conforms when the measured value lies within "
        "the limits; the measurement uncertainty is not taken into account, so that a result at a limit may be wrongly "
        "accepted with a probability of up to 50 %."
    ),
    "guard_band": N_(
        "Guard band (ILAC-G8:09/2019, w = U): a result conforms when its whole interval lies within the limits, does "
        "not conform when the whole interval lies outside, and is otherwise indeterminate."
    ),
}


@cache
def learn_words(language: Language) -> Say:
    """Return the function that says an English sentence of a report in a language.

    It knows the reports' own catalogue and no other: what a page is called elsewhere must not change an issued report.
    """
    # Read here and not through the pages' catalogues, which hold everything of every area.
    file = resources.files("portal") / "locale" / language / "report.po"
    messages = read_po(BytesIO(file.read_bytes()), locale=language)
    sentences = {str(one.id): str(one.string) for one in messages if one.id and one.string}

    def say(sentence: str, **values: object) -> str:
        said = sentences.get(sentence, sentence)
        return said.format(**values) if values else said

    return say


def name_code(code: str | None, say: Say) -> str:
    """Return a code in words; as it is where nobody gave it any."""
    return say(CODES[code]) if code in CODES else (code or "")


def explain_reason(code: str | None, book: str, language: Language) -> str:
    """Return the sentence behind a reason's code; the code itself where no book has it."""
    # A verdict is by a specification or by a requirement: either book may have its reason.
    for sentences in BOOKS[book]:
        if code is not None and code in sentences:
            return sentences[code].ko if language == "ko" else sentences[code].en
    return code or ""


def name_group(group: str, say: Say) -> str:
    """Return what like cells have in common, in words of the language; names of the customer stay as they are."""
    return " · ".join(_name_trait(trait, say) for trait in group.split(" · "))


def _name_trait(trait: str, say: Say) -> str:
    for pattern, sentence, unit in TRAITS:
        if found := pattern.fullmatch(trait):
            return say(sentence, value=write_quantity(float(found[1]), unit, 3))
    return trait
