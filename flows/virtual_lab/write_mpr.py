"""BioLogic EC-Lab, binary ``.mpr`` of a GCPL run: a writer for the virtual lab.

A magic of 52 bytes, then modules; each is ``MODULE`` and a header (short name, long name, length, version, date)
before its body: VMP Set (technique, comment), VMP data (version 3: count, column ids, zeros up to byte 406, records),
VMP LOG (channel, serial numbers, paths, addresses, versions, start as OLE date). The columns are those of a plain
GCPL: there is no current, only the charge since the previous record. One record at open circuit (``Ns`` 0) comes
first; then ``Ns`` is odd for charges and even for discharges, a pair for each block of the schedule. The first record
of a step follows its start by 20 ms.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flows.virtual_lab.cell import CHARGE_CC, CHARGE_CV, DISCHARGE_CC, LOWER_VOLT, REST_CHARGED, UPPER_VOLT
from flows.virtual_lab.layout import Layout, Run
from flows.virtual_lab.trace import Trace

MAGIC: Final = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + bytes(4)
MODULE: Final = struct.Struct("<6s10s25sII8s")

FLAG_IDS: Final = (1, 2, 3, 21, 31, 65)
# Column id, name in the text export, type; the flags share one byte before them.
COLUMNS: Final = (
    (131, "Ns", "<u2"),
    (4, "time/s", "<f8"),
    (7, "dq/mA.h", "<f8"),
    (13, "(Q-Qo)/mA.h", "<f8"),
    (5, "control/V/mA", "<f4"),
    (6, "Ewe/V", "<f4"),
    (39, "I Range", "<u2"),
    (467, "Q charge/discharge/mA.h", "<f8"),
    (468, "half cycle", "<u4"),
)
RECORD: Final = np.dtype([("flags", "u1"), *((name, kind) for _, name, kind in COLUMNS)])
DATA_VERSION: Final = 3
DATA_PREFIX: Final = 406
LEADING: Final = 1
DELAY: Final = 0.02
# A mean current lags by half an interval: the hold needs short ones to be drawn and integrated well.
HOLD: Final = 8

# Flag byte: mode in the two lowest bits.
MODES: Final = np.array([1, 2, 3, 1, 3], dtype=np.uint8)
OXIDATION, CONTROL_CHANGE, NS_CHANGE, COUNTER_CHANGE = 0x04, 0x10, 0x20, 0x80

# Code of the smallest range that holds a current: up to 10 µA, up to 100 µA, 1 mA.
RANGE_LIMITS_MA: Final = (0.01, 0.1)
RANGE_CODES: Final = np.array([14, 13, 12], dtype=np.uint16)

TECHNIQUE_GCPL: Final = 4
SETTINGS_BYTES: Final = 6833
LOG_BYTES: Final = 8189
OLE_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 OLE dates are local
SOFTWARE: Final = "11.61"
# Channel boards have serial numbers of their own.
CHANNEL_SERIAL: Final = 20000
CHANNELS: Final = 16
# Places in the body of the LOG module; the texts carry their length in front.
LOG_CHANNEL: Final = 0x0009
LOG_CHANNEL_SERIAL: Final = 0x00AB
LOG_RANGE: Final = 0x01F8
LOG_START: Final = 0x0249
LOG_TEXTS: Final = (0x0251, 0x0351, 0x0384, 0x03B7, 0x03BE, 0x03C5, 0x03CF)
# Addresses from the block that is reserved for documentation.
HOST, DEVICE_ADDRESS = "192.0.2.1", "192.0.2.2"
SAFETY_RANGE_VOLT: Final = (-2.5, 5.0)
MILLI: Final = 1e3


def write(path: Path, run: Run, traces: Iterator[Trace]) -> None:
    """Write a run as the instrument's program stores it."""
    # The log's date is the day of the last entry; readers take the start from its body.
    ended = run.local_start + timedelta(seconds=run.seconds)
    ids = (*FLAG_IDS, *(number for number, _, _ in COLUMNS))
    prefix = struct.pack(f"<IB{len(ids)}H", run.rows, len(ids), *ids).ljust(DATA_PREFIX, b"\x00")
    with path.open("wb") as file:
        file.write(MAGIC + _module("VMP Set", "VMP settings", _settings(run), run.local_start))
        length = len(prefix) + run.rows * RECORD.itemsize
        file.write(_header("VMP data", "VMP data", length, run.local_start, DATA_VERSION) + prefix)
        file.write(open_circuit().data)
        for trace in traces:
            file.write(records(trace).data)
        file.write(_module("VMP LOG", "VMP LOG", _log(path, run), ended))


def device_serial(run: Run) -> str:
    """Return the serial number of the device."""
    return f"{run.instrument:04d}"


