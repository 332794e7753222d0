"""End to end, from drop to committed, beside the bare reader and one zstd Parquet write of the same rows."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import polars as pl

from bench.measure import alternate, corpus
from flows.ingest import ingest_file
from flows.virtual_lab import LabOptions, simulate
from warehouse.home import Home

ROUNDS = 5
CASES = (
    ("neware_nda/EmpaEconversion-fastnda__unzipped__nda_v26.nda", "fastnda"),
    ("neware_ndax/EmpaEconversion-fastnda__BTS85-36-6-5-110-20240424.ndax", "fastnda"),
    ("biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr", "galvani"),
    ("arbin_res/jepegit-cellpy__hist__20230221_CLP001_1_02_cc_01.res", "mdbtools"),
)


def run() -> None:
    """Print a line per file: seconds of ours and of the bare reader, and their ratio."""
    with tempfile.TemporaryDirectory() as scratch:
        for path, reader in _files(Path(scratch)):
            if reader == "mdbtools" and shutil.which("mdb-export") is None:
                print(f"{path.name:60} skipped: mdbtools is not installed")
                continue
            _compare(path, reader, Path(scratch))


def _files(scratch: Path) -> list[tuple[Path, str]]:
    folder = corpus()
    real = [(folder / name, reader) for name, reader in CASES] if folder else []
    options = LabOptions(cells=1, cycles=1000, long_cells=0, formats=("biologic_mpr",))
    return [*real, (simulate(scratch / "lab", options).files[0], "galvani")]


def _compare(path: Path, reader: str, scratch: Path) -> None:
    # A home is made once, not for every drop.
    homes = iter([_made_home(scratch / f"{path.stem}-{number}") for number in range(ROUNDS + 1)])
    bare = {"fastnda": _read_fastnda, "galvani": _read_galvani, "mdbtools": _read_mdbtools}[reader]

    def ours() -> None:
        receipts = list(ingest_file(next(homes), path))
        assert receipts[0]["state"] == "committed", receipts

    def theirs() -> None:
        bare(path).write_parquet(scratch / "bare.parquet", compression="zstd")

    mine, other, ratio = alternate(ours, theirs, ROUNDS)
    rows = bare(path).height
    print(f"{path.name:60} {rows:>8} rows  ours {mine:7.3f} s  {reader:8} + Parquet {other:7.3f} s  ratio {ratio:5.2f}")


def _made_home(folder: Path) -> Home:
    home = Home(folder)
    home.query("tests")
    return home


def _read_fastnda(path: Path) -> pl.DataFrame:
    import fastnda  # noqa: PLC0415 one of several readers to compare with

    return fastnda.read(path)


def _read_galvani(path: Path) -> pl.DataFrame:
    from galvani.BioLogic import MPRfile  # noqa: PLC0415 the same as above

    data = MPRfile(str(path)).data
    return pl.DataFrame({name: data[name].astype(data.dtype[name].newbyteorder("=")) for name in data.dtype.names})


def _read_mdbtools(path: Path) -> pl.DataFrame:
    command = ["mdb-export", str(path), "Channel_Normal_Table"]
    return pl.read_csv(subprocess.run(command, capture_output=True, check=True).stdout, infer_schema_length=None)
