"""One small whole file of every format and dialect: what damage is done to in the mutation runs.

Real files where the corpus has small ones, the beginnings of larger ones where a beginning is a valid file, and files
of the writers here for formats of which no real file is public.
"""

from __future__ import annotations

import io
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import neware_files
import pne_files
import polars as pl
import toyo_files
import wonatech_files
import xlsxwriter
from corpus_files import cases, corpus_folder
from res_files import OVERVIEW, RECORDS, Made, make_database

import parsers
from warehouse.errors import QuarantineError

# A beginning that is read: the shortest of these, since headers differ in length.
BEGINNINGS: Final = (6 * 1024, 12 * 1024, 24 * 1024, 40 * 1024)
# Beyond its first pages a workbook or a database is whole or nothing.
WHOLE_BYTES: Final = 32 * 1024
WHOLE_ENDINGS: Final = frozenset({".res", ".xlsx", ".zip", ".ndax", ".ndc"})
MOST_OF_A_FORMAT: Final = 6
PNE: Final = {"cycler": "PNE", "current_unit": "uA"}
DESCRIBED: Final = """\
[[table]]
name = "plain"
delimiter = ";"
decimal = ","
[table.columns]
"t" = { to = "test_time_second", unit = "s" }
"V" = { to = "voltage_volt", unit = "mV" }
"I" = { to = "current_ampere", unit = "uA", sign = -1 }
"Status" = { to = "step_type" }
[table.states]
"CHA" = "charge"
"""
DESCRIBED_FILE: Final = b"Lab 7\r\n\r\nt;V;I;Status\r\n0,0;3700,1;-10,5;CHA\r\n1,5;3600,1;-10,5;CHA\r\n"
NOVA: Final = "Index;Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°);Time (s)\n1;1000;13,5;0,5;13,509;2,12;1,5\n"
NOVA_RUN: Final = "Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V);Index\n3.5;0;1e-6;3.4;1\n"
PAR: Final = (
    "<Application>\nName=VersaStudio\nVersion=2.60\n</Application>\n<Segment1>\nType=4\n"
    "Definition=Segment #, Point #, E(V), I(A), Elapsed Time(s), Frequency(Hz), Z Real, Z Imag\n"
    "0,0,3.5,0.1,1.0,0,0,0\n1,0,3.5,0.001,2.0,1000,10.5,-0.5\n</Segment1>\n"
)
DIGATRON: Final = (
    "Program:,cycle life\nTime Stamp,Step,Status,Prog Time,Step Time,Cycle,Cycle Level,Procedure,Voltage,Current,"
    "Temperature,AhAccu,\n,,,,,,,,[V],[mA],[C],[Ah],\n"
    "10/19/2018 4:06:37 PM,1,CHA,00:00:00,00:00:00,0,0,p,4.1,10,24.9,0,\n"
    "10/19/2018 4:06:38 PM,2,DCH,00:00:01,00:00:00,0,0,p,4.0,-10,24.9,-0.001,\n"
)
DIGATRON_GERMAN: Final = (
    "Zeitstempel\tSchritt\tStatus\tProgrammdauer\tSchrittdauer\tZyklus\tSpannung\tStrom\tAhAkku\n"
    "\t\t\t\t\t\t[V]\t[A]\t[Ah]\n19.10.2018 16:06:37\t1\tLAD\t00:00:00\t00:00:00\t0\t4.1\t0.5\t0\n"
)
NEWARE_SHEET: Final = (
    "DataPoint,Cycle Index,Step Index,Step Type,Time,Total Time,Current(µA),Voltage(mV),Capacity(mAs),Date",
    "1,1,1,Rest,0:00:00,0:00:00,0,3700.1,0,2024-04-30 10:00:00",
    "2,1,2,CC Chg,0:00:01,0:00:01,10.5,3701.2,0.01,2024-04-30 10:00:01",
    "3,1,2,CC Chg,0:00:02,0:00:02,10.5,3702.2,0.02,2024-04-30 10:00:02",
)
NEWARE_LAYERS: Final = (
    "Cycle Index,Chg. Cap.(Ah),DChg. Cap.(Ah)\n,Step Index,Step Number,Step Type,Step Time\n"
    ",,DataPoint,Time,Total Time,Current(A),Voltage(V),Capacity(Ah),Date\n1,0.5,0.4,1,1,Rest,0:00:01\n"
    ",,1,0:00:00,0:00:00,0.0,3.7,0.0,2026-03-06 12:37:25\n,2,2,CC Chg,0:00:01\n"
    ",,2,0:00:00,0:00:01,0.0105,3.8,0.0,2026-03-06 12:37:26\n2,0.0,0.4\n,3,3,CC DChg,0:00:01\n"
    ",,3,0:00:00,0:00:02,-0.0105,3.8,0.4,2026-03-06 12:37:28\n"
)
LANDT_SHEET: Final = (
    "Record,TestTime/Sec,StepTime/Sec,Current/uA,Voltage/V,Cycle-Index,Step-Index,Step-State",
    "1,0,0,0,3.1,1,1,R",
    "2,60,0,250,3.2,1,2,CVC",
)


@dataclass(frozen=True)
class Seed:
    """A file to damage: a label, the format that claims it, its bytes, and what the site says."""

    label: str
    format: str
    content: bytes
    profile: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[parsers.Description, ...] = ()


