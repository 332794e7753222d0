"""What an alert says, in English and Korean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from warehouse.sentences import explain
from warehouse.wafers.quantities import QUANTITIES

if TYPE_CHECKING:
    from warehouse.alerts.sign import Sign


@dataclass(frozen=True)
class Wording:
    """A kind of alert: its name and its sentence in both languages, with the evidence's names in braces."""

    en: str
    ko: str
    en_says: str
    ko_says: str


KINDS: Final[dict[str, Wording]] = {
    "falling_faster": Wording(
        "Falls faster than its siblings",
        "비교 셀보다 빠른 용량 감소",
        "Cell {cell_id} falls faster than its siblings: retention {retention} at cycle {cycle}, median of {siblings} "
        "like cells {median_of_siblings}.",
        "셀 {cell_id}의 용량이 비교 셀보다 빠르게 감소합니다. {cycle}사이클 유지율 {retention}, "
        "같은 조건 셀 {siblings}개의 중앙값 {median_of_siblings}입니다.",
    ),
    "capacity_step": Wording(
        "Capacity step",
        "용량 급변",
        "The capacity of cell {cell_id} steps at cycle {cycle}, from {capacity_before_ah} to {capacity_after_ah} Ah.",
        "셀 {cell_id}의 용량이 {cycle}사이클에서 {capacity_before_ah} Ah에서 {capacity_after_ah} Ah로 급변했습니다.",
    ),
    "limit_crossed": Wording(
        "Limit crossed",
        "규격 한계 이탈",
        "Cell {cell_id} crosses a limit of specification {spec}: {quantity_en} is {amount}, {limits_en}.",
        "셀 {cell_id}: 규격 {spec}의 한계를 벗어났습니다. {quantity_ko} {amount}, {limits_ko}.",
    ),
    "contradiction": Wording(
        "Contradiction",
        "데이터 모순",
        "{path} is in quarantine. {reason_en} {reason_detail}",
        "{path} 파일이 격리되었습니다. {reason_ko} {reason_detail}",
    ),
    "channel_drift": Wording(
        "Channel reads otherwise",
        "채널 편차",
        "Channel {channel} reads otherwise than the others: {metric} of its {cells} cells is off by {residual}.",
        "채널 {channel}의 측정값이 다른 채널과 다릅니다. 셀 {cells}개의 {metric} 편차가 {residual}입니다.",
    ),
    "test_stalled": Wording(
        "Test stalled",
        "시험 중단",
        "Test {test_id} on channel {channel} stopped under current: its file has not grown since "
        "{last_growth_unix_second}; {cycles} cycles so far.",
        "채널 {channel}의 시험 {test_id}이(가) 통전 중에 멈췄습니다. {last_growth_unix_second} 이후 파일이 늘지 "
        "않았습니다. 현재 {cycles}사이클입니다.",
    ),
    "test_ended": Wording(
        "Test ended",
        "시험 종료",
        "Test {test_id} on channel {channel} has ended after {cycles} cycles: its file has not grown since "
        "{last_growth_unix_second}.",
        "채널 {channel}의 시험 {test_id}이(가) {cycles}사이클 후 종료되었습니다. {last_growth_unix_second} 이후 파일이 "
        "늘지 않았습니다.",
    ),
    "disk_filling": Wording(
        "Disk filling",
        "디스크 부족",
        "{free_bytes} of {total_bytes} are free; {daily_bytes} come in a day, enough for {days_left} days.",
        "전체 {total_bytes} 중 {free_bytes}가 남았습니다. 하루 {daily_bytes}씩 늘어 {days_left}일 동안 쓸 수 있습니다.",
    ),
}
GIGABYTE: Final = 1e9
NOTHING: Final = "-"
LIMITS: Final = {"lower": ("lower limit", "하한"), "upper": ("upper limit", "상한")}


def say(sign: Sign, zone: ZoneInfo) -> tuple[str, str]:
    """Return the sentence of a sign in English and in Korean.

    Args:
        sign: the sign.
        zone: the site's.
    """
    wording = KINDS[sign.kind]
    told = {"cell_id": sign.cell_id, "test_id": sign.test_id, **sign.evidence}
    shown = {name: _show(name, value, zone) for name, value in told.items()}
    shown |= _explain(sign.evidence) | _tell_limits(sign.evidence, shown)
    return wording.en_says.format(**shown).strip(), wording.ko_says.format(**shown).strip()


def _explain(evidence: Mapping[str, object]) -> dict[str, str]:
    """Return what a code of quarantine means, where the evidence has one."""
    code = evidence.get("reason_code")
    if code is None:
        return {}
    reason = explain(str(code))
    return {"reason_en": str(reason["en"]), "reason_ko": str(reason["ko"])}


def _tell_limits(evidence: Mapping[str, object], shown: Mapping[str, str]) -> dict[str, str]:
    """Return the quantity in both languages, and the limits that there are, where the evidence is of a limit."""
    if "quantity" not in evidence:
        return {}
    quantity, unit = shown["quantity"], f" {evidence['unit']}" if evidence["unit"] else ""
    limits = [(name, f"{shown[name]}{unit}") for name in LIMITS if evidence[name] is not None]
    # The last of the other names is the Korean one; a quantity without one stays as specifications write it.
    korean = [name for name in QUANTITIES[quantity].also if not name.isascii()] if quantity in QUANTITIES else []
    return {
        "quantity_en": quantity.replace("_", " "),
        "quantity_ko": korean[-1] if korean else quantity,
        "amount": f"{shown['measured']}{unit}",
        "limits_en": ", ".join(f"{LIMITS[name][0]} {said}" for name, said in limits),
        "limits_ko": ", ".join(f"{LIMITS[name][1]} {said}" for name, said in limits),
    }


def _show(name: str, value: object, zone: ZoneInfo) -> str:
    if value is None:
        return NOTHING
    if not isinstance(value, int | float):
        return str(value)
    if name.endswith("_unix_second"):
        return datetime.fromtimestamp(value, zone).strftime("%Y-%m-%d %H:%M")
    if name.endswith("_bytes"):
        return f"{value / GIGABYTE:.3g} GB"
    return str(value) if isinstance(value, int) else f"{value:.4g}"
