"""The charts' data: each chart of a firm's pages as JSON that Plotly draws, or as the CSV behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Final, Literal

import polars as pl
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from portal.answers import Given, Page, encode_csv, is_known, name_tag, not_modified
from portal.api.tests import find_test_row
from portal.asking import Kept
from portal.charts.compare import COMPARED, draw_groups, draw_overlay
from portal.charts.curves import draw_curves, draw_dqdv, pick_cycles
from portal.charts.fade import draw_fade
from portal.charts.figure import Figure
from portal.charts.groups import group_cells
from portal.charts.loads import draw_pulses, draw_rate, draw_resistance, draw_voltages
from portal.charts.spectra import draw_nyquist
from portal.charts.survival import draw_survival
from portal.charts.trace import draw_trace
from portal.charts.wafer import METRICS, draw_map, draw_radial, draw_yield
from portal.pages.firm_view import View, ViewHere
from portal.problems import Problem, not_found
from warehouse.parts import read_between
from warehouse.wafers.dies import SHOWN

router: Final = APIRouter()

RECORDS: Final = ("test_time_second", "voltage_volt", "current_ampere", "step_count", "cycle_count")
MOST_CELLS: Final = 2000


class Wish(BaseModel):
    """What a chart is asked to show; the same names stand in the addresses of the pages that carry it."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)
    cell: list[str] = Field(default_factory=list, max_length=MOST_CELLS)
    test: str = ""
    over: Literal["cycle", "efc", "throughput", "days"] = "cycle"
    show: Literal["retention", "capacity"] = "retention"
    quantity: Literal["capacity_retention", "capacity_ah", "coulombic_efficiency", "energy_efficiency"] = (
        "capacity_retention"
    )
    by: Literal["", "wafer", "split", "rate", "temperature", "replicate"] = ""
    cycles: str = Field(default="", pattern=r"^[0-9 ,]*$", max_length=400)
    step: int | None = Field(default=None, ge=1)
    begin: float | None = Field(default=None, alias="from", allow_inf_nan=False)
    end: float | None = Field(default=None, alias="to", allow_inf_nan=False)
    lot: str = ""
    wafer: str = ""
    split: str = ""
    metric: str = "capacity_ah"
    form: Literal["json", "csv"] = Field(default="json", alias="as")


Draw = Callable[[View, Wish], Figure]


def fade(view: View, wish: Wish) -> Figure:
    """Draw a cell's life."""
    cell = _only_cell(view, wish)
    knees = view.ask("knees", cell=cell).filter(pl.col("method") == "consensus")
    knee = knees.row(0, named=True) if knees.height else None
    return draw_fade(view.ask("fade", cell=cell), view.find("summary", cell), knee, wish.over, wish.show)


def voltages(view: View, wish: Wish) -> Figure:
    """Draw a cell's mean voltages."""
    return draw_voltages(view.ask("cycles", cell=_only_cell(view, wish)))


def resistance(view: View, wish: Wish) -> Figure:
    """Draw a cell's direct-current resistance."""
    return draw_resistance(view.ask("resistance", cell=_only_cell(view, wish)))


def pulses(view: View, wish: Wish) -> Figure:
    """Draw a cell's pulses."""
    return draw_pulses(view.ask("pulses", cell=_only_cell(view, wish)))


def rate(view: View, wish: Wish) -> Figure:
    """Draw a cell's rate test."""
    return draw_rate(view.ask("rate", cell=_only_cell(view, wish)))


def nyquist(view: View, wish: Wish) -> Figure:
    """Draw a cell's spectra."""
    cell = _only_cell(view, wish)
    return draw_nyquist(*(view.ask(name, cell=cell) for name in ("spectra", "spectrum_fits", "spectrum_elements")))


def curves(view: View, wish: Wish) -> Figure:
    """Draw voltage over capacity of some cycles of a test."""
    steps = view.ask("steps", test=_own_test(view, wish))
    # Cycle 0 is what happened before the first half cycle.
    cycles = choose_cycles(wish, steps.filter(pl.col("cycle") > 0)["cycle"].unique().sort().to_list())
    seen = steps.filter(pl.col("cycle").is_in(cycles))
    if seen.is_empty():
        return draw_curves(pl.DataFrame(schema=dict.fromkeys(RECORDS, pl.Float64)), seen, [])
    start = pl.col("start_time_second")
    begin, end = seen.select(start.min(), end=(start + pl.col("duration_second")).max()).row(0)
    return draw_curves(_records(view, wish.test, begin, end), steps, cycles)


def dqdv(view: View, wish: Wish) -> Figure:
    """Draw dQ/dV of a test."""
    rows = view.ask("dqdv", test=_own_test(view, wish))
    wanted = _listed(wish)
    return draw_dqdv(rows.filter(pl.col("cycle").is_in(wanted)) if wanted else rows)


def trace(view: View, wish: Wish) -> Figure:
    """Draw the raw records of a test, of one step of it, or between two times."""
    test = _own_test(view, wish)
    begin, end = wish.begin, wish.end
    # Typed bounds count more than the step that was chosen before.
    if wish.step is not None and begin is None and end is None:
        steps = view.ask("steps", test=test).filter(pl.col("step_count") == wish.step)
        if steps.is_empty():
            raise not_found()
        begin = steps["start_time_second"][0]
        end = begin + steps["duration_second"][0]
    return draw_trace(_records(view, test, begin, end))


