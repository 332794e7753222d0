"""Write ``tests/corpus/impedance_reference.toml``: the corpus' spectra as impedance.py fits them.

Its own model, its own numerical derivatives, its own covariance. It is no dependency of ours (docs/decisions/0010): run
this in an environment of its own that has it, pandas (which it imports without asking for) and Cellar::

    python -m bench.impedance_reference CORPUS

Cells are fitted with the circuit that Cellar chose, from Cellar's parameters thrown off by a fifth to a third. Cells
with blocking electrodes span ten decades of |Z|, over which impedance.py stops anywhere; it gets their upper decades
and a circuit of its own, begun at what a person would read off the plot.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from impedance.models.circuits import CustomCircuit

import parsers
from warehouse.arrays import Doubles
from warehouse.impedance.checks import check_spectrum
from warehouse.impedance.fits import Fit, choose_fit
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.spectrum import Spectrum, read_spectrum

TARGET: Final = Path(__file__).parents[1] / "tests" / "corpus" / "impedance_reference.toml"
CELLS: Final = (
    ("EmpaEconversion-aurora-cycler-manager__PEIS.mpr", 2),
    ("EmpaEconversion-aurora-cycler-manager__PEIS.mpr", 3),
    ("battery-data-alliance-battery-data-format__PEIS-0.mpr", 1),
)
BLOCKING: Final = (
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq2_25C_#60_C01.mpr",
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq3_15C_#56_C01.mpr",
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq4_5C_#58_C01.mpr",
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq5_-5C_#58_C01.mpr",
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq6_-15C_#56_C01.mpr",
    "jdhuang-csm-hybrid-drt__PEIS_LPSCl_IonBlocking_-25C.mpr",
)
UPPER_HERTZ: Final = 1e3
HEAD: Final = (
    "# Written by bench/impedance_reference.py with impedance.py 1.7.1; each figure with its standard error.\n"
    "# whole: the circuit that Cellar chose, over the whole band; else R0-(R1|Q1)-Q from 1 kHz up.\n"
)


def main(corpus: Path) -> None:
    """Fit every spectrum, and write what came out."""
    warnings.simplefilter("ignore")
    folder = corpus / "biologic_mpr"
    entries = [refit_cell(folder, name, index) for name, index in CELLS]
    entries += [fit_blocking(folder, name) for name in BLOCKING]
    TARGET.write_text(HEAD + "".join(entries), encoding="utf-8")


def refit_cell(folder: Path, name: str, index: int) -> str:
    """Return the entry of a cell's spectrum."""
    spectrum = read_one(folder / name, index)
    spectrum = spectrum.keep(check_spectrum(spectrum, ImpedanceRecipe()).used)
    fit = choose_fit(spectrum, ImpedanceRecipe())
    if fit is None:
        raise SystemExit(f"{name}: Cellar fits no circuit")
    start = starting_values(fit)
    start[::2] *= 1.3
    start[1::2] *= 0.8
    arcs, names = fit.circuit.arcs, [name for name in fit.circuit.names if name[0] == "n"]
    places = [3 * number for number in range(1, len(names) + 1)] + ([-1] if fit.circuit.tail else [])
    start[places] = np.clip(start[places], 0.35, 0.95)
    text = "-".join(["R0", *(f"p(R{k},CPE{k})" for k in range(1, arcs + 1)), *(["CPE9"] if fit.circuit.tail else [])])
    return write_entry(name, index, spectrum, text, start, whole=True)


def fit_blocking(folder: Path, name: str) -> str:
    """Return the entry of a spectrum between blocking electrodes."""
    spectrum = read_one(folder / name, 1)
    upper = spectrum.keep(spectrum.frequency >= UPPER_HERTZ)
    # Where the imaginary part is smallest, the electrolyte ends and the electrode begins.
    foot = float(upper.impedance[np.argmax(upper.impedance.imag)].real)
    start = np.array([foot / 3, foot * 2 / 3, 1e-9, 0.9, 1e-7, 0.9])
    return write_entry(name, 1, upper, "R0-p(R1,CPE1)-CPE9", start, whole=False)


def read_one(path: Path, index: int) -> Spectrum:
    """Return one spectrum of a file."""
    spectra = parsers.read(path).spectra
    return read_spectrum(spectra.filter(spectra["spectrum_index"] == index))


def starting_values(fit: Fit) -> Doubles:
    """Return Cellar's parameters in impedance.py's order: R0, then R, Q and n of each arc, then Q and n of the tail."""
    values = fit.values
    found = [values["R0"] * fit.scale.smallest]
    for number in range(1, fit.circuit.arcs + 1):
        resistance, time, exponent = np.exp(values[f"R{number}"]), np.exp(values[f"t{number}"]), values[f"n{number}"]
        found += [resistance, time**exponent / resistance, exponent]
    if fit.circuit.tail:
        found += [1 / (np.exp(values["A"]) * np.exp(fit.scale.log_lowest) ** values["m"]), values["m"]]
    return np.array(found)


def write_entry(name: str, index: int, spectrum: Spectrum, text: str, start: Doubles, *, whole: bool) -> str:
    """Fit a spectrum with impedance.py and return what came out."""
    circuit = CustomCircuit(text, initial_guess=start.tolist())
    circuit.fit(spectrum.frequency, spectrum.impedance, weight_by_modulus=True)
    residuals = (circuit.predict(spectrum.frequency) - spectrum.impedance) / spectrum.modulus
    misfit = float(np.sqrt(np.mean(np.abs(residuals) ** 2)))
    pairs = zip(circuit.get_param_names()[0], circuit.parameters_, circuit.conf_, strict=True)
    figures = "".join(f"{key} = [{value:.8g}, {error:.4g}]\n" for key, value, error in pairs)
    head = f'file = "biologic_mpr/{name}"\nspectrum_index = {index}\nwhole = {str(whole).lower()}\n'
    return f"\n[[spectrum]]\n{head}misfit = {misfit:.6g}\n{figures}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
