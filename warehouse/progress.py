"""Going on with a test that grew: what was derived stays, and only what the new rows can change is derived again.

The result is equal, bit for bit, to deriving all rows at once; where it would not be, nothing is returned. The cost is
that of the new rows, of the steps that were not settled yet, and of one block of rows. Why each quantity allows it:

* A step's figures come from its own records, the record before it, and the grounds below. Sums run over whole steps,
  so their rounding does not depend on when the rows came. Steps are kept up to the first that a later record may
  still change (``warehouse.boundaries``), and derived again from there.
* Which columns decide follows from those that ever held a value. Another choice (a counter that was empty so far, a
  better temperature), or the first change of the schedule's number, changes earlier steps: derive all.
* The limit of rest follows from counts of blocks, kept as whole numbers, and from the sums of the last two
  (``warehouse.levels``). It may move: kept steps only depend on which currents lie above it, so the two currents
  nearest to it are kept, and it must stay between them.
* A counter's decimals are those of its first values (``warehouse.counters``); while these come in they may change.
* A counter that is written only while it moves is carried on by its last value.
* The voltages that bound the test are looked for in the table of steps, which is small, each time.
* The hash of the rows is a chain over blocks (``warehouse.rowhash``).

What is gathered from the first row on is kept as it was at the last whole block; rows behind it are handed in again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import polars as pl

from warehouse import rowhash
from warehouse.counters import Sample
from warehouse.derivation import DerivationRecipe
from warehouse.levels import Levels
from warehouse.rowhash import RowHash, hash_rows
from warehouse.schema import STEPS
from warehouse.steps import Settled, cut_steps, name_ends
from warehouse.stretch import Stretch, choose_columns, is_carried, see_columns, take_stretch
from warehouse.survey import Grounds, Survey

# Counted up when steps or hashes would come out differently for the same rows: what was kept is of no use then.
RULES: Final = 1
RULE_DIGITS: Final = 12
SHOWN: Final = 60
NO_GROUNDS: Final = Grounds(0.0, numbered=False, quanta=())


@dataclass(frozen=True)
class Progress:
    """What must be known of the rows so far to go on with them.

    Args:
        rules: by which rules and thresholds they were derived.
        row_hash: hash of the rows; its ``digest`` is part of ``conform.hash_data``.
        keep_from: the first row that must be handed in again, counted from 0.
        last_time_second: test time of the last row; None without rows.
        seen: the columns that held a value.
        survey: what the rows up to the last whole block say together.
        grounds: what all rows say to each step.
        settled: the steps that no later row changes.
        carried: the counters' last values before ``keep_from``.
    """

    rules: str
    row_hash: RowHash = field(default_factory=RowHash)
    keep_from: int = 0
    last_time_second: float | None = None
    seen: frozenset[str] = frozenset()
    survey: Survey = field(default_factory=Survey)
    grounds: Grounds = NO_GROUNDS
    settled: Settled = field(default_factory=Settled)
    carried: Mapping[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.row_hash.rows

    def to_json(self) -> str:
        """Return it as text; every number comes back as it was."""
        return json.dumps(asdict(self) | {"seen": sorted(self.seen)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """Return what :meth:`to_json` wrote.

        Raises:
            ValueError: the text is not such a one, or of another version.
        """
        try:
            return _revive(**json.loads(text))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no progress of this version ({error}): {text[:SHOWN]!r}") from error


def derive_all(
    measurements: pl.DataFrame, recipe: DerivationRecipe, row_hash: RowHash | None = None
) -> tuple[pl.DataFrame, Progress]:
    """Cut a test into steps, as ``steps.derive_steps`` does, and say how to go on.

    Args:
        measurements: a conforming table of one test, in time order.
        recipe: thresholds.
        row_hash: ``rowhash.hash_rows`` of the measurements, where it is known already.
    """
    if not measurements.height:
        return STEPS.empty(), Progress(_name_rules(recipe))
    seen = see_columns(measurements)
    records = take_stretch(measurements, seen)
    survey, grounds = _gather(Survey(scheduled=bool(records.number_changes().any())), records, recipe)
    begun = Progress(
        _name_rules(recipe), row_hash or hash_rows(measurements), seen=seen, survey=survey, grounds=grounds
    )
    return _cut_onward(begun, STEPS.empty(), records, recipe)


def derive_onward(
    progress: Progress, known_steps: pl.DataFrame, rows: pl.DataFrame, recipe: DerivationRecipe
) -> tuple[pl.DataFrame, Progress] | None:
    """Derive a test that grew, from what was derived of it.

    Args:
        progress: what was known of the rows so far.
        known_steps: the steps that were derived of them, rows of ``schema.STEPS`` in their order.
        rows: the rows from ``progress.keep_from`` on, old and new, conforming and in time order.
        recipe: thresholds.

    Returns:
        All steps of the test, without ``test_id``, ``revision`` and ``cycle``, and how to go on from here; None where
        the rows are no continuation, or where earlier steps would come out differently: then derive all rows.
    """
    # All rows are at hand, so nothing has to hold.
    if progress.keep_from == 0:
        return derive_all(rows, recipe)
    if progress.rules != _name_rules(recipe) or known_steps.height < progress.settled.steps:
        return None
    row_hash = _hash_onward(progress, rows)
    seen = progress.seen | see_columns(rows)
    if row_hash is None or choose_columns(seen) != choose_columns(progress.seen):
        return None
    records = take_stretch(rows, seen, progress.keep_from, progress.carried)
    # The first change of number makes blocks of what were runs of one sign, back to the first row.
    if not progress.survey.scheduled and records.number_changes().any():
        return None
    survey, grounds = _gather(progress.survey, records, recipe)
    if not _stands(progress, grounds):
        return None
    begun = replace(progress, row_hash=row_hash, seen=seen, survey=survey, grounds=grounds)
    return _cut_onward(begun, known_steps, records, recipe)


def _gather(survey: Survey, records: Stretch, recipe: DerivationRecipe) -> tuple[Survey, Grounds]:
    """Return the survey up to the last whole block, and what follows from that and the rows behind it."""
    survey = survey.onward(records, records.end - records.end % rowhash.BLOCK_ROWS)
    return survey, survey.onward(records, records.end).conclude(records.choice, recipe)


def _cut_onward(
    begun: Progress, known_steps: pl.DataFrame, records: Stretch, recipe: DerivationRecipe
) -> tuple[pl.DataFrame, Progress]:
    fresh, settled = cut_steps(records, begun.settled, begun.grounds, recipe)
    known = known_steps.head(begun.settled.steps).with_columns(
        test_id=pl.lit(""), revision=pl.lit(0, dtype=pl.Int64), cycle=pl.lit(0, dtype=pl.Int64)
    )
    # A step looks at the record before it, and so does a block.
    keep_from = max(min(settled.rows, begun.survey.rows) - 1, 0)
    before = keep_from - 1 - records.first
    carried = {name: float(values[before]) for name, values in records.counters.items() if is_carried(name)}
    further = replace(
        begun,
        keep_from=keep_from,
        last_time_second=records.table["test_time_second"][-1],
        settled=settled,
        carried=carried if before >= 0 else begun.carried,
    )
    return name_ends(pl.concat([known, fresh])), further


def _stands(progress: Progress, grounds: Grounds) -> bool:
    """Say whether the settled steps would come out as they did."""
    before, settled = progress.grounds, progress.settled
    still = grounds.limit == before.limit or settled.least <= grounds.limit < settled.below
    return still and grounds.quanta == before.quanta


def _hash_onward(progress: Progress, rows: pl.DataFrame) -> RowHash | None:
    """Return the hash over all rows; None where the rows handed in do not begin with the known ones."""
    known = progress.row_hash
    block = rows.slice(known.keep_from - progress.keep_from)
    # A caller that is off by a row would otherwise store wrong figures without a sound.
    is_continued = rows.height >= progress.rows - progress.keep_from
    if not is_continued or known.onward(block.head(known.rows - known.keep_from)) != known:
        return None
    return known.onward(block)


def _name_rules(recipe: DerivationRecipe) -> str:
    return f"{RULES}-{hashlib.sha256(repr((recipe, rowhash.BLOCK_ROWS)).encode()).hexdigest()[:RULE_DIGITS]}"


def _revive(
    *,
    row_hash: dict[str, Any],
    seen: list[str],
    survey: dict[str, Any],
    grounds: list[Any],
    settled: dict[str, Any],
    **plain: Any,
) -> Progress:
    """Make objects of what a JSON reader gives, which knows lists and dictionaries only."""
    levels = {name: tuple(values) for name, values in survey["levels"].items()}
    levels["recent"] = tuple((*block,) for block in levels["recent"])
    samples = {name: Sample(*sample) for name, sample in survey["samples"].items()}
    limit, numbered, quanta = grounds
    return Progress(
        row_hash=RowHash(**row_hash),
        seen=frozenset(seen),
        survey=Survey(**survey | {"levels": Levels(**levels), "samples": samples}),
        grounds=Grounds(limit, numbered, tuple(quanta)),
        settled=Settled(**settled),
        **plain,
    )
