"""PNE's files, written from the documented layouts: rows in three of them, the binary .cyc and .sch, whole folders.

The tables here are the writer's own: a mistake that reader and writer share would otherwise prove itself.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

HEADER = (
    "index, totalTime_day, totalTime, stepTime_day, stepTime, state, type, mode, select, code, grade, stepNo, Vsens, "
    "Isens, charge_AmpareHour, discharge_AmpareHour, capacitance, watt, charge_WattHour, discharge_WattHour, "
    "impedance, reservedCmd, external_comm_state, ch_output_state, ch_input_state, auxCount, canCount, totalCycle, "
    "elementCycle, accCycle1, accCycle2, accCycle3, accCycle4, accCycle5, multiCycle1, multiCycle2, multiCycle3, "
    "multiCycle4, multiCycle5, averageV, averageI, cvTime_day, cvTime, realDate, realClock, Vinput, Vpower, Vbus, "
    "out_mux_use, out_mux_backup, maxAuxT, minAuxT, diffAuxT, avgAuxT, SOC, dIsens, dMaxAuxVChNo, dMaxAuxV, "
    "dMinAuxVChNo, dMinAuxV \n"
)


@dataclass(frozen=True)
class Row:
    """One record in the machine's own whole numbers: µV, µA or nA, µAh or nAh, 1/100 s, m°C, µΩ."""

    index: int
    kind: int
    step: int
    cycle: int
    voltage: int
    current: int
    charge: int
    discharge: int
    step_ticks: int
    ticks: int
    date: int = 20260301
    clock: int = 71949013
    code: int = 0
    temperature: int = 23125
    resistance: int = 0

    @property
    def milliwatt(self) -> int:
        """Power, truncated as the controller does."""
        return int(self.voltage * self.current / 1e9)


def make_run(cycles: int = 2, current: int = 1_200_000, seconds: int = 600, every: int = 60) -> list[Row]:
    """Return charge, rest and discharge of some cycles from 07:00:00.000 on, with counters that restart per step."""
    rows: list[Row] = []
    ticks = 0
    for cycle in range(1, cycles + 1):
        for step, (kind, sign) in enumerate(((1, 1), (3, 0), (2, -1)), start=1):
            for elapsed in range(0, seconds + 1, every):
                moved = current * elapsed // 3600
                now = ticks + elapsed * 100
                rows.append(
                    Row(
                        index=len(rows) + 1,
                        kind=kind,
                        step=step,
                        cycle=cycle,
                        voltage=3_700_000 + 1000 * step + elapsed,
                        current=sign * current,
                        charge=moved if sign > 0 else 0,
                        discharge=moved if sign < 0 else 0,
                        step_ticks=elapsed * 100,
                        ticks=now,
                        clock=clock_at(25_200_000 + now * 10),
                        code={1: 66, 2: 65, 3: 64}[kind] if elapsed == seconds else 0,
                    )
                )
            ticks += seconds * 100 + 100
    return rows


def clock_at(milliseconds: int) -> int:
    """Return a time of day as HHMMSSmmm, a number and so without leading zeros."""
    seconds, millisecond = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return ((hour * 100 + minute) * 100 + second) * 1000 + millisecond


def long_line(row: Row, width: int = 47) -> str:
    """Return a row of the long layout, 46 to 48 cells."""
    day, rest = divmod(row.ticks, 8_640_000)
    step_day, step_rest = divmod(row.step_ticks, 8_640_000)
    watt = abs(row.milliwatt)
    ways = (watt, 0) if row.current >= 0 else (0, watt)
    flag = 255 if row.kind == 3 else row.kind
    cells = [row.index, 2, row.kind, flag, 1, 0, row.code, row.step]
    cells += [row.voltage, row.current, row.charge, row.discharge, *ways, 0, 0]
    cells += [step_day, step_rest, day, rest, row.resistance, row.temperature, 0, 0, 0, 0, 0]
    cells += [row.cycle, 1, row.voltage, row.current, 0, 0, row.date, row.clock]
    cells += [0] * 9 + [row.step, row.voltage, row.voltage, 0]
    return ",".join(map(str, cells[:width])) + "\n"


