"""A bundle's metadata as JSON-LD: a schema.org Dataset with its files, variables and provenance.

Only terms of schema.org are used, under their own names; the variables carry the Battery Data Format's machine names.
Units are UN/CEFACT common codes where there is one, else the sign alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from portal.reports.cover import read_text
from portal.reports.facts import Facts
from warehouse.reports.issue import Issue
from warehouse.reports.site import Language
from warehouse.schema import CYCLES, MEASUREMENTS, SPECTRA

UNIT_CODES: Final = {
    "s": "SEC",
    "V": "VLT",
    "A": "AMP",
    "Ah": "AMH",
    "Wh": "WHR",
    "W": "WTT",
    "Ω": "OHM",
    "Hz": "HTZ",
    "°C": "CEL",
    "m²": "MTK",
    "d": "DAY",
}
MEDIA: Final = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}
DESCRIBED: Final = (MEASUREMENTS, SPECTRA, CYCLES)


def describe_bundle(
    facts: Facts, issue: Issue, language: Language, files: Mapping[str, bytes], columns: Sequence[str]
) -> dict[str, Any]:
    """Return the JSON-LD document.

    Args:
        facts: of the report.
        issue: its number and date.
        language: of the texts.
        files: what the bundle holds, by name.
        columns: names of all columns of its tables.
    """
    issued = datetime.fromtimestamp(issue.issued_unix_second, UTC).isoformat()
    document: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "identifier": issue.identity,
        "name": f"{issue.identity}: {facts.subject['name']}",
        "description": "Results of charge and discharge tests of all-solid-state cells, with the report of the tests.",
        "inLanguage": language,
        "version": str(issue.revision),
        "dateCreated": issued,
        "sourceOrganization": {"@type": "Organization", "name": facts.subject["firm_name"]},
        "measurementTechnique": f"recipe {facts.method['recipe']}, SHA-256 {facts.method['recipe_sha256']}",
        "about": [
            {"@type": "Product", "name": row["cell_id"], "category": "battery cell"} for row in facts.rows("items")
        ],
        "variableMeasured": _describe_columns(columns),
        "isBasedOn": [_describe_source(row) for row in facts.rows("sources")],
        "hasPart": [_describe_file(name, content) for name, content in files.items()],
    }
    # Left out where the site states none: an empty organisation would be a claim.
    laboratory = read_text(facts, "laboratory", language)
    if laboratory:
        document["creator"] = {"@type": "Organization", "name": laboratory}
    if span := _tell_span(facts):
        document["temporalCoverage"] = span
    return document


def _describe_columns(columns: Sequence[str]) -> list[dict[str, str]]:
    known = {column.name: column for table in DESCRIBED for column in table.columns}
    return [_describe_column(name, known[name].unit, known[name].description) for name in columns if name in known]


def _describe_column(name: str, unit: str, meaning: str) -> dict[str, str]:
    # Fractions and counts have no unit, and none is invented.
    told = {"@type": "PropertyValue", "name": name, "description": meaning}
    if unit:
        told["unitText"] = unit
    if unit in UNIT_CODES:
        told["unitCode"] = UNIT_CODES[unit]
    return told


def _describe_source(row: Mapping[str, Any]) -> dict[str, Any]:
    # A test taken in without a file name is still told apart by its own.
    told = {"@type": "MediaObject", "name": row["name"] or row["test_id"], "sha256": row["sha256"]}
    return told | ({"contentSize": f"{row['size']} B"} if row["size"] is not None else {})


def _describe_file(name: str, content: bytes) -> dict[str, str]:
    return {
        "@type": "DataDownload",
        "name": name,
        "contentUrl": name,
        "encodingFormat": MEDIA.get(name.rpartition(".")[2], "application/octet-stream"),
        "contentSize": f"{len(content)} B",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _tell_span(facts: Facts) -> str:
    """Return the dates of performance as an interval of ISO 8601."""
    tests = facts.tables["tests"]
    first, last = tests["first_unix_second"].drop_nulls().to_list(), tests["last_unix_second"].drop_nulls().to_list()
    # A file without a clock has no dates, and none is guessed from the day it was dropped.
    if not first or not last:
        return ""
    return "/".join(datetime.fromtimestamp(end, UTC).isoformat() for end in (min(first), max(last)))
