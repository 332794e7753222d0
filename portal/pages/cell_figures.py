"""A cell's key figures as a person reads them, each with the question and column that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portal.charts.efficiency import DASH, print_efficiency
from portal.charts.fade import KNEE, POLICIES
from portal.charts.text import Text
from portal.pages.amounts import write_amount, write_percent
from portal.pages.firm_view import View
from portal.reasons import explain
from portal.templating import format_number, format_si

Row = Mapping[str, Any]
NO_VALUE: Final = DASH
LAWS: Final = {
    "linear": Text("linear"),
    "sqrt": Text("square root"),
    "power": Text("power law"),
    "linear_exponential": Text("linear and exponential"),
}

# In the order in which the question ``normalised`` lists the kinds of area.
AREAS: Final = {
    "die_area_square_metre": Text("die area"),
    "active_area_square_metre": Text("electrode area"),
    "package_area_square_metre": Text("package area"),
}


@dataclass(frozen=True)
class Shown:
    """One figure.

    Args:
        name: what it is called.
        text: its value with unit.
        query: the question that it is from.
        column: its column there.
        note: what belongs to it: an interval, a condition, or why there is none.
    """

    name: Text
    text: str
    query: str
    column: str
    note: Text | None = None


def tell_figures(view: View, cell: str, summary: Row, facts: Row, block: Row) -> list[Shown]:
    """Return the key figures of a cell.

    Args:
        view: who asks.
        cell: the cell.
        summary: its row of the question ``summary``.
        facts: its row of the question ``cells``; empty for a test without a cell.
        block: the conditions that stand for it; empty where there are none.
    """
    # The law that describes the cell best has an interval; the plain slope has none.
    models = view.ask("fade_models", cell=cell).filter("chosen")
    figures = [
        *_tell_capacity(summary),
        _tell_rate(summary, models.row(0, named=True) if models.height else None),
        _tell_life(summary),
        _tell_forecast(view.find("forecast", cell)),
        _tell_knee(summary),
        _tell_efficiency(summary),
        *([_tell_area(facts, block)] if facts else []),
    ]
    return [figure for figure in figures if figure is not None]


def _tell_capacity(summary: Row) -> list[Shown]:
    retention = summary["last_capacity_retention"]
    return [
        Shown(
            Text("Reference capacity"),
            format_si(summary["reference_capacity_ah"], "Ah"),
            "summary",
            "reference_capacity_ah",
            _tell_reference(summary),
        ),
        Shown(Text("Last capacity"), format_si(summary["last_capacity_ah"], "Ah"), "summary", "last_capacity_ah"),
        Shown(Text("Capacity retention"), write_percent(retention), "summary", "last_capacity_retention"),
    ]


def _tell_reference(summary: Row) -> Text | None:
    if summary["reference_status"] != "found":
        return explain("life", summary["reference_status"])
    if summary["reference_cycle"] is None:
        return Text("Nominal, from the manifest")
    policy = POLICIES[summary["reference_policy"]]
    return Text("Cycle {cycle}: {policy}", cycle=summary["reference_cycle"], policy=policy)


def _tell_rate(summary: Row, model: Row | None) -> Shown:
    name = Text("Fade rate per 100 cycles")
    if model is None or model["fade_rate_per_cycle"] is None:
        return Shown(name, write_percent(summary["fade_rate_per_cycle"], 100.0), "summary", "fade_rate_per_cycle")
    low, high = model["fade_rate_low_per_cycle"], model["fade_rate_high_per_cycle"]
    span = [write_percent(end, 100.0) for end in (low, high)]
    law = LAWS.get(model["model"], model["model"])
    note = Text("{low} to {high}; law: {law}", low=span[0], high=span[1], law=law)
    return Shown(name, write_percent(model["fade_rate_per_cycle"], 100.0), "fade_models", "fade_rate_per_cycle", note)


def _tell_life(summary: Row) -> Shown:
    threshold = f"{summary['end_of_life_threshold'] * 100:g}"
    note = Text("Cycles until retention stays below {threshold} %", threshold=threshold)
    return Shown(Text("Cycle life"), summary["end_of_life"] or NO_VALUE, "summary", "end_of_life_cycle", note)


def _tell_forecast(forecast: Row | None) -> Shown | None:
    # A life that has ended is no forecast any more.
    if forecast is None or forecast["status"] == "reached":
        return None
    name = Text("Forecast of the cycle life")
    if forecast["status"] != "forecast":
        reason = explain("life", forecast["reason"])
        return Shown(name, NO_VALUE, "forecast", "forecast_low_cycle", reason)
    ends = [
        format_number(forecast[end], 4) if forecast[end] is not None else "?"
        for end in ("forecast_low_cycle", "forecast_high_cycle")
    ]
    return Shown(name, f"{ends[0]} … {ends[1]}", "forecast", "forecast_low_cycle")


def _tell_knee(summary: Row) -> Shown:
    found = summary["knee_cycle"]
    text = f"{found:.0f}" if found is not None else NO_VALUE
    return Shown(Text("Knee at cycle"), text, "summary", "knee_cycle", KNEE.get(summary["knee_status"]))


def _tell_efficiency(summary: Row) -> Shown:
    value, floor = summary["coulombic_efficiency_median"], summary["coulombic_efficiency_floor"]
    unknown = Text("Neither offset nor accuracy of the channel is known: no floor, digits below 0.1 % are not shown")
    note = unknown if floor is None and value is not None else None
    name = Text("Coulombic efficiency (median)")
    return Shown(name, print_efficiency(value, floor), "summary", "coulombic_efficiency_median", note)


def _tell_area(facts: Row, block: Row) -> Shown:
    """Return the first figure of the question ``normalised``, which asks for impedance and pulses besides."""
    area, note = next(((facts[column], note) for column, note in AREAS.items() if facts[column]), (None, None))
    capacity = block.get("capacity_ah")
    value = capacity / area if area is not None and capacity is not None else None
    text = write_amount(value, "Ah/m²")
    return Shown(Text("Areal capacity"), text, "normalised", "areal_capacity_ah_per_square_metre", note)
