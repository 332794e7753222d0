"""Cells that are left alone or held at one voltage: self-discharge, leakage, ageing by the calendar.

``decay`` reads the slope of long rests, ``floats`` the current of long holds; ``timeline`` puts a cell's tests one
behind the other, ``loss`` reads storages off it and ``calendar`` check-ups; ``reasons`` says in two languages why a
figure is missing.
"""

from __future__ import annotations

from typing import Final

from warehouse.metrics.computation import Computation
from warehouse.schema import CALENDAR, CALENDAR_FIT, FLOAT_LEAKAGE, STEPS, STORAGE_LOSS, VOLTAGE_DECAY
from warehouse.storage.recipe import StorageRecipe
from warehouse.storage.tables import compute_leakage, compute_storage

__all__ = ["COMPUTATIONS", "StorageRecipe", "compute_leakage", "compute_storage"]

COMPUTATIONS: Final = (
    Computation("leakage", "test", (VOLTAGE_DECAY, FLOAT_LEAKAGE), compute_leakage, section="storage"),
    Computation(
        "storage",
        "cell",
        (STORAGE_LOSS, CALENDAR, CALENDAR_FIT),
        compute_storage,
        reads=(STEPS.name, FLOAT_LEAKAGE.name),
    ),
)
