"""Integrated charge beside the instruments' own counters, over all real files: every outlier explained.

Compared are steps longer than a minute that have a counter, over the same records: the trapezoid of the displayed
current, gaps left out, over the counter's difference. What lies further than 0.5 % from 1 is an outlier, and the
records between which it arises say why. The figures go to ``docs/counters.md``.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pages import DOCS, write_figures

import parsers
from warehouse.conform import conform
from warehouse.counters import counter_columns
from warehouse.derivation import DerivationRecipe
from warehouse.errors import CellarError
from warehouse.steps import derive_steps

PAGE: Final = DOCS / "counters.md"
SHORTEST_SECOND: Final = 60.0
TOLERANCE: Final = 0.005
HOUR: Final = 3600.0
MOST: Final = 0.5
UNSTEADY: Final = 0.2
STEADY: Final = 0.005
ONE_WAY: Final = 0.5
MONOTONE: Final = 0.8
NEXT_UNIT: Final = 1e3
UNITS: Final = ((1e6, "µA"), (1e3, "mA"), (1.0, "A"))
Doubles = NDArray[np.float64]

CAUSES: Final = {
    "both_ways": "Current flowed both ways, and what is compared is the small difference of two large charges.",
    "coarse_current": "The file prints the current so coarsely that the counter's mean current would print the same.",
    "other_current": "The counter counts a current of its own: constant, and not the one that is displayed.",
    "falling": "The current falls fast between records. The counter lies between the sums of the intervals' later and "
    "earlier currents; the trapezoid cuts across the bend of the curve and is too large.",
    "start": "The current was not yet what was set, or had not yet settled, when the first record was made; that one "
    "interval makes most of the difference.",
    "bursts": "Bursts: records show the current at their edges only, not how long each lasted.",
    "between": "The current varied between records: the counter's mean lies outside the two records around it.",
}


@dataclass(frozen=True)
class Stretch:
    """The records of one step, and what its counter says.

    Args:
        path: of the file, below the corpus.
        format: that read it.
        row: the step, a row of ``schema.STEPS``.
        time: of the records, s.
        current: displayed, A.
        counted: the counter's net charge, Ah.
        decimals: places after the point that the file's currents have.
    """

    path: str
    format: str
    row: dict[str, object]
    time: Doubles
    current: Doubles
    counted: Doubles
    decimals: int

    @cached_property
    def interval(self) -> Doubles:
        """Seconds from record to record."""
        return np.diff(self.time)

    @cached_property
    def gained(self) -> Doubles:
        """Charge that the counter gained from record to record, As."""
        return np.diff(self.counted) * HOUR

    @cached_property
    def earlier(self) -> Doubles:
        """Charge if each interval had its earlier current, As."""
        return self.current[:-1] * self.interval

    @cached_property
    def later(self) -> Doubles:
        """Charge if each interval had its later current, As."""
        return self.current[1:] * self.interval

    @cached_property
    def excess(self) -> Doubles:
        """Trapezoid less counter, interval by interval, As."""
        return 0.5 * (self.earlier + self.later) - self.gained

    @cached_property
    def outside(self) -> NDArray[np.bool_]:
        """Whether the counter's gain lies outside both currents of the interval."""
        dust = 2e-6 * np.abs(self.counted).max(initial=0.0) * HOUR
        least, most = np.minimum(self.earlier, self.later), np.maximum(self.earlier, self.later)
        return np.asarray((self.gained < least - dust) | (self.gained > most + dust))

    @property
    def mean(self) -> float:
        """Mean current by the counter, A."""
        return float(self.gained.sum() / self.interval.sum())


def write_page(folder: Path) -> str:
    """Compare all steps of all files of the corpus and write the page's tables; returns a short account."""
    compared = compare_all(folder)
    outliers = [(stretch, explain(stretch)) for stretch in find_outliers(folder, compared)]
    write_figures(PAGE, tell(compared, outliers))
    files, median = compared["path"].n_unique(), float(np.median(compared["counter_ratio"].to_numpy()))
    told = f"{compared.height:,} steps of {files} files, median ratio {median:.6f}"
    return f"{told}; {len(outliers)} outliers, each explained in `docs/counters.md`"


def tell(compared: pl.DataFrame, outliers: list[tuple[Stretch, tuple[str, str]]]) -> str:
    """Return the page's tables: ratios by format, how often which cause, and every outlier."""
    return "\n\n".join((tell_formats(compared), _tell_causes(outliers), _tell_outliers(outliers)))


