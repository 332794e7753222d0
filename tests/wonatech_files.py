"""WonATech's files, written from the documented layouts: .NET streams by Microsoft's specification, rows, sweeps.

The tables here are the writer's own: a mistake that reader and writer share would otherwise prove itself.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

LIBRARY = "WbcsFile, Version=1.0.3.0, Culture=neutral, PublicKeyToken=null"
YEAR_ONE = datetime(1, 1, 1)  # noqa: DTZ001 .NET's ticks count from here in local time
START = datetime(2026, 3, 4, 22, 47, 31)  # noqa: DTZ001 the instrument's own clock
COLUMNS = (
    ("DATE TIME", "Int64"),
    ("CHANNEL", "Int32"),
    ("TEST TIME", "Int64"),
    ("STEP TIME", "Int64"),
    ("CYCLE TIME", "Int64"),
    ("STEP INDEX", "Int32"),
    ("TOTAL STEP", "Int32"),
    ("CYCLE INDEX", "Int32"),
    ("RUN STATUS", "Byte"),
    ("RUNNING STATUS", "Byte"),
    ("CELL STATUS", "Byte"),
    ("I RANGE INDEX", "Int32"),
    ("I RANGE", "String"),
    ("VOLTAGE", "Double"),
    ("CURRENT", "Double"),
    ("CHARGE Q", "Double"),
    ("DISCHARGE Q", "Double"),
    ("CHARGE E", "Double"),
    ("DISCHARGE E", "Double"),
    ("AUX. VOLTAGE", "Double"),
    ("TEMPERATURE", "Double"),
    ("OCP", "Double"),
)
CODES = {"Int64": "q", "Int32": "i", "Byte": "B", "Double": "d", "Single": "f"}


@dataclass(frozen=True)
class Row:
    """One record: seconds, V, A, Ah, Wh, °C; ``control`` is 1 in constant current, 2 in constant voltage."""

    seconds: float
    step_seconds: float
    step: int
    total_step: int
    cycle: int
    status: int
    range_text: str
    voltage: float
    current: float
    charge: float = 0.0
    discharge: float = 0.0
    temperature: float = 0.0
    control: int = 1
    channel: int = 11

    @property
    def test_ticks(self) -> int:
        """Test time in 100 ns."""
        return round(self.seconds * 10_000_000)


def make_run(cycles: int = 2, current: float = 1.041e-3, points: int = 5) -> list[Row]:
    """Return rest, charge and discharge of some cycles, counted from 0, with a range that changes within the charge."""
    rows = []
    seconds, total = 0.0, 0
    for cycle in range(cycles):
        moved = current * (points - 1) * 30.5 / 3600
        for step, status in enumerate((1, 3, 4)):
            total += 1
            for point in range(points):
                sign = {1: 0, 3: 1, 4: -1}[status]
                done = current * point * 30.5 / 3600
                charge = 0.0 if status == 1 else done if status == 3 else moved
                text = {1: "1A", 3: "10mA" if point < 2 else "1mA", 4: "100µA"}[status]
                rows.append(
                    Row(
                        seconds=seconds + point * 30.5,
                        step_seconds=point * 30.5,
                        step=step,
                        total_step=total,
                        cycle=cycle,
                        status=status,
                        range_text=text,
                        voltage=3.5 + 0.01 * point,
                        current=sign * current,
                        charge=charge,
                        discharge=done if status == 4 else 0.0,
                        control={1: 0, 3: 1, 4: 2}[status],
                    )
                )
            seconds += points * 30.5
    return rows


def ticks(moment: datetime) -> int:
    """Return 100 ns since year 1."""
    return (moment - YEAR_ONE) // timedelta(microseconds=1) * 10


# --- .NET's binary format


class Net:
    """Writes one stream of MS-NRBF, record by record."""

    def __init__(self) -> None:
        self.data = bytearray(struct.pack("<Biiii", 0, 1, -1, 1, 0))
        self.data += struct.pack("<Bi", 12, 2) + text(LIBRARY)
        self.numbers = count(100)

    def end(self) -> bytes:
        """Return the stream with its end mark."""
        return bytes(self.data) + b"\x0b"

    def string(self, value: str | None) -> None:
        """Write a text as an object, or a null."""
        self.data += b"\x0a" if value is None else struct.pack("<Bi", 6, next(self.numbers)) + text(value)

    def reference(self, number: int) -> None:
        """Write a reference to an object that stands elsewhere."""
        self.data += struct.pack("<Bi", 9, number)

    def begin(self, number: int, name: str, members: Sequence[tuple[str, bytes]], *, system: bool = False) -> None:
        """Write a class's declaration: members with what names their type; their values follow."""
        self.data += struct.pack("<Bi", 4 if system else 5, number) + text(name) + struct.pack("<i", len(members))
        self.data += b"".join(text(member) for member, _ in members)
        self.data += b"".join(kind[:1] for _, kind in members) + b"".join(kind[1:] for _, kind in members)
        self.data += b"" if system else struct.pack("<i", 2)

    def again(self, number: int, like: int) -> None:
        """Write another object of a class that was declared."""
        self.data += struct.pack("<Bii", 1, number, like)


