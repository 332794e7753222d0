"""Sites: every cell of a firm, and every die of its maps that no cell stands on, with its place on the wafer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers, doubles, integers
from warehouse.metrics.inputs import FirmInputs
from warehouse.wafers.groups import number_words

WAFER: Final = ("lot", "wafer")
DIE: Final = (*WAFER, "die_x", "die_y")
GEOMETRY: Final = (
    "diameter_metre",
    "canonical_pitch_x_metre",
    "canonical_pitch_y_metre",
    "canonical_offset_x_metre",
    "canonical_offset_y_metre",
)
OF_WAFER: Final = (*WAFER, *GEOMETRY, "edge_exclusion_metre", "gross_dies", "map_dies")
OF_CELL: Final = (
    "cell_id",
    "project",
    "stack",
    "process_split",
    "reticle_x",
    "reticle_y",
    "active_area_square_metre",
    "die_area_square_metre",
    "nominal_capacity_ah",
)
# Before the count of any die.
BEFORE: Final = -(2**62)


@dataclass(frozen=True)
class Maps:
    """What the current maps of a firm say.

    Args:
        current: rows of ``schema.DIE_MAP``, without those that a later revision corrects.
        dies: their rows of ``schema.DIE_RESULT``.
    """

    current: pl.DataFrame
    dies: pl.DataFrame


@dataclass(frozen=True)
class Sites:
    """Sites in the order of their lots, wafers, dies and cells.

    Args:
        frame: one row a site; ``site`` is its place, ``cell_id`` is null where no cell is, ``wafer`` where no wafer is.
    """

    frame: pl.DataFrame

    def __len__(self) -> int:
        """Return how many there are."""
        return self.frame.height

    @cached_property
    def cells(self) -> pl.DataFrame:
        """Number and name of each cell."""
        named = self.frame[["site", "cell_id"]]
        return named.drop_nulls("cell_id") if named["cell_id"].null_count() else named

    @cached_property
    def wafers(self) -> list[tuple[str, str]]:
        """Lot and name of each wafer, in their order."""
        return list(dict.fromkeys((lot, wafer) for lot, wafer in self._named if wafer is not None))

    @cached_property
    def wafer(self) -> Integers:
        """Place of each site's wafer among them; -1 where no wafer is."""
        places: dict[tuple[str, str | None], int] = {one: place for place, one in enumerate(self.wafers)}
        return np.array([places.get(one, -1) for one in self._named], dtype=np.int64)

    @cached_property
    def _named(self) -> list[tuple[str, str | None]]:
        return list(zip(self.frame["lot"].to_list(), self.frame["wafer"].to_list(), strict=True))

    @cached_property
    def lot(self) -> Integers:
        """Place of each site's lot among all lots."""
        return number_words(self.frame["lot"].to_list())[0]

    @cached_property
    def projects(self) -> tuple[Integers, list[str]]:
        """Place of each site's project among all projects, and their names; a site without one is of project ''."""
        return number_words(name or "" for name in self.frame["project"].to_list())

    @cached_property
    def splits(self) -> tuple[Integers, list[str]]:
        """Place of each site's process split among all splits, -1 where it has none, and their names."""
        return number_words(self.frame["process_split"].to_list())

    @cached_property
    def die_x(self) -> Integers:
        """Column of each die; 0 where it is not known."""
        return integers(self.frame["die_x"], 0)

    @cached_property
    def die_y(self) -> Integers:
        """Row of each die; 0 where it is not known."""
        return integers(self.frame["die_y"], 0)

    @cached_property
    def die_order(self) -> Integers:
        """Rank of each site by column and row of its die, the unknown ones first."""
        x, y = (integers(self.frame[name], BEFORE) for name in ("die_x", "die_y"))
        rank = np.zeros(len(self), dtype=np.int64)
        rank[np.lexsort((y, x))] = np.arange(len(self))
        return rank

    @cached_property
    def x(self) -> Doubles:
        """Metres from the wafer's centre to the right; NaN without a pitch."""
        return doubles(self.frame["x_metre"])

    @cached_property
    def y(self) -> Doubles:
        """Metres from the wafer's centre upwards; NaN without a pitch."""
        return doubles(self.frame["y_metre"])

    @cached_property
    def diameter(self) -> Doubles:
        """Metres, of each site's wafer; 0 where nobody says."""
        return doubles(self.frame["diameter_metre"], 0.0)


