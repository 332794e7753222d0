"""Whether a PNE machine counts in µA and µAh or in nA and nAh: said by a person, checked against the test's own files.

The SaveData files do not say it, and no arithmetic on them can: current, capacity and their product with time all
scale together. So it must be stated, for a cycler in the site's ``settings.toml``, whose name a folder above the test
has (or fits, as a pattern)::

    [cycler."PNE-1"]
    current_unit = "uA"   # or "nA"

or for a test in a file ``cellar.toml`` in its folder, which counts before the settings::

    unit = "uA"

and is then compared with what else is in the folder, both of which hold milliamperes as single precision:

* ``.cyc``: field 2 of the record with the same index (field 22);
* ``.sch``: the set current at byte 20 of a charge or discharge step of the same number.

A value of the SaveData is 10³ times as many units as mA when it counts µA, 10⁶ times when it counts nA.
"""

from __future__ import annotations

import struct
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._folder import last_part, parent
from parsers.contract import Source
from warehouse.errors import ContradictionError, ParseError

SIDECAR: Final = "cellar.toml"
ADVICE: Final = (
    "as the cycler's specification says, write into the home's settings.toml the lines "
    '[cycler."NAME"] and current_unit = "uA" or current_unit = "nA", where NAME is that of a folder above the test, '
    f'or put a text file {SIDECAR} with the line unit = "uA" or unit = "nA" into the test\'s folder'
)

# .cyc: count of fields, their numbers, then records of that many single-precision values.
CYC_COUNT, CYC_FIELDS, CYC_RECORDS = 0x148, 0x14C, 0x1B0
CYC_MOST_FIELDS: Final = (CYC_RECORDS - CYC_FIELDS) // 2
CYC_CURRENT, CYC_INDEX = 2, 22
# Single precision counts whole numbers up to here.
CYC_LAST_INDEX: Final = 2**24
SCH_MAGIC: Final = 740721
SCH_HEADER, SCH_STEP = 1920, 652
SCH_TYPE, SCH_CURRENT = 8, 20
# Charge and discharge, with and without a constant-voltage part; the sources differ in which is which.
SCH_DRIVEN: Final = frozenset({0x0101, 0x0102, 0x0201, 0x0202})
# A current may stay below the set one (constant voltage, only the end of a step recorded) but not go far above it;
# the two units are three decades apart.
LEAST, MOST = 1 / 30, 2.0


@dataclass(frozen=True)
class Unit:
    """What a machine counts in.

    Args:
        name: as written in the profile.
        shift: decimal places from its numbers to A and Ah.
        per_milliampere: its numbers per mA.
    """

    name: str
    shift: int
    per_milliampere: float


UNITS: Final = {"uA": Unit("uA", 6, 1e3), "nA": Unit("nA", 9, 1e6)}


def profile_for(source: Source, members: Mapping[str, bytes]) -> Unit:
    """Return what the cycler counts in, from the folder's ``cellar.toml`` or else from the site's settings.

    Raises:
        ParseError: nobody has said it (code ``unit_unknown``).
    """
    sidecars = sorted((name for name in members if last_part(name).lower() == SIDECAR), key=_depth)
    stated = _read_sidecar(members[sidecars[0]], f"{source.name}!{sidecars[0]}") if sidecars else None
    stated = stated or site_profile(source)
    if stated is None:
        raise ParseError(
            source.name, f"the file does not say whether it counts µA or nA: {ADVICE}", code="unit_unknown"
        )
    # µ and μ are one sign here, and so are the spellings with a u.
    plain = unicodedata.normalize("NFKC", stated).replace("μ", "u").strip()
    if plain not in UNITS:
        raise ParseError(source.name, f"the profile's unit is {stated!r}: {ADVICE}", code="unit_unknown")
    return UNITS[plain]


def site_profile(source: Source) -> str | None:
    """Return the unit that the site's settings say the cycler counts in, or None."""
    return source.profile.get("current_unit")