def compare(view: View, wish: Wish) -> Figure:
    """Draw several cells, or groups of them."""
    cells = choose_cells(view, wish)
    fade = view.asking.ask_columns("fade", view.firm, COMPARED)
    frame = fade.filter(pl.col("cell_id").is_in(cells["cell_id"].implode()))
    if not wish.by:
        return draw_overlay(frame, wish.over, wish.quantity)
    groups = group_cells(wish.by, cells, lambda: view.ask("conditions"), lambda: view.ask("replicates"))
    return draw_groups(frame, groups, wish.over, wish.quantity)


def survival(view: View, _wish: Wish) -> Figure:
    """Draw survival by process split."""
    return draw_survival(view.ask("survival"))


def wafer_map(view: View, wish: Wish) -> Figure:
    """Draw a metric on a wafer's dies."""
    return draw_map(_own_dies(view, wish), _known_metric(wish))


def radial(view: View, wish: Wish) -> Figure:
    """Draw a metric from a wafer's centre to its edge."""
    profiles = _of_wafer(view.ask("uniformity"), wish).filter(
        pl.col("quantity") == SHOWN.get(_known_metric(wish), ""), pl.col("at_cycle") == 0
    )
    return draw_radial(_own_dies(view, wish), wish.metric, profiles.row(0, named=True) if profiles.height else None)


def wafer_yield(view: View, wish: Wish) -> Figure:
    """Draw a wafer's yield at later cycles."""
    _own_dies(view, wish)
    return draw_yield(_of_wafer(view.ask("wafer_yield"), wish))


CHARTS: Final[dict[str, Draw]] = {
    "fade": fade,
    "voltages": voltages,
    "resistance": resistance,
    "pulses": pulses,
    "rate": rate,
    "nyquist": nyquist,
    "curves": curves,
    "dqdv": dqdv,
    "trace": trace,
    "compare": compare,
    "survival": survival,
    "wafer": wafer_map,
    "radial": radial,
    "yield": wafer_yield,
}


@router.get("/charts/{name}")
def answer_chart(request: Request, name: str, view: ViewHere, wish: Annotated[Wish, Query()]) -> Response:
    """Answer with a chart's data; a browser that has it already is told so."""
    if name not in CHARTS:
        raise not_found()
    # Every chart is made of tests, manifests and recipe alone, whose hash this is.
    moment = view.asking.moment_of(view.firm)
    tag = name_tag("chart", name, view.firm, view.language, wish.model_dump(mode="json"), moment)
    if is_known(request, tag):
        return not_modified(tag)
    if wish.form == "csv":
        figure = CHARTS[name](view, wish)
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "ETag": tag}
        return Response(encode_csv(_table(figure)), media_type="text/csv; charset=utf-8", headers=headers)
    kept: Kept[Page] = request.app.state.pages
    page = kept.get(tag, lambda: Page(encode_figure(CHARTS[name](view, wish), view), 0))
    given = Given(tag, "application/json", {"Cache-Control": "private, no-cache"})
    request.app.state.ready.note(request, moment, given)
    return given.answer(page)


def encode_figure(figure: Figure, view: View) -> bytes:
    """Return a chart as JSON in the language of a page."""
    return json.dumps(figure.speak(view.voice), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def choose_cells(view: View, wish: Wish) -> pl.DataFrame:
    """Return the cells that are compared: those named, else all that meet the filters.

    Raises:
        Problem: 404, where one of them is not the firm's.
    """
    cells = view.ask("cells")
    if wish.cell:
        found = cells.filter(pl.col("cell_id").is_in(wish.cell))
        # Not even which of them is missing may show.
        if found.height < len(set(wish.cell)):
            raise not_found()
        return found
    filters = (("lot", wish.lot), ("wafer", wish.wafer), ("process_split", wish.split))
    return cells.filter(pl.lit(value=True), *(pl.col(column) == value for column, value in filters if value))


def choose_cycles(wish: Wish, known: list[int]) -> list[int]:
    """Return the cycles that were asked for and are there; some of all of them where none was named."""
    wanted = set(_listed(wish))
    return [cycle for cycle in known if cycle in wanted] if wanted else pick_cycles(known)


def _listed(wish: Wish) -> list[int]:
    return [int(part[:9]) for part in wish.cycles.replace(",", " ").split()]


def _only_cell(view: View, wish: Wish) -> str:
    """Return the one cell that is named.

    Raises:
        Problem: 404, where it is not the firm's; 422, where none is named.
    """
    # Two cells in one fade would be a comparison that nobody asked for.
    if len(wish.cell) != 1:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "this chart is of one cell: name it with cell=")
    # A test without a cell goes by its own name, and is no row of cells.
    view.ask("summary", cell=wish.cell[0])
    return wish.cell[0]


def _own_test(view: View, wish: Wish) -> str:
    find_test_row(view.request, wish.test, view.firm)
    return wish.test


def _records(view: View, test: str, begin: float | None, end: float | None) -> pl.DataFrame:
    return read_between(view.asking.home, test, RECORDS, begin, end)


def _own_dies(view: View, wish: Wish) -> pl.DataFrame:
    dies = _of_wafer(view.ask("wafer"), wish)
    if dies.is_empty():
        raise not_found()
    return dies


def _of_wafer(frame: pl.DataFrame, wish: Wish) -> pl.DataFrame:
    return frame.filter(pl.col("lot") == wish.lot, pl.col("wafer") == wish.wafer)


def _known_metric(wish: Wish) -> str:
    if wish.metric not in METRICS:
        raise not_found()
    return wish.metric


def _table(figure: Figure) -> pl.DataFrame:
    """Return the whole table behind a chart, in SI units under the columns' own names."""
    return figure.table.select(heading.name for heading in figure.headings) if figure.headings else figure.table
