"""WonATech ``.seo`` and ``.sde``: one impedance sweep of a Zive instrument, binary.

**Not confirmed by a real file here.** Known from a user who compared three files with their xlsx exports.

Records of 112 bytes, little-endian single precision: frequency in Hz at 0, real part in Ω at 28, imaginary part in Ω at
32, negative when capacitive. What else a record holds, and the header, are unknown; so is where the header ends. The
sweep is therefore found by its frequencies: at some offset, at least eight records in a row whose frequencies fall by
the same factor over a decade or more. Where the file has no such place, or two, it is refused, and so is a sweep that
is inductive for the most part, since then the sign would be a matter of belief.
What follows the last such record is not read.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._folder import refuse_layout
from parsers._numbers import shortest_decimals
from parsers.contract import Format, Peek, Reading, Source
from warehouse.errors import ContradictionError

RECORD: Final = np.dtype(
    {"names": ["frequency", "real", "imaginary"], "formats": ["<f4"] * 3, "offsets": [0, 28, 32], "itemsize": 112}
)
FEWEST: Final = 8
LOWEST, HIGHEST = 1e-6, 1e9
LARGEST_OHM: Final = 1e12
# Logarithm of the span, and how far one ratio of neighbours may be off the usual one: generators round frequencies.
LEAST_SPAN: Final = float(np.log(10.0))
EVEN: Final = 0.2
SAMPLE: Final = "the .seo or .sde file and the xlsx that was exported from it"


def sniff(peek: Peek) -> bool:
    """Recognise a logarithmic sweep in records of 112 bytes."""
    # Imaginary parts are negative, and the sign bit is one that plain text never has.
    return not peek.head.isascii() and len(find_sweeps(peek.head)) > 0


def read(source: Source) -> Reading:
    """Read one sweep.

    Raises:
        ParseError: no place or several where a sweep could stand.
        ContradictionError: most points are inductive.
    """
    content = source.path.read_bytes()
    found = find_sweeps(content)
    if len(found) != 1:
        raise refuse_layout(source.name, f"{len(found)} places could be the sweep", SAMPLE)
    start, count = found[0]
    points = np.frombuffer(content, dtype=RECORD, count=count, offset=start)
    if np.median(points["imaginary"]) > 0:
        detail = "most points have a positive imaginary part: the sign of the file is not the documented one"
        raise ContradictionError(source.name, detail, code="sign")
    spectra = pl.DataFrame(
        {
            "spectrum_index": np.ones(count, dtype=np.int64),
            "frequency_hertz": shortest_decimals(points["frequency"].copy()),
            "real_impedance_ohm": shortest_decimals(points["real"].copy()),
            "imaginary_impedance_ohm": shortest_decimals(points["imaginary"].copy()),
        }
    )
    note = f"the sweep was found by its frequencies at byte {start}: {count} points"
    return Reading(spectra=spectra, about={"instrument": "WonATech", "technique": "EIS"}, warnings=(note,))


def find_sweeps(content: bytes) -> list[tuple[int, int]]:
    """Return offset and number of points of every place that could be a sweep."""
    if not _may_fall(content):
        return []
    found = []
    for phase in range(RECORD.itemsize):
        count = (len(content) - phase) // RECORD.itemsize
        records = np.frombuffer(content, dtype=RECORD, count=count, offset=phase)
        found += [(phase + first * RECORD.itemsize, length) for first, length in _runs(records)]
    return sorted(found)


def _may_fall(content: bytes) -> bool:
    """Whether at any offset there are enough falling numbers one record apart: a look that most files end at."""
    if len(content) < FEWEST * RECORD.itemsize:
        return False
    values = np.ndarray((len(content) - 3,), dtype="<f4", buffer=content, strides=(1,))
    with np.errstate(invalid="ignore"):
        good = (values > LOWEST) & (values < HIGHEST)
        falls = good[RECORD.itemsize :] & good[: -RECORD.itemsize]
        falls &= values[RECORD.itemsize :] < values[: -RECORD.itemsize]
    for _ in range(FEWEST - 2):
        falls = falls[RECORD.itemsize :] & falls[: -RECORD.itemsize]
    return bool(falls.any())


def _runs(records: NDArray[np.void]) -> list[tuple[int, int]]:
    """Return first record and length of each run whose frequencies fall by the same factor."""
    frequency = records["frequency"]
    # Comparisons with NaN are false, and that is what is wanted.
    with np.errstate(invalid="ignore", over="ignore"):
        good = (frequency > LOWEST) & (frequency < HIGHEST)
        for name in ("real", "imaginary"):
            good &= np.abs(records[name]) < LARGEST_OHM
        good &= (records["real"] != 0) | (records["imaginary"] != 0)
    if np.count_nonzero(good) < FEWEST:
        return []
    logs = np.log(np.where(good, frequency, 1.0).astype(np.float64))
    falls = np.diff(logs)
    falling = good[1:] & good[:-1] & (falls < 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], falling, [False])).astype(np.int8)))
    runs = [(int(first), int(last - first) + 1) for first, last in edges.reshape(-1, 2)]
    return [(first, length) for first, length in runs if _is_even(falls[first : first + length - 1])]


def _is_even(falls: NDArray[np.float64]) -> bool:
    """Whether frequencies fall by the same factor, far enough and often enough."""
    if len(falls) + 1 < FEWEST or -falls.sum() < LEAST_SPAN:
        return False
    usual = np.median(falls)
    return bool(np.all(np.abs(falls / usual - 1) < EVEN))


FORMAT = Format(
    "wonatech_eis",
    "WonATech",
    frozenset({".sde", ".seo"}),
    "eis",
    sniff,
    read,
    verified=False,
    lost="the header and 100 of the 112 bytes of each point, whose meaning is not known",
)
