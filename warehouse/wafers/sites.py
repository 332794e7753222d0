"""Sites: every cell of a firm, and every die of its maps that no cell stands on, with its place on the wafer."""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse.metrics.inputs import FirmInputs

WAFER: Final = ("lot", "wafer")
DIE: Final = (*WAFER, "die_x", "die_y")
GEOMETRY: Final = (
    "diameter_metre",
    "canonical_pitch_x_metre",
    "canonical_pitch_y_metre",
    "canonical_offset_x_metre",
    "canonical_offset_y_metre",
)
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


def list_sites(inputs: FirmInputs) -> pl.DataFrame:
    """Return one row a site: ``site`` numbers them, ``cell_id`` is null where no cell is, ``wafer`` where no wafer is.

    Cells of one die, be they its parts or its twins by mistake, are sites of their own.
    """
    cells = inputs.cells.select(pl.col("lot").fill_null(""), "wafer", "die_x", "die_y", *OF_CELL)
    # A map that was corrected takes its dies with it.
    current = inputs.maps.filter("current").select(*WAFER, "revision")
    on_maps = inputs.dies.join(current, on=(*WAFER, "revision"), how="semi", maintain_order="left")
    dies = on_maps.select(DIE).unique(maintain_order=True).join(cells, on=DIE, how="anti")
    sites = pl.concat([cells, dies], how="diagonal").sort(*DIE, "cell_id", nulls_last=True, maintain_order=True)
    return _place(sites.with_row_index("site").with_columns(pl.col("site").cast(pl.Int64)), list_wafers(inputs))


def list_wafers(inputs: FirmInputs) -> pl.DataFrame:
    """Return one row a wafer with its geometry: what the manifest says, else what its latest map says."""
    known = inputs.wafers.select(*WAFER, *GEOMETRY, "edge_exclusion_metre", "gross_dies")
    current = inputs.maps.filter("current").sort("kind", "revision")
    mapped = current.select(*WAFER, *GEOMETRY, map_dies="dies").unique(WAFER, keep="first", maintain_order=True)
    # A wafer may be known by its manifest, by a map, or by both, and each may lack a pitch.
    both = known.join(mapped, on=WAFER, how="full", coalesce=True, suffix="_of_map")
    filled = [pl.coalesce(name, f"{name}_of_map").alias(name) for name in GEOMETRY]
    return both.select(*WAFER, *filled, "edge_exclusion_metre", "gross_dies", "map_dies").sort(*WAFER)


def _place(sites: pl.DataFrame, wafers: pl.DataFrame) -> pl.DataFrame:
    """Add where each site lies, in metres from the wafer's centre, and whether it lies on the excluded rim."""
    joined = sites.join(wafers, on=WAFER, how="left", maintain_order="left")
    x, y = (
        pl.col(f"die_{axis}") * pl.col(f"canonical_pitch_{axis}_metre")
        + pl.col(f"canonical_offset_{axis}_metre").fill_null(0.0)
        for axis in "xy"
    )
    # A die counts when all of it lies inside the rim: its farthest corner decides.
    corner = (
        (pl.col("x_metre").abs() + pl.col("canonical_pitch_x_metre") / 2) ** 2
        + (pl.col("y_metre").abs() + pl.col("canonical_pitch_y_metre") / 2) ** 2
    ).sqrt()
    inside = pl.col("diameter_metre") / 2 - pl.col("edge_exclusion_metre")
    return joined.with_columns(x_metre=x, y_metre=y).with_columns(
        radius_metre=(pl.col("x_metre") ** 2 + pl.col("y_metre") ** 2).sqrt(),
        excluded=(corner > inside * (1 + 1e-9)).fill_null(value=False),
    )