def channel_serial(run: Run) -> int:
    """Return the serial number of the channel's board."""
    return CHANNEL_SERIAL + CHANNELS * (run.instrument - 1) + run.channel


def open_circuit() -> NDArray[np.void]:
    """Return the record that comes before everything: the fresh cell at rest."""
    table = np.zeros(LEADING, dtype=RECORD)
    table["flags"] = MODES[REST_CHARGED] | OXIDATION
    table["Ewe/V"] = LOWER_VOLT
    table["I Range"] = RANGE_CODES[0]
    return table


def records(trace: Trace) -> NDArray[np.void]:
    """Return the records of some cycles, in file units."""
    table = np.zeros(trace.rows, dtype=RECORD)
    half_charge = np.where(trace.kind < DISCHARGE_CC, trace.charged, -trace.discharged) * MILLI
    net = (trace.net_before[:, None] + trace.charged - trace.discharged) * MILLI
    values: dict[str, NDArray[Any]] = {
        "flags": _flags(trace),
        "Ns": 2 * trace.block[:, None] + 1 + (trace.kind >= DISCHARGE_CC),
        "time/s": trace.time,
        "dq/mA.h": np.diff(net.ravel(), prepend=trace.net_before[0] * MILLI),
        "(Q-Qo)/mA.h": net,
        "control/V/mA": _control(trace),
        "Ewe/V": trace.voltage,
        "I Range": RANGE_CODES[np.digitize(np.abs(trace.current) * MILLI, RANGE_LIMITS_MA, right=True)],
        "Q charge/discharge/mA.h": half_charge,
        "half cycle": 2 * (trace.cycle[:, None] - 1) + (trace.kind >= DISCHARGE_CC),
    }
    for name, column in values.items():
        table[name] = column.ravel()
    return table


def _flags(trace: Trace) -> NDArray[np.uint8]:
    in_cycle = MODES[trace.kind] | np.where(trace.kind < DISCHARGE_CC, OXIDATION, 0)
    in_cycle |= np.where(trace.first, CONTROL_CHANGE, 0)
    in_cycle |= np.where(trace.first & np.isin(trace.kind, (CHARGE_CC, DISCHARGE_CC)), NS_CHANGE, 0)
    counter = np.where(trace.cycle % 2 == 0, COUNTER_CHANGE, 0)
    return (in_cycle[None, :] | counter[:, None]).astype(np.uint8)


def _control(trace: Trace) -> NDArray[np.float64]:
    """Return the set value: mA where current is controlled, V where voltage is, 0 at rest."""
    direction = (trace.kind == CHARGE_CC).astype(np.float64) - (trace.kind == DISCHARGE_CC)
    held = UPPER_VOLT * (trace.kind == CHARGE_CV)
    control: NDArray[np.float64] = trace.set_current[:, None] * MILLI * direction + held
    return control


def _module(short: str, long: str, body: bytes, date: datetime) -> bytes:
    return _header(short, long, len(body), date, 0) + body


def _header(short: str, long: str, length: int, date: datetime, version: int) -> bytes:
    names = (short.encode("ascii").ljust(10), long.encode("ascii").ljust(25))
    return MODULE.pack(b"MODULE", *names, length, version, f"{date:%m/%d/%y}".encode("ascii"))


def _settings(run: Run) -> bytes:
    comment = _pascal(run.cell_id)
    # The bytes between technique and comment are as in GCPL files seen, which differ in one; what they mean is unknown.
    return (struct.pack("<BBBBBBB", TECHNIQUE_GCPL, 0, 8, 75, 3, 0, 0) + comment).ljust(SETTINGS_BYTES, b"\x00")


def _log(path: Path, run: Run) -> bytes:
    body = bytearray(LOG_BYTES)
    body[LOG_CHANNEL] = run.channel - 1
    struct.pack_into("<H", body, LOG_CHANNEL_SERIAL, channel_serial(run))
    struct.pack_into("<2f", body, LOG_RANGE, *SAFETY_RANGE_VOLT)
    struct.pack_into("<d", body, LOG_START, (run.local_start - OLE_EPOCH) / timedelta(days=1))
    texts = (f"C:\\Data\\{path.name}", HOST, DEVICE_ADDRESS, SOFTWARE, SOFTWARE, SOFTWARE, device_serial(run))
    for place, content in zip(LOG_TEXTS, texts, strict=True):
        stored = _pascal(content)
        body[place : place + len(stored)] = stored
    return bytes(body)


def _pascal(content: str) -> bytes:
    encoded = content.encode("cp1252")
    return bytes([len(encoded)]) + encoded


# Single precision near 4 V.
QUANTUM: Final = {"ampere": 0.0, "volt": 2.4e-7, "second": 0.0, "ampere_hour": 0.0}
LAYOUT: Final = Layout("biologic_mpr", ".mpr", QUANTUM, write, DELAY, HOLD, LEADING, mean_current=True)
