"""Impedance spectra in Nyquist's plane: equal axes, the frequency at every point, fits drawn over them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from portal.charts.figure import Figure, Heading, Trace, axis, empty_figure
from portal.charts.palette import style_of
from portal.charts.text import Text
from portal.charts.units import pick_prefix, to_plain
from portal.reasons import explain

TITLE: Final = Text("Impedance spectra")
MOST_SPECTRA: Final = 12
FIT_POINTS: Final = 200
MINUS_IM: Final = "\N{MINUS SIGN}Im Z"
KEY: Final = ["test_id", "spectrum_index"]
PARTLY: Final = Text("Fits with an element that the measured band does not determine are not drawn.")
HEADINGS: Final = (
    Heading("test_id", Text("Test")),
    Heading("spectrum_index", Text("Spectrum")),
    Heading("frequency_hertz", Text("Frequency"), "Hz"),
    Heading("real_impedance_ohm", Text("Re Z"), "Ω"),
    Heading("negative_imaginary_ohm", Text(MINUS_IM), "Ω"),
)


def draw_nyquist(spectra: pl.DataFrame, fits: pl.DataFrame, elements: pl.DataFrame) -> Figure:
    """Draw spectra and, over each that was fitted, its circuit's impedance in the same band.

    Args:
        spectra: rows of the query ``spectra`` of one cell.
        fits: its rows of ``spectrum_fits``.
        elements: its rows of ``spectrum_elements``.
    """
    if spectra.is_empty():
        return empty_figure(TITLE, Text("There is no impedance spectrum of this cell."))
    rows = spectra.with_columns(negative_imaginary_ohm=-pl.col("imaginary_impedance_ohm"))
    factor, unit = pick_prefix(rows["real_impedance_ohm"], "Ω")
    parts = rows.partition_by(*KEY, maintain_order=True)
    # A spectrum goes by what it was measured at; its number means nothing to a reader.
    labels = _label(fits)
    traces: list[Trace] = []
    hidden = 0
    for number, part in enumerate(parts[:MOST_SPECTRA]):
        key = (part["test_id"][0], part["spectrum_index"][0])
        traces.append(_draw_points(part, labels.get(key, f"{key[0]} #{key[1]}"), number, factor))
        own = elements.filter(pl.col("test_id") == key[0], pl.col("spectrum_index") == key[1])
        if is_whole(own):
            traces.append(_draw_fit(part, own, number, factor))
        else:
            hidden += own.height > 0
    layout = {
        "xaxis": axis(Text("Re Z", unit=unit), constrain="domain"),
        # One ohm is as long on either axis: half circles stay half circles.
        "yaxis": axis(Text(MINUS_IM, unit=unit), scaleanchor="x", scaleratio=1),
        "showlegend": True,
    }
    notes = (*_say_hidden(parts), *_say_refused(fits), *([PARTLY] if hidden else []))
    return Figure(TITLE, traces, layout, rows, HEADINGS, notes, height=560)


def is_whole(elements: pl.DataFrame) -> bool:
    """Whether every element of a fitted circuit has its value; one that the band does not determine has none."""
    value = pl.coalesce("resistance_ohm", "inductance_henry")
    tail = (pl.col("place") == "tail") & pl.col("q_siemens_second_power").is_not_null()
    return elements.height > 0 and bool(elements.select((value.is_not_null() | tail).all()).item())


def evaluate_circuit(elements: pl.DataFrame, hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    """Return the impedance of a fitted circuit.

    Args:
        elements: rows of ``spectrum_elements`` of one spectrum.
        hertz: frequencies.
    """
    omega = 2j * np.pi * hertz
    impedance = np.zeros_like(omega)
    for one in elements.iter_rows(named=True):
        ohm, q, n = one["resistance_ohm"], one["q_siemens_second_power"], one["exponent"]
        if one["inductance_henry"] is not None:
            impedance += omega * one["inductance_henry"]
        elif one["place"] == "tail" and q is not None:
            impedance += 1 / (q * omega**n)
        elif ohm is not None:
            impedance += ohm if q is None else ohm / (1 + ohm * q * omega**n)
    return impedance


def _draw_points(rows: pl.DataFrame, name: str, number: int, factor: float) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": to_plain(rows["real_impedance_ohm"], factor),
        "y": to_plain(rows["negative_imaginary_ohm"], factor),
        "customdata": to_plain(rows["frequency_hertz"]),
        "hovertemplate": "%{customdata:.4s}Hz<br>%{x:.5g}, %{y:.5g}<extra></extra>",
        "marker": style_of(number)["marker"],
    }


def _draw_fit(rows: pl.DataFrame, elements: pl.DataFrame, number: int, factor: float) -> Trace:
    band = rows["frequency_hertz"].drop_nulls().sort()
    # Only within the band: beyond it a fit says nothing.
    hertz = np.geomspace(band[-1], band[0], FIT_POINTS)
    fitted = evaluate_circuit(elements, hertz)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": Text("Fit"),
        "showlegend": False,
        "x": to_plain(pl.Series(fitted.real), factor),
        "y": to_plain(pl.Series(-fitted.imag), factor),
        "hoverinfo": "skip",
        "line": {**style_of(number)["line"], "width": 1.5},
    }


def _label(fits: pl.DataFrame) -> dict[tuple[str, int], str]:
    """Return what tells the spectra apart for a person: temperature and state of charge where they are known."""
    labels = {}
    for one in fits.iter_rows(named=True):
        known = [
            f"{value * scale:.3g} {unit}"
            for value, scale, unit in (
                (one["temperature_celsius"], 1.0, "°C"),
                (one["bias_voltage_volt"], 1.0, "V"),
                (one["state_of_charge"], 100.0, "% SOC"),
            )
            if value is not None
        ]
        labels[one["test_id"], one["spectrum_index"]] = " · ".join(
            [*known, f"{one['test_id']} #{one['spectrum_index']}"]
        )
    return labels


def _say_hidden(parts: list[pl.DataFrame]) -> tuple[Text, ...]:
    if len(parts) <= MOST_SPECTRA:
        return ()
    return (Text("{shown} of {total} spectra are drawn; the table has all.", shown=MOST_SPECTRA, total=len(parts)),)


def _say_refused(fits: pl.DataFrame) -> tuple[Text, ...]:
    codes = fits.filter(pl.col("status") != "fitted")["reason"].drop_nulls().unique().sort().to_list()
    return tuple(Text("Without a fit: {reason}", reason=text) for code in codes if (text := explain("impedance", code)))
