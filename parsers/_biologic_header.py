"""What the text headers of EC-Lab and BT-Lab say: the same lines open a .mpt export, a .mpl log and a .mps setting.

``label : value`` lines, English in every interface language; dates are month first. Redacted files hold ``xx/xx/xxxx``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import PureWindowsPath
from typing import Final

from parsers.contract import Fact, Source

# EC-Lab's number of the technique, first byte of the settings in a .mpr; those that the corpus confirms.
TECHNIQUE_CODES: Final = {
    4: "GCPL",
    11: "OCV",
    24: "CA",
    25: "CP",
    29: "PEIS",
    30: "GEIS",
    108: "LSV",
    118: "COC",
    127: "MB",
}
TECHNIQUE_NAMES: Final = {
    "Galvanostatic Cycling with Potential Limitation": "GCPL",
    "Open Circuit Voltage": "OCV",
    "Chronoamperometry / Chronocoulometry": "CA",
    "Chronopotentiometry": "CP",
    "Potentio Electrochemical Impedance Spectroscopy": "PEIS",
    "Galvano Electrochemical Impedance Spectroscopy": "GEIS",
    "Linear Sweep Voltammetry": "LSV",
    "Constant Current": "COC",
    "Modulo Bat": "MB",
    "Cyclic Voltammetry": "CV",
    "Cyclic Voltammetry Advanced": "CVA",
    "IR compensation (PEIS)": "ZIR",
}
LABELS: Final = {
    "User": "operator",
    "Comments": "comment",
    "Electrode material": "electrode_material",
    "Electrolyte": "electrolyte",
}
CHANNEL: Final = re.compile(r"^Run on channel : (\S+)(?: \(SN (\w+)\))?")
DEVICE: Final = re.compile(r"^Device : (\S+)(?: \(SN (\w+)\))?")
SOFTWARE: Final = re.compile(r"^(EC|BT)-LAB for windows v(\S+)", re.IGNORECASE)
STARTED: Final = re.compile(r"^(?:Acquisition|Technique) started on : (\S+ \S+)")
FILE: Final = re.compile(r"^\s+File : (.+)")
SETTINGS: Final = re.compile(r"^Loaded Setting File : (.+)")
CLOCKS: Final = ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S")
# Outside them a date is damage.
YEARS: Final = range(1990, 2100)
# Everything before the settings table of a header; lines further on belong to sequences.
LONGEST_HEADER: Final = 400
LONGEST_COMPANION: Final = 1 << 20


def header_facts(lines: Sequence[str]) -> dict[str, Fact]:
    """Return what the header says of itself, under the keys of ``Reading.about``."""
    facts: dict[str, Fact] = {}
    lines = lines[:LONGEST_HEADER]
    technique = next((TECHNIQUE_NAMES[line.strip()] for line in lines if line.strip() in TECHNIQUE_NAMES), None)
    if technique is not None:
        facts["technique"] = technique
    for line in lines:
        facts |= {key: value for key, value in _line_facts(line).items() if value and key not in facts}
    if "channel" in facts and "serial" in facts:
        facts["channel"] = f"{facts['serial']}-{facts['channel']}"
    return facts


def header_start(lines: Sequence[str]) -> datetime | None:
    """Return when the acquisition started, local time, which is when ``time/s`` was zero; None where it is not said."""
    for line in lines[:LONGEST_HEADER]:
        match = STARTED.match(line)
        started = parse_clock(match[1]) if match else None
        if started is not None:
            return started
    return None


def read_text_facts(source: Source) -> tuple[dict[str, Fact], datetime | None]:
    """Return facts and start of a companion, which is all header."""
    with source.path.open("rb") as file:
        lines = file.read(LONGEST_COMPANION).decode("cp1252", errors="replace").splitlines()
    return header_facts(lines), header_start(lines)


def parse_clock(text: str) -> datetime | None:
    """Read a month-first date with time; None for anything else."""
    plain = text.strip().replace(",", ".").replace("-", "/")
    day, _, hour = plain.partition(" ")
    for layout in CLOCKS:
        try:
            read = datetime.strptime(f"{day.replace('.', '/')} {hour}", layout)  # noqa: DTZ007 the file names no zone
        except ValueError:
            continue
        return read if read.year in YEARS else None
    return None


def file_label(path: str) -> str:
    """Return the name of a file on the instrument's computer, without folders and ending."""
    return PureWindowsPath(path.strip()).stem


def _line_facts(line: str) -> dict[str, str]:
    """Return the facts of one header line, empty values included."""
    if match := CHANNEL.match(line):
        return {"channel": match[1], "channel_serial": match[2] or ""}
    if match := DEVICE.match(line):
        return {"instrument": match[1], "serial": match[2] or ""}
    if match := SOFTWARE.match(line):
        return {"software": f"{match[1].upper()}-Lab {match[2]}"}
    if match := FILE.match(line):
        return {"test_name": file_label(match[1])}
    if match := SETTINGS.match(line):
        return {"schedule": "" if match[1].strip() == "NONE" else file_label(match[1])}
    label, separator, value = line.partition(" : ")
    return {LABELS[label]: value.strip()} if separator and label in LABELS else {}
