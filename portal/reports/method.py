"""The in-house methods by identity and version, and the software behind a report."""

from __future__ import annotations

import hashlib
import zlib
from functools import cache
from importlib import metadata, resources
from typing import Final

from portal.reports.marks import N_
from warehouse.recipe import Recipe
from warehouse.warned import CATALOGUE

# Table of results to method: identity, issue, title. An issue counts up whenever the method would give other figures.
METHODS: Final = {
    "cycles": ("CTM-01", 1, N_("Capacity, efficiency and fade by charge and discharge cycling")),
    "rate": ("CTM-02", 1, N_("Rate capability")),
    "resistance": ("CTM-03", 1, N_("Direct-current resistance at current edges")),
    "pulses": ("CTM-04", 1, N_("Pulse discharge")),
    "impedance": ("CTM-05", 1, N_("Electrochemical impedance spectroscopy with equivalent circuits")),
}
# Libraries that write a document or the numbers in it: another version may write other bytes.
PACKAGES: Final = ("cellar", "typst", "xlsxwriter", "polars", "pyarrow", "koreanize-matplotlib", "tzdata")
# What a document's bytes depend on besides the facts.
SOURCES: Final = (
    ("reports", ".py"),
    ("templates/report", ".typ"),
    ("locale/ko", "report.po"),
    ("locale/en", "report.po"),
)


def describe_method(recipe: Recipe) -> dict[str, str]:
    """Return the recipe, and everything that a report's bytes depend on besides its facts."""
    return {"recipe": recipe.label, "recipe_sha256": recipe.sha256, **_describe_software()}


@cache
def _describe_software() -> dict[str, str]:
    versions = {name: _find_version(name) for name in PACKAGES}
    return {**versions, "zlib": zlib.ZLIB_RUNTIME_VERSION, "layout": _hash_layout()}


def _find_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _hash_layout() -> str:
    """Return the hash of templates, words and code that lay a report out."""
    digest = hashlib.sha256()
    for folder, ending in SOURCES:
        files = sorted((resources.files("portal") / folder).iterdir(), key=lambda file: file.name)
        for file in files:
            if file.name.endswith(ending):
                digest.update(file.read_bytes())
    # Readers' warnings stand in a Korean report as well.
    digest.update((resources.files("warehouse") / CATALOGUE).read_bytes())
    return digest.hexdigest()[:16]