def find_seeds() -> list[Seed]:
    """Return all seeds in a fixed order; without a corpus those that are made here."""
    return [*_real_seeds(), *_made_seeds()]


def _real_seeds() -> Iterator[Seed]:
    taken: dict[str, int] = {}
    folder = corpus_folder()
    found = [(case, folder / case.file) for case in cases() if case.format and not case.error]
    for case, path in sorted(
        (one for one in found if one[1].is_file()), key=lambda one: (one[1].stat().st_size, one[0].file)
    ):
        whole = path.suffix in WHOLE_ENDINGS
        if taken.get(case.format, 0) >= MOST_OF_A_FORMAT or (whole and path.stat().st_size > WHOLE_BYTES):
            continue
        content = path.read_bytes() if whole else _beginning(path)
        if content is not None:
            taken[case.format] = taken.get(case.format, 0) + 1
            yield Seed(case.file, case.format, content)


def _beginning(path: Path) -> bytes | None:
    """Return the shortest beginning that is read, or None."""
    for size in BEGINNINGS:
        with path.open("rb") as file:
            content = file.read(size)
        with suppress(QuarantineError), tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "part").write_bytes(content)
            if parsers.read(Path(folder) / "part").kind != "empty" or path.stat().st_size <= size:
                return content
    return None


def _made_seeds() -> Iterator[Seed]:
    made = {**_pne(), **_toyo(), **_wonatech(), **_tables()}
    for label, content in made.items():
        yield Seed(f"made/{label}", label.partition("-")[0], content, PNE if label.startswith("pne") else {})
    tables = tuple(parsers.make_description(entry) for entry in tomllib.loads(DESCRIBED)["table"])
    yield Seed("made/described", tables[0].format_name, DESCRIBED_FILE, tables=tables)


def _pne() -> dict[str, bytes]:
    rows = pne_files.make_run(1, every=120)
    return {
        "pne_csv-long": pne_files.long_csv(rows),
        "pne_csv-short": pne_files.short_csv(rows),
        "pne_csv-named": pne_files.named_csv(rows),
        "pne_cyc": pne_files.cyc(rows),
        "pne_companion": pne_files.sch({1: (257, 1.2)}),
        "pne_restore": pne_files.zipped(pne_files.channel_folder(rows, split=9)),
    }


def _toyo() -> dict[str, bytes]:
    rows = toyo_files.make_run(1)
    return {
        "toyo_raw-english": toyo_files.six_digits(rows),
        "toyo_raw-japanese": toyo_files.japanese_six_digits(rows),
        "toyo_renzoku": toyo_files.renzoku(rows),
        "toyo_channel": pne_files.zipped(toyo_files.channel_folder(rows)),
        "toyo_companion": toyo_files.capacity_log(toyo_files.charges_of(rows)),
    }


def _wonatech() -> dict[str, bytes]:
    rows = wonatech_files.make_run(1)
    return {
        "wonatech_wrd-1": wonatech_files.wrd(rows),
        "wonatech_wrd-213": wonatech_files.wrd_213(rows),
        "wonatech_eis": wonatech_files.sde(wonatech_files.make_sweep()),
        "wonatech_csv": "Cycle,Q_Ch/M [mAh/g],Q_Dis/M [mAh/g]\n1,150.2,149.1\n2,150.0,148.9\n".encode("cp949"),
    }


def _tables() -> dict[str, bytes]:
    records = [(1, row, row * 10.0, row * 10.0, 45000.5, 1, 1, 1e-3, 3.7, 1e-5, 0.01) for row in range(1, 6)]
    overview = [(1, "cell 1", 3, 45000.5, "SN 1")]
    return {
        "arbin_res": make_database(
            {"Channel_Normal_Table": Made(RECORDS, records), "Global_Table": Made(OVERVIEW, overview)}
        ),
        "neware_nda": neware_files.nda(),
        "neware_ndc": neware_files.main_part([(3.7, 0.0), (3.71, 5e-5)]),
        "neware_ndax": _through(neware_files.ndax),
        "neware_layers": NEWARE_LAYERS.encode(),
        "neware_xlsx": _workbook("record", NEWARE_SHEET),
        "landt_xlsx": _workbook("Record-Tab", LANDT_SHEET),
        "bdf_parquet": _through(_table().write_parquet),
        "bdf_csv": _table().write_csv().encode(),
        "autolab_nova-eis": NOVA.encode(),
        "autolab_nova-run": NOVA_RUN.encode(),
        "versastudio_par": PAR.encode(),
        "digatron_csv": DIGATRON.encode(),
        "digatron_csv-german": DIGATRON_GERMAN.encode(),
    }


def _table() -> pl.DataFrame:
    return pl.DataFrame({"Test Time / ms": [0, 1500], "Voltage / V": [3.7, 3.8], "Current / mA": [1.0, -2.0]})


def _workbook(name: str, rows: Sequence[str]) -> bytes:
    """Return a workbook with one sheet; what looks like a number is one."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_numbers": True}) as book:
        sheet = book.add_worksheet(name)
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row.split(","))
    return target.getvalue()


def _through(write: Callable[[Path], object]) -> bytes:
    """Return what is written into a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        write(path)
        return path.read_bytes()
