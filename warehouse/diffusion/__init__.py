"""Titrations to diffusion coefficients: how fast lithium moves within the film of a cathode.

``trains`` finds the titrations among a test's steps, ``gitt`` and ``pitt`` read them, ``reasons`` says in two languages
why a figure is missing.
"""

from __future__ import annotations

from typing import Final

from warehouse.diffusion.recipe import DiffusionRecipe
from warehouse.diffusion.tables import compute_diffusion
from warehouse.metrics.computation import Computation
from warehouse.schema import GITT, PITT

__all__ = ["COMPUTATIONS", "DiffusionRecipe", "compute_diffusion"]

COMPUTATIONS: Final = (Computation("diffusion", "test", (GITT, PITT), compute_diffusion),)
