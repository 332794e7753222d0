"""Sets of requirements and a firm's results in, rows of ``schema.APPLICATION`` out."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from warehouse.metrics.inputs import FirmInputs
from warehouse.requirements.evidence import gather_evidence
from warehouse.requirements.frames import Frames
from warehouse.requirements.profiles import Profile, parse_profile, shipped_profiles
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.requirements.scores import Group, Row, score
from warehouse.schema import APPLICATION, REPLICATE_CELLS


def compute_application(inputs: FirmInputs, recipe: RequirementsRecipe) -> tuple[pl.DataFrame]:
    """Return the score sheets of a firm's cells and groups, against its own sets and the shipped examples."""
    rows = list(_score_all(inputs, recipe))
    return (pl.DataFrame([{"firm": inputs.firm, **row} for row in rows], schema=APPLICATION.dtypes),)


def list_current(inputs: FirmInputs) -> list[Profile]:
    """Return the sets that count for a firm: the latest of each of its own, and examples that it has no own of."""
    latest = inputs.requirement_sets.sort("version").unique("profile", keep="last").sort("profile")
    own = [
        parse_profile(row["document"], f"{row['profile']} {row['version']}", row["version"])
        for row in latest.iter_rows(named=True)
    ]
    # A firm that has requirements of its own does not want to read our example of the same.
    names = {profile.name for profile in own}
    return [*own, *(profile for profile in shipped_profiles() if profile.name not in names)]


def _score_all(inputs: FirmInputs, recipe: RequirementsRecipe) -> Iterator[Row]:
    frames, groups = Frames(inputs, recipe), _list_groups(inputs)
    for profile in list_current(inputs):
        for requirement in profile.requirements:
            yield from score(profile, requirement, gather_evidence(frames, requirement, recipe), groups, recipe)


def _list_groups(inputs: FirmInputs) -> list[Group]:
    """Return the groups of like cells, by name, with the wafer of each cell."""
    members = inputs.results.get(REPLICATE_CELLS.name, REPLICATE_CELLS.empty())
    placed = members.select("cell_id", "replicate_group").join(
        inputs.cells.select("cell_id", "lot", "wafer"), on="cell_id"
    )
    groups: dict[str, dict[str, tuple[str, str] | None]] = {}
    for cell, name, lot, wafer in placed.sort("replicate_group", "cell_id").rows():
        groups.setdefault(name, {})[cell] = None if wafer is None else (lot or "", wafer)
    return [Group(name, wafers) for name, wafers in groups.items()]