def find_maps(inputs: FirmInputs) -> Maps:
    """Return the current maps and their dies: a map that was corrected takes its dies with it."""
    if inputs.maps.is_empty():
        return Maps(inputs.maps, inputs.dies.clear())
    current = inputs.maps.filter("current")
    key = (*WAFER, "revision")
    return Maps(current, inputs.dies.join(current.select(key), on=key, how="semi", maintain_order="left"))


def list_sites(cells: pl.DataFrame, wafers: pl.DataFrame, maps: Maps) -> Sites:
    """Return all sites; cells of one die, be they its parts or its twins by mistake, are sites of their own.

    Args:
        cells: rows of ``schema.CELL``.
        wafers: of :func:`list_wafers`.
        maps: of :func:`find_maps`.
    """
    sites = cells[[*DIE, *OF_CELL]]
    if sites["lot"].null_count():
        sites = sites.with_columns(pl.col("lot").fill_null(""))
    if not maps.dies.is_empty():
        dies = maps.dies.select(DIE).unique(maintain_order=True).join(sites, on=DIE, how="anti")
        sites = pl.concat([sites, dies], how="diagonal")
    ordered = sites.sort(*DIE, "cell_id", nulls_last=True, maintain_order=True)
    # A site's number is its row, so that arrays of all sites need no join.
    numbers = pl.Series("site", np.arange(ordered.height))
    return Sites(_place(ordered.insert_column(0, numbers), wafers))


def list_wafers(inputs: FirmInputs, maps: Maps) -> pl.DataFrame:
    """Return one row a wafer with its geometry: what the manifest says, else what its latest map says."""
    known = inputs.wafers[[*WAFER, *GEOMETRY, "edge_exclusion_metre", "gross_dies"]]
    if maps.current.is_empty():
        return known.hstack([pl.Series("map_dies", [None] * known.height, dtype=pl.Int64)]).sort(*WAFER)
    latest = maps.current.sort("kind", "revision")
    mapped = latest.select(*WAFER, *GEOMETRY, map_dies="dies").unique(WAFER, keep="first", maintain_order=True)
    # A wafer may be known by its manifest, by a map, or by both, and each may lack a pitch.
    both = known.join(mapped, on=WAFER, how="full", coalesce=True, suffix="_of_map")
    filled = both.with_columns(pl.coalesce(name, f"{name}_of_map").alias(name) for name in GEOMETRY)
    return filled[list(OF_WAFER)].sort(*WAFER)


def _place(sites: pl.DataFrame, wafers: pl.DataFrame) -> pl.DataFrame:
    """Add where each site lies, in metres from the wafer's centre, and whether it lies on the excluded rim."""
    joined = sites.join(wafers, on=WAFER, how="left", maintain_order="left")
    width, height = (doubles(joined[f"canonical_pitch_{axis}_metre"]) for axis in "xy")
    inside = doubles(joined["diameter_metre"]) / 2 - doubles(joined["edge_exclusion_metre"])
    # Whoever wrote down a pitch of a light year gets it back.
    with np.errstate(over="ignore", invalid="ignore"):
        x = doubles(joined["die_x"]) * width + doubles(joined["canonical_offset_x_metre"], 0.0)
        y = doubles(joined["die_y"]) * height + doubles(joined["canonical_offset_y_metre"], 0.0)
        # A die counts when all of it lies inside the rim: its farthest corner decides.
        corner = np.sqrt((abs(x) + width / 2) ** 2 + (abs(y) + height / 2) ** 2)
        placed = {"x_metre": x, "y_metre": y, "radius_metre": np.sqrt(x**2 + y**2)}
    # What is not known is NaN, which is beyond nothing.
    excluded = pl.Series("excluded", corner > inside * (1 + 1e-9))
    return joined.hstack([*(pl.Series(name, values, nan_to_null=True) for name, values in placed.items()), excluded])
