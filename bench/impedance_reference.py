"""Write ``tests/corpus/impedance_reference.toml``: the corpus' spectra as impedance.py fits them.

It fits the circuit that Cellar chose, from Cellar's parameters thrown off by a third either way, by its own model,
its own numerical derivatives and its own covariance. It is no dependency of ours (docs/decisions/0008): run this in an
environment of its own that has it, pandas (which it imports without asking for) and Cellar::

    python bench/impedance_reference.py CORPUS
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from impedance.models.circuits import CustomCircuit

import parsers
from warehouse.impedance.checks import check_spectrum
from warehouse.impedance.fits import Fit, choose_fit
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.spectrum import Spectrum, read_spectrum

TARGET: Final = Path(__file__).parents[1] / "tests" / "corpus" / "impedance_reference.toml"
ROUNDS: Final = 12
FILES: Final = (
    "biologic_mpr/jdhuang-csm-hybrid-drt__PEIS_LPSCl_IonBlocking_-25C.mpr",
    "biologic_mpr/jdhuang-csm-hybrid-drt__hist__PEIS_TSeq2_25C_#60_C01.mpr",
    "biologic_mpr/jdhuang-csm-hybrid-drt__hist__PEIS_TSeq3_15C_#56_C01.mpr",
    "biologic_mpr/jdhuang-csm-hybrid-drt__hist__PEIS_TSeq4_5C_#58_C01.mpr",
    "biologic_mpr/jdhuang-csm-hybrid-drt__hist__PEIS_TSeq5_-5C_#58_C01.mpr",
    "biologic_mpr/jdhuang-csm-hybrid-drt__hist__PEIS_TSeq6_-15C_#56_C01.mpr",
    "biologic_mpr/EmpaEconversion-aurora-cycler-manager__PEIS.mpr",
    "biologic_mpr/battery-data-alliance-battery-data-format__PEIS-0.mpr",
)
HEAD: Final = (
    "# Written by bench/impedance_reference.py with impedance.py 1.7.1; SI units; errors are one standard error.\n"
)


def main(corpus: Path) -> None:
    """Fit every spectrum that Cellar fits, and write what came out."""
    warnings.simplefilter("ignore")
    entries = [entry for name in FILES for entry in fit_file(corpus, name)]
    TARGET.write_text(HEAD + "".join(entries), encoding="utf-8")
    print(f"{len(entries)} spectra")


def fit_file(corpus: Path, name: str) -> list[str]:
    """Return an entry for each spectrum of a file that Cellar fits."""
    recipe, entries = ImpedanceRecipe(), []
    for (index,), rows in parsers.read(corpus / name).spectra.group_by(["spectrum_index"], maintain_order=True):
        spectrum = read_spectrum(rows)
        check = check_spectrum(spectrum, recipe)
        used = spectrum.keep(check.used)
        fit = None if check.reason else choose_fit(used, recipe)
        if fit is not None and fit.misfit <= recipe.misfit:
            entries.append(fit_again(f'\n[[spectrum]]\nfile = "{name}"\nspectrum_index = {index}\n', used, fit))
    return entries


def fit_again(head: str, spectrum: Spectrum, fit: Fit) -> str:
    """Fit a spectrum with impedance.py."""
    arcs = [f"p(R{number},CPE{number})" for number in range(1, fit.circuit.arcs + 1)]
    text = "-".join(["R0", *arcs, *(["CPE9"] if fit.circuit.tail else [])])
    start = np.array(starting_values(fit))
    start[::2] *= 1.3
    start[1::2] *= 0.8
    guess = np.where(_exponents(fit), np.clip(start, 0.35, 0.95), start).tolist()
    # It stops early where parameters span ten decades, so it is asked again from where it stopped.
    for _ in range(ROUNDS):
        circuit = CustomCircuit(text, initial_guess=guess)
        circuit.fit(spectrum.frequency, spectrum.impedance, weight_by_modulus=True, x_scale=np.abs(guess))
        guess = circuit.parameters_.tolist()
    again = circuit.predict(spectrum.frequency)
    misfit = np.sqrt(np.mean(np.abs((again - spectrum.impedance) / spectrum.impedance) ** 2))
    names = ["R0", *(f"{letter}{number}" for number in range(1, fit.circuit.arcs + 1) for letter in "RQn")]
    names += ["Q", "m"] if fit.circuit.tail else []
    lines = [f'circuit = "{fit.circuit}"', f"misfit = {misfit:.6g}"]
    pairs = zip(names, circuit.parameters_, circuit.conf_, strict=True)
    lines += [f"{key} = [{value:.8g}, {error:.4g}]" for key, value, error in pairs]
    return head + "\n".join(lines) + "\n"


def starting_values(fit: Fit) -> list[float]:
    """Return Cellar's parameters in impedance.py's order: R0, then R, Q and n of each arc, then Q and n of the tail."""
    values = fit.values
    found = [max(values["R0"] * fit.scale.smallest, 1e-3)]
    for number in range(1, fit.circuit.arcs + 1):
        resistance, time, exponent = np.exp(values[f"R{number}"]), np.exp(values[f"t{number}"]), values[f"n{number}"]
        found += [resistance, time**exponent / resistance, exponent]
    if fit.circuit.tail:
        found += [1 / (np.exp(values["A"]) * np.exp(fit.scale.log_lowest) ** values["m"]), values["m"]]
    return found


def _exponents(fit: Fit) -> list[bool]:
    tail = [False, True] if fit.circuit.tail else []
    return [False, *([False, False, True] * fit.circuit.arcs), *tail]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