def short_line(row: Row, width: int = 22) -> str:
    """Return a row of the short layout: 22 base cells and what builds append."""
    cells = [row.index, 1, row.kind, 2, 1, row.code, 0, row.step, row.voltage, row.current]
    cells += [row.charge + row.discharge, row.milliwatt, 0, row.step_ticks, row.ticks, row.resistance]
    cells += [row.temperature, 0, row.cycle, 1, row.voltage, row.current]
    return ",".join(map(str, [*cells, *[7] * (width - len(cells))])) + "\n"


def named_line(row: Row) -> str:
    """Return a row of the named layout, 60 cells."""
    day, rest = divmod(row.ticks, 8_640_000)
    step_day, step_rest = divmod(row.step_ticks, 8_640_000)
    cells = [row.index, day, rest, step_day, step_rest, 1, row.kind, 2, 1, row.code, 0, row.step, row.voltage]
    # This controller adds up what leaves the cell as a negative number.
    cells += [row.current, row.charge, -row.discharge, 0, row.milliwatt, 0, 0, row.resistance, *[0] * 6, row.cycle]
    cells += [1, *[0] * 10, row.voltage, row.current, 0, 0, row.date, row.clock, *[0] * 15]
    return ", ".join(map(str, cells)) + "\n"


def long_csv(rows: Sequence[Row], width: int = 47) -> bytes:
    """Return a SaveData file of the long layout."""
    return "".join(long_line(row, width) for row in rows).encode("cp949")


def short_csv(rows: Sequence[Row], width: int = 22) -> bytes:
    """Return a SaveData file of the short layout."""
    return "".join(short_line(row, width) for row in rows).encode("cp949")


def named_csv(rows: Sequence[Row]) -> bytes:
    """Return a SaveData file of the named layout."""
    return (HEADER + "".join(map(named_line, rows))).encode("cp949")


def ends_of(rows: Sequence[Row]) -> list[Row]:
    """Return the last row of each step, as SaveEndData holds them."""
    after = [*rows[1:], None]
    return [row for row, following in zip(rows, after, strict=True) if following is None or following.step_ticks == 0]


def cyc(
    rows: Sequence[Row], per_milliampere: float = 1e3, fields: Sequence[int] = (22, 1, 2, 6, 7, 26, 27, 12)
) -> bytes:
    """Return a .cyc with the same records in mV and mA."""
    head = bytearray(b"PNE CYC".ljust(0x1B0, b"\0"))
    struct.pack_into(f"<I{len(fields)}H", head, 0x148, len(fields), *fields)
    body = b""
    for row in rows:
        values = {
            1: row.voltage / 1e3,
            2: row.current / per_milliampere,
            6: row.step_ticks / 100,
            7: row.ticks / 100,
            12: row.temperature / 1e3,
            22: row.index,
            26: row.charge / per_milliampere,
            27: row.discharge / per_milliampere,
            43: 260301,
            44: row.clock,
        }
        body += struct.pack(f"<{len(fields)}f", *(values[field] for field in fields))
    return bytes(head) + body


def sch(currents: Mapping[int, tuple[int, float]], magic: int = 740721) -> bytes:
    """Return a schedule from step number to (type code, set current in mA)."""
    head = bytearray(1920)
    struct.pack_into("<III", head, 0, magic, 131077, 50)
    head[664:672] = b"aging 1C"
    body = b""
    for number, (kind, current) in currents.items():
        step = bytearray(652)
        struct.pack_into("<IiI", step, 0, number, 0, kind)
        struct.pack_into("<f", step, 20, current)
        body += bytes(step)
    return bytes(head) + body


def channel_folder(rows: Sequence[Row], unit: str | None = "uA", split: int = 20) -> dict[str, bytes]:
    """Return the files of a channel in the long layout, its records over two SaveData files."""
    base = "M01Ch003[003]/"
    files = {
        f"{base}Restore/ch03_SaveData0001.csv": long_csv(rows[:split]),
        f"{base}Restore/ch03_SaveData0002.csv": long_csv(rows[split:]),
        f"{base}Restore/ch03_SaveEndData.csv": long_csv(ends_of(rows)),
        f"{base}Restore/savingFileIndex_start.csv": b"fileIndex 1, resultIndex 1, open_year 26, open_month 3\n",
    }
    return files | ({f"{base}cellar.toml": f'unit = "{unit}"\n'.encode()} if unit else {})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of the files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in files.items():
            container.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def renumbered(rows: Sequence[Row], by: int) -> list[Row]:
    """Return the same records under later numbers, as a restart records them again."""
    return [replace(row, index=row.index + by) for row in rows]
