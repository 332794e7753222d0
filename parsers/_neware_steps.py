"""Neware's step types: codes of the binary files, names of the exports, and what they are in the schema."""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse.schema import STEP_TYPE

# Codes of the binary files and how the vendor's software prints them.
STEP_CODES: Final = {
    0: "Undefined",
    1: "CC_Chg",
    2: "CC_DChg",
    3: "CV_Chg",
    4: "Rest",
    5: "Cycle",
    6: "End",
    7: "CCCV_Chg",
    8: "CP_DChg",
    9: "CP_Chg",
    10: "CR_DChg",
    11: "CR_Chg",
    12: "IR",
    13: "Pause",
    16: "Pulse",
    17: "SIM",
    18: "PCCCV_Chg",
    19: "CV_DChg",
    20: "CCCV_DChg",
    21: "Control",
    22: "OCV",
    23: "SubStep",
    24: "Follow",
    25: "Ramp",
    26: "CPCV_DChg",
    27: "CPCV_Chg",
    28: "CRCV_DChg",
    29: "CRCV_Chg",
    30: "CyclicVoltammetry",
}
# Names without an entry are "other"; those ending in Chg or DChg have a direction at least.
STEP_KINDS: Final = {
    "CC_Chg": "charge_cc",
    "CV_Chg": "charge_cv",
    "CCCV_Chg": "charge_cccv",
    "CC_DChg": "discharge_cc",
    "CV_DChg": "discharge_cv",
    "CCCV_DChg": "discharge_cccv",
    "Rest": "rest",
    "OCV": "rest",
    "Pause": "pause",
    "Pulse": "pulse",
    "Pulse_Step": "pulse",
}
# The schema types whose steps move charge in one direction or not at all.
WITHOUT_DIRECTION: Final = frozenset({"other", "pulse"})


def step_kind(name: str) -> str:
    """Return the schema's step type for a name as the vendor prints it, with blanks or underscores."""
    plain = name.strip().replace(" ", "_")
    if plain in STEP_KINDS:
        return STEP_KINDS[plain]
    if plain.endswith("_DChg"):
        return "discharge"
    return "charge" if plain.endswith("_Chg") else "other"


def step_types(codes: pl.Series) -> pl.Series:
    """Return the schema's step types for the codes of a binary file."""
    kinds = [step_kind(name) for name in STEP_CODES.values()]
    return codes.replace_strict(list(STEP_CODES), kinds, default="other", return_dtype=STEP_TYPE)


def code_notes(codes: pl.Series) -> tuple[str, ...]:
    """Return a warning that names the step types behind codes without an equal in the schema."""
    return step_notes([STEP_CODES.get(code, f"code {code}") for code in codes.unique().sort().drop_nulls().to_list()])


def step_notes(names: list[str]) -> tuple[str, ...]:
    """Return a warning that names the step types without an equal in the schema."""
    foreign = [name for name in names if step_kind(name) == "other"]
    return (f"step types stored as 'other': {', '.join(foreign)}",) if foreign else ()


def has_direction(codes: pl.Series) -> pl.Series:
    """Tell the records of steps that only charge, only discharge, or carry no charge."""
    return codes.is_in([code for code, name in STEP_CODES.items() if step_kind(name) not in WITHOUT_DIRECTION])