def text(value: str) -> bytes:
    """Return a text with its length before it, seven bits a byte."""
    raw = value.encode()
    length, head = len(raw), b""
    while length > 0x7F:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + raw


def backing(name: str) -> str:
    """Return the field behind a property."""
    return f"<{name}>k__BackingField"


BOOLEAN, INT32, INT64, UINT32, DATETIME, DOUBLE = (bytes([0, code]) for code in (1, 8, 9, 15, 13, 6))
STRING, OBJECTS = b"\x01", b"\x05"


def plain_class(name: str) -> bytes:
    """Return the type of a member that is an object of the library's class."""
    return b"\x04" + text(name) + struct.pack("<i", 2)


def system_class(name: str) -> bytes:
    """Return the type of a member that is an object of .NET's own class."""
    return b"\x03" + text(name)


def write_list(net: Net, number: int, items: Sequence[int], size: int | None = None) -> None:
    """Write a ``List<T>`` whose array is longer than the list, as .NET keeps it."""
    members = [("_items", OBJECTS), ("_size", INT32), ("_version", INT32)]
    net.begin(number, "System.Collections.Generic.List`1[[X]]", members, system=True)
    array = next(net.numbers)
    net.reference(array)
    net.data += struct.pack("<ii", len(items) if size is None else size, 3)
    net.data += struct.pack("<Bii", 16, array, len(items) + 4)
    for item in items:
        net.reference(item)
    net.data += b"\x0d\x04"


def write_schedule(net: Net, number: int, controls: Sequence[int]) -> None:
    """Write SeqDataSet → SeqDataList[0] → SchData → SchStepList, each step with its control type."""
    plan, data, steps, plans = (next(net.numbers) for _ in range(4))
    net.begin(number, "WbcsFile.Sequence.SeqDataSet", [(backing("SeqDataList"), system_class("List"))])
    net.reference(plans)
    write_list(net, plans, [plan])
    net.begin(plan, "WbcsFile.Sequence.SeqData", [(backing("SchData"), plain_class("WbcsFile.Sequence.SchData"))])
    net.reference(data)
    net.begin(data, "WbcsFile.Sequence.SchData", [(backing("SchStepList"), system_class("List"))])
    net.reference(steps)
    numbers = [next(net.numbers) for _ in controls]
    write_list(net, steps, numbers)
    for place, (step, control) in enumerate(zip(numbers, controls, strict=True)):
        if place:
            net.again(step, numbers[0])
        else:
            kind = plain_class("WbcsFile.Sequence.Control")
            net.begin(step, "WbcsFile.Sequence.SchStep", [(backing("Name"), STRING), (backing("Control"), kind)])
        net.string(f"{place}STEP")
        inner = next(net.numbers)
        kind = plain_class("WbcsFile.Sequence.eCtrlType")
        net.begin(inner, "WbcsFile.Sequence.Control", [(backing("Type"), kind), (backing("Value"), DOUBLE)])
        net.begin(next(net.numbers), "WbcsFile.Sequence.eCtrlType", [("value__", INT32)])
        net.data += struct.pack("<id", control, 1.041e-3)


