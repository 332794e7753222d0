"""What columns of battery tests are called in English, German, Korean and Japanese, for the proposal of a description.

A name suggests what a column holds, never in which unit. What may be one of several of our columns (a capacity that
never restarts or restarts with each step) is given with the choices.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

# Names as they stand alone; the first of our columns is the likely one, and all of them are choices.
NAMES: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    ("test_time_second",): frozenset(
        {"time", "t", "test time", "testtime", "total time", "elapsed time", "elapsed", "run time", "runtime"}
        | {"zeit", "testzeit", "laufzeit", "gesamtzeit", "prüfzeit", "programmdauer", "testdauer"}
        | {"시간", "시험시간", "시험 시간", "경과시간", "경과 시간", "전체시간", "총시간", "누적시간"}
        | {"時間", "経過時間", "試験時間", "総時間", "时间", "测试时间", "总时间"}
    ),
    ("step_time_second",): frozenset(
        {"step time", "steptime", "schrittzeit", "schrittdauer", "스텝시간", "스텝 시간", "단계시간", "단계 시간"}
        | {"ステップ時間", "工程時間", "步骤时间", "工步时间"}
    ),
    ("unix_time_second",): frozenset(
        {"date", "datetime", "date time", "date/time", "date and time", "timestamp", "time stamp", "dpt time"}
        | {"absolute time", "abs. time", "wall clock", "datum", "zeitstempel", "datum/uhrzeit", "datum uhrzeit"}
        | {"일시", "날짜", "일자", "측정일시", "측정 일시", "기록시간", "日時", "日付", "日期", "绝对时间"}
    ),
    ("time_of_day",): frozenset({"clock", "time of day", "uhrzeit", "시각", "時刻"}),
    ("voltage_volt",): frozenset(
        {"voltage", "volt", "volts", "potential", "cell voltage", "u", "v", "e", "ewe", "vcell", "ucell"}
        | {"spannung", "zellspannung", "potenzial", "potential gegen li", "전압", "셀전압", "셀 전압"}
        | {"電圧", "電位", "电压", "电位"}
    ),
    ("current_ampere",): frozenset(
        {"current", "i", "amps", "amperes", "cell current", "strom", "zellstrom", "stromstärke"}
        | {"전류", "셀전류", "셀 전류", "電流", "电流"}
    ),
    ("power_watt",): frozenset({"power", "p", "leistung", "전력", "電力", "功率"}),
    (
        "net_capacity_ah",
        "step_charging_capacity_ah",
        "step_discharging_capacity_ah",
        "cycle_charging_capacity_ah",
        "charging_capacity_ah",
    ): frozenset(
        {"capacity", "q", "charge", "cap", "cap.", "ah", "ah accu", "kapazität", "ladung", "ladungsmenge"}
        | {"용량", "전하량", "충전용량", "방전용량", "容量", "電気量", "充电容量", "放电容量"}
        | {"charge capacity", "discharge capacity", "charging capacity", "discharging capacity"}
    ),
    (
        "net_energy_wh",
        "step_charging_energy_wh",
        "step_discharging_energy_wh",
        "cycle_charging_energy_wh",
        "charging_energy_wh",
    ): frozenset(
        {"energy", "energie", "wh accu", "에너지", "전력량", "エネルギー", "電力量", "能量"}
        | {"charge energy", "discharge energy"}
    ),
    ("temperature_t1_celsius",): frozenset(
        {"temperature", "temp", "temp.", "t1", "cell temperature", "temperatur", "zelltemperatur"}
        | {"온도", "셀온도", "温度", "셀 온도"}
    ),
    ("ambient_temperature_celsius",): frozenset({"chamber temperature", "ambient", "챔버온도", "恒温槽温度"}),
    ("internal_resistance_ohm",): frozenset({"resistance", "ir", "acir", "dcir", "widerstand", "저항", "抵抗", "内阻"}),
    ("cycle_count",): frozenset(
        {"cycle", "cyc", "cycle#", "cyc#", "cycle no", "cycle no.", "cycle number", "cycle index", "cycle count"}
        | {"zyklus", "zyklen", "zyklusnummer", "사이클", "사이클번호", "サイクル", "ｻｲｸﾙ", "循环", "循环号"}
    ),
    ("step_id",): frozenset(
        {"step", "step#", "step no", "step no.", "step number", "step index", "ns", "schritt", "schrittnummer"}
        | {"스텝", "단계", "스텝번호", "ステップ", "工程", "工步", "工步号"}
    ),
    ("step_type",): frozenset(
        {"state", "status", "mode", "step type", "md", "zustand", "modus", "betriebsart"}
        | {"상태", "모드", "구분", "状態", "モード", "ﾓｰﾄﾞ", "状态", "工步类型"}
    ),
    ("record_index",): frozenset(
        {"record", "rec", "rec#", "record number", "record index", "index", "no", "no.", "point", "data point"}
        | {"datenpunkt", "nr", "nr.", "번호", "순번", "番号", "记录", "序号", "数据序号"}
    ),
}
# Tails that only say which channel or count a column is of.
FILLING: Final = re.compile(r"\s*(?:#|no\.?|nr\.?|\d+)$")
STATES: Final[Mapping[str, str]] = {
    "cha": "charge",
    "chg": "charge",
    "c": "charge",
    "dch": "discharge",
    "dchg": "discharge",
    "d": "discharge",
    "lad": "charge",
    "ent": "discharge",
    "ela": "discharge",
    "pau": "rest",
    "r": "rest",
    "rst": "rest",
    "p": "rest",
    "충전": "charge",
    "방전": "discharge",
    "휴지": "rest",
    "휴식": "rest",
    "대기": "rest",
    "充電": "charge",
    "放電": "discharge",
    "休止": "rest",
}


def suggest(label: str) -> tuple[str, ...]:
    """Return our columns that a name may stand for, the likely one first; nothing for a name that is not known."""
    plain = " ".join(unicodedata.normalize("NFKC", label).lower().replace("_", " ").split())
    tries = (plain, FILLING.sub("", plain), plain.rstrip(".:"))
    return next((ours for each in tries for ours, names in FOLDED.items() if each in names), ())


FOLDED: Final = {
    ours: frozenset(unicodedata.normalize("NFKC", name) for name in names) for ours, names in NAMES.items()
}