def compare_all(folder: Path) -> pl.DataFrame:
    """Return the steps of all files that have a counter to be compared with, with path and format."""
    frames = [frame for path in _files(folder) if (frame := compare_file(folder, path)) is not None]
    return pl.concat(frames)


def compare_file(folder: Path, path: str) -> pl.DataFrame | None:
    """Return the compared steps of one file, or None where there are none."""
    read = _read(folder, path)
    if read is None:
        return None
    name, _, steps = read
    first = pl.col("records").cum_sum() - pl.col("records")
    labelled = steps.with_columns(first.alias("first_row"), path=pl.lit(path), format=pl.lit(name))
    return labelled.filter(pl.col("counter_ratio").is_not_null(), pl.col("duration_second") > SHORTEST_SECOND)


def find_outliers(folder: Path, compared: pl.DataFrame) -> Iterator[Stretch]:
    """Yield the records of every step whose ratio is off, file by file."""
    off = compared.filter((pl.col("counter_ratio") - 1.0).abs() > TOLERANCE)
    for steps in off.sort("format", "path", "step_count").partition_by("path", maintain_order=True):
        path: str = steps["path"][0]
        read = _read(folder, path)
        if read is not None:
            yield from _cut(path, read[1], steps)


def explain(stretch: Stretch) -> tuple[str, str]:
    """Return the cause of an outlier, a key of ``CAUSES``, and the figures that show it.

    Raises:
        ValueError: no cause that is known fits.
    """
    for cause, look in LOOKS.items():
        evidence = look(stretch)
        if evidence:
            return cause, evidence
    raise ValueError(f"{stretch.path}: nothing explains step {stretch.row['step_count']}")