def write_facts(
    net: Net, name: str, *, coulomb: Any, controls: Sequence[int], more: Sequence[tuple[str, bytes, bytes]]
) -> None:
    """Write the header that names the machine; ``more`` are members with type and bytes."""
    schedule = next(net.numbers)
    strings = {"Version": "1.3.0.0", "Model": "WBCS3000S1", "SerialNo": "W5K-1801020", "AppVer": "1.8.9.0"}
    strings |= {"FirmVer": "1.3.3.0", "FileName": "D:\\data\\셀 7.wrd"}
    members = [(backing(each), STRING) for each in strings]
    members += [(backing("UnitCoulomb"), BOOLEAN)] if coulomb is not None else []
    members += [(backing("BaseTick"), UINT32), (backing("StartTime"), DATETIME)]
    second = bool(more)
    members += [("_seqDataSet" if second else backing("SeqDataSet"), plain_class("WbcsFile.Sequence.SeqDataSet"))]
    members += [(member, kind) for member, kind, _ in more]
    net.begin(1, name, members)
    for value in strings.values():
        net.string(value)
    net.data += struct.pack("<?", coulomb) if coulomb is not None else b""
    net.data += struct.pack("<IQ", 50_000, ticks(START) | 2 << 62)
    net.reference(schedule)
    for _, _, value in more:
        net.data += value
    write_schedule(net, schedule, controls)


def write_columns(columns: Sequence[tuple[str, str]], units: dict[str, str], data_count: int) -> bytes:
    """Return the second stream of version 1: the columns with name, unit and .NET type."""
    net = Net()
    listed = next(net.numbers)
    members = [
        (backing("DataCount"), INT64),
        (backing("EndTime"), INT64),
        (backing("ColumnList"), system_class("List")),
    ]
    net.begin(1, "WbcsFile.Data.DataHeader", members)
    net.data += struct.pack("<qq", data_count, -1)
    net.reference(listed)
    numbers = [next(net.numbers) for _ in columns]
    types = {kind: next(net.numbers) for _, kind in columns}
    write_list(net, listed, numbers)
    for place, (number, (name, kind)) in enumerate(zip(numbers, columns, strict=True)):
        if place:
            net.again(number, numbers[0])
        else:
            fields = [(backing("Name"), STRING), (backing("Unit"), STRING), (backing("DataType"), system_class("Type"))]
            net.begin(number, "WbcsFile.Data.UnitDataInfor", fields)
        net.string(name)
        net.string(units.get(name))
        net.reference(types[kind])
    for kind, number in types.items():
        fields = [("Data", STRING), ("UnityType", INT32), ("AssemblyName", STRING)]
        net.begin(number, "System.UnitySerializationHolder", fields, system=True)
        net.string(f"System.{kind}")
        net.data += struct.pack("<i", 4)
        net.string("mscorlib")
    return net.end()


# --- the two versions of .wrd


def pack_row(row: Row, columns: Sequence[tuple[str, str]] = COLUMNS) -> bytes:
    """Return a row of version 1 in the order of the columns."""
    step_ticks = round(row.step_seconds * 10_000_000)
    values: dict[str, Any] = {
        "DATE TIME": ticks(START) + row.test_ticks,
        "CHANNEL": row.channel,
        "TEST TIME": row.test_ticks,
        "STEP TIME": step_ticks,
        "STEP INDEX": row.step,
        "TOTAL STEP": row.total_step,
        "CYCLE INDEX": row.cycle,
        "RUN STATUS": 5,
        "CELL STATUS": row.status,
        "I RANGE": row.range_text,
        "VOLTAGE": row.voltage,
        "CURRENT": row.current,
        "CHARGE Q": row.charge,
        "DISCHARGE Q": row.discharge,
        "CHARGE E": row.charge * 3.7,
        "DISCHARGE E": row.discharge * 3.7,
        "TEMPERATURE": row.temperature,
        "OCP": row.voltage,
    }
    packed = b""
    for name, kind in columns:
        value = values.get(name, 0)
        packed += text(str(value)) if kind == "String" else struct.pack(f"<{CODES[kind]}", value)
    return packed


