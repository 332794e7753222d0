"""What a writer is: one vendor layout in a module of its own, whose last line is ``LAYOUT = Layout(...)``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.virtual_lab.cell import Sampling
from flows.virtual_lab.program import Records
from flows.virtual_lab.trace import Trace


@dataclass(frozen=True)
class Run:
    """What an instrument knows of a run besides its samples.

    Args:
        name: of the test; the file's name without its ending.
        cell_id: what the operator typed as the sample's name.
        start: wall clock at the start of the first step, with the site's zone.
        instrument: number of the cycler, from 1.
        channel: of the cycler, from 1.
        nominal_ah: nominal capacity.
        rates: C-rate of every block of the schedule.
        repeats: cycles of every block.
        rows: records of the file.
        seconds: duration of the run.
    """

    name: str
    cell_id: str
    start: datetime
    instrument: int
    channel: int
    nominal_ah: float
    rates: tuple[float, ...]
    repeats: tuple[int, ...]
    rows: int
    seconds: float

    @property
    def local_start(self) -> datetime:
        """The start as the instrument's clock shows it, without a zone."""
        return self.start.replace(tzinfo=None)


@dataclass(frozen=True)
class Layout:
    """One vendor layout.

    Args:
        name: the same as that of the format that reads it.
        extension: of the file, with the dot.
        quantum: smallest step of the printed numbers, by unit.
        write: writes the file from its samples.
        delay: time from the start of a step to its first record, s.
        hold: records of the voltage hold over those of a constant-current step.
        leading: records that the layout has before the first sample.
        mean_current: whether the file tells the mean current since the previous record instead of the current.
        write_records: writes the file of a program of any steps; None where nobody has written that yet.
    """

    name: str
    extension: str
    quantum: Mapping[str, float]
    write: Callable[[Path, Run, Iterator[Trace]], None]
    delay: float = 0.0
    hold: int = 2
    leading: int = 0
    mean_current: bool = False
    write_records: Callable[[Path, Run, Records], None] | None = None

    def sampling(self, points: int, edges: tuple[float, ...] = ()) -> Sampling:
        """Return when an instrument with this layout records, with so many samples of a constant-current step."""
        return Sampling(points, self.hold, self.delay, self.mean_current, edges)
