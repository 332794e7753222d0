"""Toyo's files, written from the documented layouts: records in both languages, CAPACITY.LOG, patterns, exports.

The tables here are the writer's own: a mistake that reader and writer share would otherwise prove itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

START = datetime(2026, 1, 1, 9, 0, 0)  # noqa: DTZ001 the tester's clock names no zone
MARKER = "0,0,1,0,0,0,0\r\n\r\n\r\n"
ENGLISH = "Date,Time,PassTime[Sec],Voltage[V],Current[mA],,,Temp1[Deg],,,,Condition,Mode,Cycle,TotlCycle,Temp1[Deg]"
BLK5200 = ENGLISH.replace("PassTime", "Passed Time").replace("Deg", "deg").replace("TotlCycle", "Total Cycle")
BARE = "Date,Time,PassTime[Sec],Voltage[V],Current[mA],,,,,,,Condition,Mode,Cycle,TotlCycle"
DATED = ENGLISH.replace("TotlCycle,", "TotlCycle,PassedDate,")
JAPANESE = "日付,時刻,経過時間[Sec],電圧[V],電流[mA],,,,,,,状態,ﾓｰﾄﾞ,ｻｲｸﾙ,総ｻｲｸﾙ"
LOG = (
    "Date,Time,Condition,Mode,Cycle,TotlCycle,Cap[mAh],PassTime,TotlPassTime,Pow[mWh],AveVolt[V],PeakVolt[V],,"
    "PeakTemp[Deg],Ocv,,Finish(Vol/Cur/Tim)"
)
LOG_5200 = LOG.replace("TotlCycle", "Total Cycle").replace("Cap[mAh]", "Capacity[mAh]").replace("Finish", "End Factor")
# What the tester writes for rest, charge, discharge and abort.
ENGLISH_CODES = {"rest": 3, "charge": 1, "discharge": 2}
JAPANESE_CODES = {"rest": 0, "charge": 1, "discharge": 2, "abort": 9}


@dataclass(frozen=True)
class Row:
    """One record: seconds since the start, elapsed seconds as written, V, mA without a sign, °C."""

    seconds: float
    elapsed: float
    voltage: float
    milliampere: float
    state: str
    mode: int
    total: int
    temperature: float = 23.65
    cycle: int = 1

    @property
    def ampere(self) -> float:
        """Current with its sign, the double nearest to the decimal that is written."""
        sign = {"discharge": "-"}.get(self.state, "")
        return float(f"{sign}{number(self.milliampere)}e-3") + 0.0


def number(value: float) -> str:
    """Return a current as the tester prints it: eight characters, so that small ones have more decimals."""
    return f"{value:.6f}" if value < 10 else f"{value:.5f}" if value < 100 else f"{value:.4f}"


def make_run(totals: int = 2, milliampere: float = 0.012345, every: int = 60, points: int = 5) -> list[Row]:
    """Return total cycles of charge in constant current and voltage, rest, discharge; elapsed restarts at each."""
    rows = []
    begun = 0.0
    for total in range(1, totals + 1):
        for mode, (state, tapers) in enumerate((("charge", 0), ("charge", 1), ("rest", 0), ("discharge", 0)), start=1):
            for point in range(points):
                current = 0.0 if state == "rest" else milliampere * (1 - 0.1 * point * tapers)
                rows.append(
                    Row(
                        seconds=begun + point * every,
                        elapsed=point * every,
                        voltage=3.5 + 0.0125 * point,
                        milliampere=float(number(current)),
                        state=state,
                        # Charging in constant current and voltage is one step of the pattern.
                        mode=1 if mode < 3 else mode,
                        total=total,
                    )
                )
            begun += (points - 1) * every
    return rows


def line(row: Row, head: str, codes: Mapping[str, int]) -> str:
    """Return a record under the given labels, with fixed widths, signs and blanks."""
    moment = START + timedelta(seconds=int(row.seconds))
    written = {
        "Date": f"{moment:%Y/%m/%d}",
        "Time": f"{moment.hour}:{moment:%M:%S}",
        "Pass": f"{int(row.elapsed):08d}" if row.elapsed == int(row.elapsed) else f"{row.elapsed:.2f}",
        "Volt": f"{row.voltage:+.4f}",
        "Curr": number(row.milliampere),
        "Temp": f"{row.temperature:.2f}",
        "Cond": f"{codes[row.state]:d}",
        "Mode": f" {row.mode:d}",
        "Cycl": f"  {row.cycle:d}",
        "Totl": f"     {row.total:d}",
    }
    japanese = {"日付": "Date", "時刻": "Time", "経過時間": "Pass", "電圧": "Volt", "電流": "Curr", "状態": "Cond"}
    japanese |= {"ﾓｰﾄﾞ": "Mode", "ｻｲｸﾙ": "Cycl", "総ｻｲｸﾙ": "Totl"}
    cells = []
    for label in head.split(","):
        name = label.partition("[")[0]
        short = japanese.get(name, "Totl" if name in {"TotlCycle", "Total Cycle"} else name[:4])
        cells.append("2026/01/01" if name == "PassedDate" else written.get(short, ""))
    return ",".join(cells) + "\r\n"


def six_digits(
    rows: Sequence[Row], head: str = ENGLISH, encoding: str = "cp949", codes: Mapping[str, int] = ENGLISH_CODES
) -> bytes:
    """Return a file of records."""
    return (MARKER + head + "\r\n" + "".join(line(row, head, codes) for row in rows)).encode(encoding)


def japanese_six_digits(rows: Sequence[Row]) -> bytes:
    """Return a file of records as a Japanese tester writes it."""
    return six_digits(rows, JAPANESE, "cp932", JAPANESE_CODES)


def charges_of(rows: Sequence[Row]) -> list[tuple[int, str, float]]:
    """Return total cycle, state and mAh of each stage that moves charge, by trapezoid."""
    stages: list[tuple[int, str, float]] = []
    for before, row in zip([None, *rows[:-1]], rows, strict=True):
        if row.state not in {"charge", "discharge"}:
            continue
        if before is None or row.elapsed == 0:
            stages.append((row.total, row.state, 0.0))
            continue
        moved = (before.milliampere + row.milliampere) / 2 * (row.elapsed - before.elapsed) / 3600
        stages[-1] = (*stages[-1][:2], stages[-1][2] + moved)
    return stages


def capacity_log(charges: Sequence[tuple[int, str, float]], head: str = LOG) -> bytes:
    """Return CAPACITY.LOG: no row for rests, one for each stage of a charge, Finish padded with blanks."""
    rows = []
    for total, state, charge in charges:
        finish = ("Vol" if state == "discharge" else "Cur").rjust(20)
        cells = ["2026/01/01", "10:00:00", f"  {ENGLISH_CODES[state]}", " 1", "  1", f"    {total}", f"{charge:.6f}"]
        rows.append(",".join([*cells, "000:04:00", "000:08:00", "1.0000", "3.6", "4.2", "", "23.6", "3.5", "", finish]))
    return ("\r\n".join([head, *rows]) + "\r\n").encode("cp949")


def pattern(mass_gram: float, *, spaced: bool = False) -> bytes:
    """Return the first line of a pattern file in either dialect of its mass field."""
    field = f"0 {mass_gram:.5f}" if spaced else f"0{mass_gram:.6f}"
    return (f"{' 1operator':<42}2 {field:>9}       sample 7\r\n").encode("cp932")


OPTION = b"[BaseCellCapacity]\r\nPattern_BaseCellCapacity=1689\r\n"


def channel_folder(rows: Sequence[Row], folder: str = "93/", head: str = ENGLISH) -> dict[str, bytes]:
    """Return the files of a channel, one of records for each total cycle."""
    totals = sorted({row.total for row in rows})
    files = {f"{folder}{total:06d}": six_digits([row for row in rows if row.total == total], head) for total in totals}
    files |= {f"{folder}CAPACITY.LOG": capacity_log(charges_of(rows)), f"{folder}a.PTN": pattern(0.00116)}
    return files | {f"{folder}a_Option.PTN": OPTION, f"{folder}LCOUNT": b"2\r\n"}


def renzoku(rows: Sequence[Row], *, timed: bool = True, encoding: str = "cp932") -> bytes:
    """Return a 連続データ.csv, with time and current or as most are."""
    labels = ["サイクル", "モード", "状態", "電圧", "電気量"]
    units = ["[]", "[]", "[]", "[V]", "[mAh/g]"]
    if timed:
        labels += ["経過時間", "電流", "総サイクル", "日付", "時刻"]
        units += ["[Sec]", "[mA]", "[]", "[]", "[]"]
    text = [",試験名,D:\\試験\\cell7,,,,開始日時,2026-01-01 09:00:00", ",測定備考,", ",重量[mg],1.160"]
    text += [",".join(labels), ",".join(["72ch"] * len(labels)), ",".join(["-"] * len(labels)), ",".join(units)]
    moving = ""
    for row in rows:
        moving = row.state if row.state != "rest" else moving
        words = {"charge": "充電", "discharge": "放電", "abort": "中断"}
        words["rest"] = "充電休止" if moving == "charge" else "放電休止"
        per_gram = row.elapsed / 3600 * row.milliampere / 1.16e-3
        cells = [f"{row.cycle}", f"{row.mode}", words[row.state], f"{row.voltage:.4f}", f"{per_gram:.6f}"]
        moment = START + timedelta(seconds=int(row.seconds))
        if timed:
            cells += [f"{row.elapsed:.0f}", number(row.milliampere), f"{row.total}"]
            cells += [f"{moment:%Y/%m/%d}", f"{moment:%H:%M:%S}"]
        text.append(",".join(cells))
    return ("\r\n".join(text) + "\r\n").encode(encoding)