def wrd(
    rows: Sequence[Row],
    *,
    coulomb: Any = False,
    controls: Sequence[int] = (7, 13, 0),
    columns: Sequence[tuple[str, str]] = COLUMNS,
    units: dict[str, str] | None = None,
    data_count: int = -1,
    root: str = "WbcsFile.Data.DataFileHeader",
) -> bytes:
    """Return a file of Smart Interface 1.x."""
    net = Net()
    write_facts(net, root, coulomb=coulomb, controls=controls, more=())
    declared = {"VOLTAGE": "V", "CURRENT": "A"} if units is None else units
    body = b"".join(pack_row(row, columns) for row in rows)
    return net.end() + write_columns(columns, declared, data_count) + body


def wrd_213(
    rows: Sequence[Row],
    *,
    version: str = "1.6.0.0",
    data_count: int | None = None,
    gap: int = 197,
    coulomb: Any = False,
    inner_root: str = "WbcsFile.Data.DataHeaderValues",
) -> bytes:
    """Return a file of Smart Interface 2.13: a packed header, unused bytes, rows of 128 bytes."""
    inner = Net()
    counted = struct.pack("<i", len(rows) if data_count is None else data_count)
    write_facts(inner, inner_root, coulomb=coulomb, controls=(7, 0, 1), more=[(backing("DataCount"), INT32, counted)])
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(inner.end()) + packer.flush()
    start = 0
    for _ in range(2):
        net = Net()
        members = [(backing("Version"), STRING), (backing("HeaderSize"), INT32), (backing("HeaderData"), b"\x07\x02")]
        net.begin(1, "WbcsFile.Data.DataHeaderBase", members)
        net.string(version)
        net.data += struct.pack("<i", start)
        net.data += struct.pack("<BiiB", 15, next(net.numbers), len(packed), 2) + packed
        head = net.end() + bytes(gap)
        start = len(head)
    return head + b"".join(pack_213(row) for row in rows)


def pack_213(row: Row) -> bytes:
    """Return a row of Smart Interface 2.13."""
    packed = bytearray(128)
    struct.pack_into("<i", packed, 0, row.channel)
    struct.pack_into("<qqq", packed, 4, row.test_ticks, round(row.step_seconds * 1e7), row.test_ticks)
    struct.pack_into("<iii", packed, 28, row.step, row.total_step, row.cycle)
    struct.pack_into("BBBB", packed, 40, 5, 99, row.status, row.control)
    values = (row.voltage, row.current, row.charge, row.discharge, row.charge * 3.7, row.discharge * 3.7)
    struct.pack_into("<6d", packed, 44, *values)
    struct.pack_into("<ddd", packed, 92, 0.0, row.temperature, row.voltage)
    packed[116:128] = b"\xab" * 12
    return bytes(packed)


# --- impedance and exports


@dataclass(frozen=True)
class Point:
    """One point of a spectrum: Hz, Ω, Ω."""

    frequency: float
    real: float
    imaginary: float


def make_sweep(points: int = 31, first: float = 1e5, per_decade: int = 10) -> list[Point]:
    """Return a resistor with a resistor and a capacitor beside it, from the highest frequency down."""
    swept = []
    for number in range(points):
        frequency = first * 10 ** (-number / per_decade)
        turn = 2 * 3.141592653589793 * frequency * 100.0 * 1e-6
        swept.append(Point(frequency, 20 + 100 / (1 + turn**2), -100 * turn / (1 + turn**2)))
    return swept


def sde(points: Sequence[Point], start: int = 137, tail: bytes = b"") -> bytes:
    """Return an .sde or .seo: a header, records of 112 bytes, perhaps something behind them."""
    head = b"ZIVE SM EIS ".ljust(start, b"\x07")[:start]
    body = b""
    for point in points:
        record = bytearray(b"\x01\x02\x03\x04" * 28)
        struct.pack_into("<f", record, 0, point.frequency)
        struct.pack_into("<ff", record, 28, point.real, point.imaginary)
        body += bytes(record)
    return head + body + tail


CAPACITY_CSV = "Cycle,Q_Ch/M [mAh/g],Q_Dis/M [mAh/g]\r\n1,201.5,180.25\r\n2,181.0,179.9\r\n".encode("cp949")
PROFILE_CSV = "1st Ch,,,1st Dis,,\r\nV [V],Q [mAh],Q/M [mAh/g],V [V],Q [mAh],Q/M [mAh/g]\r\n3.1,0,0,4.2,0,0\r\n".encode(
    "cp949"
)
