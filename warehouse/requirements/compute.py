"""Sets of requirements and a firm's results in, rows of ``schema.APPLICATION`` out."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

import numpy as np
import polars as pl

from warehouse.metrics.inputs import FirmInputs
from warehouse.requirements.evidence import gather_evidence
from warehouse.requirements.frames import Frames
from warehouse.requirements.profiles import Profile, parse_profile, shipped_profiles
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.requirements.scores import Group, score, score_cells, score_group
from warehouse.requirements.sheet import Sheet, describe_requirement
from warehouse.schema import APPLICATION, REPLICATE_CELLS


def compute_application(inputs: FirmInputs, recipe: RequirementsRecipe) -> tuple[pl.DataFrame]:
    """Return the score sheets of a firm's cells and groups, against its own sets and the shipped examples."""
    groups = _list_groups(inputs)
    if not groups:
        return (APPLICATION.empty(),)
    profiles, sheet = list_current(inputs), Sheet(groups)
    asked = [requirement for profile in profiles for requirement in profile.requirements]
    frames = Frames(inputs, recipe, [cell for group in groups for cell in group.wafers], asked)
    on_wafers = np.array([wafer is not None for group in groups for wafer in group.wafers.values()])
    for profile in profiles:
        # A firm and its customer agree on the rule before the test; the recipe's is for those who did not.
        rule = profile.decision_rule or recipe.decision_rule
        for requirement in profile.requirements:
            scored = score(requirement, rule, gather_evidence(frames, requirement, recipe))
            types = [score_group(scored, group, recipe) for group in groups]
            sheet.add(describe_requirement(profile, requirement, rule), score_cells(scored, on_wafers), types)
    return (sheet.write(inputs.firm),)


def list_current(inputs: FirmInputs) -> list[Profile]:
    """Return the sets that count for a firm: the latest of each of its own, and examples that it has no own of."""
    versions = sorted(inputs.requirement_sets.to_dicts(), key=itemgetter("profile", "version"))
    latest = {row["profile"]: row for row in versions}
    own = [
        parse_profile(row["document"], f"{row['profile']} {row['version']}", row["version"]) for row in latest.values()
    ]
    # A firm that has requirements of its own does not want to read our example of the same.
    names = {profile.name for profile in own}
    return [*own, *(profile for profile in shipped_profiles() if profile.name not in names)]


def _list_groups(inputs: FirmInputs) -> list[Group]:
    """Return the groups of like cells, by name, with the wafer of each cell."""
    members = inputs.results.get(REPLICATE_CELLS.name, REPLICATE_CELLS.empty())
    names = dict(members[["cell_id", "replicate_group"]].rows())
    cells = ((names[row[0]], *row) for row in inputs.cells[["cell_id", "lot", "wafer"]].rows() if row[0] in names)
    groups: list[Group] = []
    for name, of_group in groupby(sorted(cells, key=itemgetter(0, 1)), itemgetter(0)):
        wafers = {cell: None if wafer is None else (lot or "", wafer) for _, cell, lot, wafer in of_group}
        first = groups[-1].places.stop if groups else 0
        groups.append(Group(name, wafers, slice(first, first + len(wafers))))
    return groups
