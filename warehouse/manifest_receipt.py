"""What became of a manifest, for programs, for receipts and for people, in English and Korean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from warehouse.errors import ManifestError
from warehouse.manifest_kinds import KINDS
from warehouse.manifest_ledger import Change
from warehouse.manifest_sentences import explain_notice, explain_refusal

CODE: Final = "manifest"
KOREAN: Final = {kind.name: kind.ko for kind in KINDS}
SHOWN: Final = 10


@dataclass(frozen=True)
class ManifestReceipt:
    """What became of a manifest.

    Args:
        path: the manifest as the user knows it.
        sha256: hash of its bytes.
        version: number of the import; of the earlier one where these bytes brought nothing new; 0 for a trial.
        taken: rows taken by kind, those that said nothing new among them.
        refused: what was refused, row by row.
        changes: what it changed, value by value; rows that it made.
        firms_added: firms that were not known.
        rederived: tests derived again, for their cell's convention changed.
        moved: tests that went to a cell, for an assignment says so.
        refreshed: firms whose stored answers are computed afresh.
        notices: what else the technician should know: code and what was found.
    """

    path: str
    sha256: str
    version: int
    taken: Mapping[str, int]
    refused: tuple[ManifestError, ...]
    changes: tuple[Change, ...] = ()
    firms_added: tuple[str, ...] = ()
    rederived: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    refreshed: tuple[str, ...] = ()
    notices: tuple[tuple[str, str], ...] = ()

    @property
    def cells(self) -> int:
        """Rows of cells that were taken."""
        return self.taken.get("cells", 0)

    @property
    def rows_refused(self) -> int:
        """Rows of which at least one value was refused."""
        return len({(error.sheet, error.row) for error in self.refused})

    @property
    def made(self) -> tuple[Change, ...]:
        """The rows that are new."""
        return tuple(change for change in self.changes if change.made)

    @property
    def corrected(self) -> tuple[Change, ...]:
        """The values that differ from what was known, and the rows that were withdrawn."""
        return tuple(change for change in self.changes if not change.made)

    @property
    def reason(self) -> dict[str, str]:
        """The receipt's reason, as every receipt has one: ``code, en, ko, where``."""
        # The whole list is in the warnings; a receipt should still be read.
        shown = self.refused[:SHOWN]
        cut = f"; … {len(self.refused)}" if len(self.refused) > SHOWN else ""
        return {
            "code": CODE,
            "en": " ".join([self.summary, *(f"{error.where}: {explain_refusal(error)['en']}" for error in shown)]),
            "ko": " ".join(
                [self.summary_korean, *(f"{_place_korean(error)}: {explain_refusal(error)['ko']}" for error in shown)]
            ),
            "where": "; ".join(error.where for error in shown) + cut,
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a technician should read, one sentence each, both languages."""
        refused = [(error.where, explain_refusal(error)) for error in self.refused]
        noted = [explain_notice(code, found) for code, found in self.notices]
        return (
            *(f"{where}: {told['en']} {told['ko']}" for where, told in refused),
            *(describe_change(change) for change in self.corrected),
            *(f"{told['en']} {told['ko']}" for told in noted),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything, for JSON."""
        same = ("path", "sha256", "version", "cells", "rows_refused")
        lists = ("firms_added", "rederived", "moved", "refreshed")
        refused = [{**explain_refusal(error), "reason": explain_refusal(error)["en"]} for error in self.refused]
        return {
            **{name: getattr(self, name) for name in same},
            "taken": dict(self.taken),
            "refused": refused,
            "made": [{"table": one.table, "firm": one.firm, "row": one.name} for one in self.made],
            "changes": [as_record(one) for one in self.corrected],
            **{name: list(getattr(self, name)) for name in lists},
            "notices": [explain_notice(code, found) for code, found in self.notices],
        }

    @property
    def summary(self) -> str:
        """What was done, in one line of English."""
        taken = ", ".join(f"{count} {name}" for name, count in self.taken.items() if count) or "nothing"
        head = f"A manifest, version {self.version}" if self.version else "A trial of a manifest"
        new, changed = len(self.made), len(self.corrected)
        counts = f"{new} rows new, {changed} values changed, {self.rows_refused} rows refused."
        parts = [f"{head}: {taken} taken, {counts}"]
        parts += [f"{len(self.rederived)} tests were derived again."] if self.rederived else []
        parts += [f"{len(self.moved)} tests went to their cells."] if self.moved else []
        parts += (
            [f"What follows from the cells of {', '.join(self.refreshed)} is computed afresh."]
            if self.refreshed
            else []
        )
        return " ".join(parts)

    @property
    def summary_korean(self) -> str:
        """The same in Korean."""
        taken = ", ".join(f"{KOREAN[name]} {count}행" for name, count in self.taken.items() if count) or "없음"
        head = f"명세표 {self.version}판" if self.version else "명세표 시험 확인"
        new, changed = len(self.made), len(self.corrected)
        counts = f"새 행 {new}개, 바뀐 값 {changed}개, 거부된 행 {self.rows_refused}개."
        parts = [f"{head}: 등록 {taken}, {counts}"]
        parts += [f"시험 {len(self.rederived)}개를 다시 계산했습니다."] if self.rederived else []
        parts += [f"시험 {len(self.moved)}개가 셀에 배정되었습니다."] if self.moved else []
        parts += [f"{', '.join(self.refreshed)} 셀의 결과를 새로 계산합니다."] if self.refreshed else []
        return " ".join(parts)


def describe_change(change: Change) -> str:
    """Return a change as one line."""
    if change.column:
        return f"{change.table} {change.name} of {change.firm}: {change.column} {change.before} → {change.after}"
    return f"{change.table} {change.name} of {change.firm} {'is new' if change.made else 'was withdrawn'}"


def as_record(change: Change) -> dict[str, Any]:
    """Return a change for JSON."""
    same = {name: getattr(change, name) for name in ("table", "firm", "column", "before", "after")}
    return {**same, "row": change.name}


def count_kinds(names: Sequence[str]) -> dict[str, int]:
    """Count rows by kind, in the order in which kinds are recognised."""
    return {kind.name: names.count(kind.name) for kind in KINDS if kind.name in names}


def _place_korean(error: ManifestError) -> str:
    parts = (("시트 {}", error.sheet), ("{}행", error.row), ("{} 열", error.column))
    return ", ".join(pattern.format(value) for pattern, value in parts if value)