def _files(folder: Path) -> list[str]:
    with (folder / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        return sorted(row["path"] for row in csv.DictReader(file, delimiter="\t"))


def _read(folder: Path, path: str) -> tuple[str, pl.DataFrame, pl.DataFrame] | None:
    try:
        reading = parsers.read(folder / path)
        measurements, _ = conform(reading.measurements, reading.spectra, path)
    except CellarError:
        # Bad files are in the corpus to be refused.
        return None
    if not measurements.height:
        return None
    return reading.format, measurements, derive_steps(measurements, DerivationRecipe())


def _cut(path: str, measurements: pl.DataFrame, steps: pl.DataFrame) -> Iterator[Stretch]:
    names = [name for name in measurements.columns if measurements[name].null_count() < measurements.height]
    counted = [measurements[name].fill_null(0.0).to_numpy() for name in counter_columns(names, "capacity", "ah")]
    net = counted[0] - counted[1] if len(counted) > 1 else counted[0]
    time, current = (measurements[name].to_numpy() for name in ("test_time_second", "current_ampere"))
    for row in steps.iter_rows(named=True):
        part = slice(row["first_row"], row["first_row"] + row["records"])
        places = _places(current[part])
        yield Stretch(path, row["format"], row, time[part], current[part], net[part], places)


def _places(current: Doubles) -> int:
    return max((len(f"{value:.12f}".rstrip("0").partition(".")[2]) for value in np.unique(current)[:200]), default=0)


def _both_ways(stretch: Stretch) -> str:
    gross = np.abs(stretch.gained).sum()
    share = abs(stretch.gained.sum()) / gross
    return f"net is {share:.0%} of what flowed" if share < ONE_WAY else ""


def _coarse_current(stretch: Stretch) -> str:
    shown = np.unique(stretch.current)
    same = len(shown) == 1 and round(stretch.mean, stretch.decimals) == shown[0]
    return f"counter's mean {_tell(stretch.mean)}, printed as {_tell(shown[0])}" if same else ""


def _other_current(stretch: Stretch) -> str:
    means = stretch.gained / stretch.interval
    steady = np.ptp(means) < STEADY * abs(stretch.mean) and np.ptp(stretch.current[1:]) < STEADY * abs(stretch.mean)
    if not (steady and stretch.outside.all()):
        return ""
    return f"counter's mean {_tell(stretch.mean)} in every interval, displayed {_tell(stretch.current[-1])}"


def _falling(stretch: Stretch) -> str:
    size = np.abs(stretch.current)
    share = stretch.excess / stretch.excess.sum()
    bent = (share > MOST) & (np.diff(size) < 0.0) & ~stretch.outside
    if not (bent.any() or _falls_throughout(stretch)):
        return ""
    # Some files interpolate their counter, which moves the excess about: then where the current falls most.
    worst = int(np.argmax(bent) if bent.any() else np.argmax(np.abs(stretch.earlier - stretch.later)))
    ends = f"{_tell(stretch.current[worst])} to {_tell(stretch.current[worst + 1])}"
    return f"{ends} within {stretch.interval[worst]:.0f} s: {share[worst]:.0%} of the difference"


def _falls_throughout(stretch: Stretch) -> bool:
    size = np.abs(stretch.current)
    falls = np.diff(size) <= STEADY * size[:-1]
    low, high = sorted((abs(stretch.later.sum()), abs(stretch.earlier.sum())))
    return bool(falls.mean() > MONOTONE and size[-1] < size[0] and low < abs(stretch.gained.sum()) < high)


def _start(stretch: Stretch) -> str:
    share = stretch.excess[0] / stretch.excess.sum()
    first, second = stretch.current[:2]
    unsteady = abs(second - first) > UNSTEADY * max(abs(first), abs(second))
    if not (unsteady and share > MOST):
        return ""
    mean = stretch.gained[0] / stretch.interval[0]
    return f"{_tell(first)}, {_tell(second)} after {stretch.interval[0]:.0f} s, by the counter {_tell(mean)} between"


def _bursts(stretch: Stretch) -> str:
    size = np.abs(stretch.current)
    jumps = np.abs(np.diff(size)) > MOST * np.maximum(size[1:], size[:-1])
    return f"{np.mean(jumps):.0%} of the intervals begin or end within a burst" if np.median(jumps) else ""


def _between(stretch: Stretch) -> str:
    share = stretch.excess[stretch.outside].sum() / stretch.excess.sum()
    means = stretch.gained[stretch.outside] / stretch.interval[stretch.outside]
    # A counter that runs faster than any current that was seen, or slower, does something else.
    seen = (means >= stretch.current.min()) & (means <= stretch.current.max())
    if share < MOST or not seen.all():
        return ""
    return (
        f"so in {stretch.outside.sum()} of {len(stretch.outside)} intervals, which make {share:.0%} of the difference"
    )


def _tell(ampere: float) -> str:
    factor, unit = next((one for one in UNITS if abs(ampere) * one[0] < NEXT_UNIT), UNITS[-1])
    return f"{ampere * factor:.4g} {unit}"


LOOKS: Final[dict[str, Callable[[Stretch], str]]] = {
    "both_ways": _both_ways,
    "coarse_current": _coarse_current,
    "other_current": _other_current,
    "falling": _falling,
    "start": _start,
    "bursts": _bursts,
    "between": _between,
}


def tell_formats(compared: pl.DataFrame) -> str:
    """Return the table of ratios by format."""
    ratio = pl.col("counter_ratio")
    told = compared.group_by("format").agg(
        pl.col("path").n_unique().alias("files"),
        pl.len().alias("steps"),
        ratio.median().alias("median"),
        ratio.min().alias("lowest"),
        ratio.max().alias("highest"),
        ((ratio - 1.0).abs() > TOLERANCE).sum().alias("outliers"),
    )
    lines = ["| format | files | steps | median | lowest | highest | outliers |", "| --- |" + " --- |" * 6]
    for row in told.sort("format").iter_rows(named=True):
        ratios = " | ".join(f"{row[name]:.5f}" for name in ("median", "lowest", "highest"))
        lines.append(f"| {row['format']} | {row['files']} | {row['steps']} | {ratios} | {row['outliers']} |")
    return "\n".join(lines)


def _tell_causes(outliers: list[tuple[Stretch, tuple[str, str]]]) -> str:
    counts = Counter(cause for _, (cause, _) in outliers)
    lines = ["| cause | steps | what happened |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {cause} | {counts[cause]} | {told} |" for cause, told in CAUSES.items()])


def _tell_outliers(outliers: list[tuple[Stretch, tuple[str, str]]]) -> str:
    lines = ["| file | step | kind | records | seconds | ratio | cause | seen in |", "| --- |" + " --- |" * 7]
    for stretch, (cause, evidence) in outliers:
        row = stretch.row
        figures = f"{row['records']} | {row['duration_second']:.0f} | {row['counter_ratio']:.4f}"
        lines.append(f"| {stretch.path} | {row['step_count']} | {row['kind']} | {figures} | {cause} | {evidence} |")
    return "\n".join(lines)