def check_unit(rows: pl.DataFrame, unit: Unit, members: Mapping[str, bytes], source: Source) -> list[str]:
    """Compare the profile with the currents of the folder's .cyc and .sch files.

    Returns:
        A warning where there was nothing to compare with.

    Raises:
        ContradictionError: another unit than the profile's fits.
    """
    found = {}
    for name, content in members.items():
        ending = last_part(name).lower().rpartition(".")[2]
        if ending in RATIOS:
            ratio = RATIOS[ending](content, rows)
            if ratio is not None:
                found[name] = ratio
    for name, ratio in found.items():
        fitting = [each.name for each in UNITS.values() if LEAST < ratio / each.per_milliampere < MOST]
        if unit.name not in fitting:
            verdict = f"which is {fitting[0]}" if fitting else "which is neither uA nor nA"
            detail = f"the profile says {unit.name}, but {name} has {ratio:.4g} of the file's units in 1 mA, {verdict}"
            raise ContradictionError(source.name, detail, code="unit_factor")
    return [] if found else [f"the unit {unit.name} rests on the profile alone: no .sch or .cyc to compare with"]


def read_cyc(content: bytes) -> tuple[tuple[int, ...], NDArray[np.float32]] | None:
    """Return a .cyc file's field numbers and whole records, or None where it is none; infinities become NaN."""
    if len(content) < CYC_RECORDS:
        return None
    (count,) = struct.unpack_from("<I", content, CYC_COUNT)
    if not 0 < count <= CYC_MOST_FIELDS:
        return None
    fields = struct.unpack_from(f"<{count}H", content, CYC_FIELDS)
    records = (len(content) - CYC_RECORDS) // (4 * count)
    values = np.frombuffer(content, dtype="<f4", count=records * count, offset=CYC_RECORDS)
    # Damaged bytes may be a signalling NaN, which every later conversion would warn of.
    return fields, np.where(np.isfinite(values), values, np.float32(np.nan)).reshape(records, count)


def _cyc_ratio(content: bytes, rows: pl.DataFrame) -> float | None:
    """Return how many of the file's units are in a mA by the .cyc records of the same index."""
    read = read_cyc(content)
    if read is None or not {CYC_CURRENT, CYC_INDEX} <= set(read[0]):
        return None
    fields, values = read
    index = values[:, fields.index(CYC_INDEX)].astype(np.float64)
    known = np.isfinite(index) & (np.abs(index) < CYC_LAST_INDEX)
    current = values[known, fields.index(CYC_CURRENT)].astype(np.float64)
    theirs = pl.DataFrame({"index": index[known].astype(np.int64), "milliampere": current})
    both = rows.select("index", "current").join(theirs.unique("index"), on="index")
    return _median_ratio(both["current"], both["milliampere"])


def _sch_ratio(content: bytes, rows: pl.DataFrame) -> float | None:
    """Return how many of the file's units are in a mA by the schedule's set currents."""
    if len(content) < SCH_HEADER or struct.unpack_from("<I", content)[0] != SCH_MAGIC:
        return None
    steps: dict[int, float] = {}
    for start in range(SCH_HEADER, len(content) - SCH_STEP + 1, SCH_STEP):
        (number,) = struct.unpack_from("<I", content, start)
        (kind,) = struct.unpack_from("<I", content, start + SCH_TYPE)
        (current,) = struct.unpack_from("<f", content, start + SCH_CURRENT)
        if kind in SCH_DRIVEN and np.isfinite(current) and number < CYC_LAST_INDEX:
            steps[number] = abs(current)
    if not steps:
        return None
    theirs = pl.DataFrame({"step": list(steps), "milliampere": list(steps.values())}, schema_overrides=STEP_SCHEMA)
    # The set current is the largest of its step: in a constant-voltage part the current falls below it.
    ours = rows.group_by("step").agg(pl.col("current").abs().max())
    both = ours.join(theirs, on="step")
    return _median_ratio(both["current"], both["milliampere"])


def _median_ratio(ours: pl.Series, milliampere: pl.Series) -> float | None:
    counted, stated = ours.abs().to_numpy().astype(np.float64), milliampere.abs().to_numpy()
    flowing = (counted > 0) & (stated > 0) & np.isfinite(stated)
    return float(np.median(counted[flowing] / stated[flowing])) if flowing.any() else None


def _read_sidecar(content: bytes, shown: str) -> str | None:
    try:
        stated = tomllib.loads(content.decode("utf-8-sig")).get("unit")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParseError(shown, f"is no readable TOML ({error}): {ADVICE}", code="unit_unknown") from error
    return None if stated is None else str(stated)


def _depth(name: str) -> int:
    # The profile nearest to the data counts: a folder of several tests may hold one per test.
    return -len(parent(name).split("/"))


STEP_SCHEMA: Final = {"step": pl.Int64, "milliampere": pl.Float64}
RATIOS: Final = {"cyc": _cyc_ratio, "sch": _sch_ratio}
