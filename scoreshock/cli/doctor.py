"""Report what is installed, and what could stop a run, without any network."""

from __future__ import annotations

import argparse
import importlib.metadata as metadata
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from scoreshock.cli import shipped

EXTRAS = {
    "cluster-generic": "clusters with PBS, SGE and others: scoreshock run --profile cluster-generic",
    "dask": "a Dask cluster that computes the chunks of a job",
    "lsf": "clusters with LSF: scoreshock run --profile lsf",
    "mnist": "the data set mnist and the example with it",
    "parquet": "tables in Parquet",
    "slurm": "clusters with Slurm: scoreshock run --profile slurm",
    "torch": "training of networks: snakemake networks",
    "zarr": "scoreshock export zarr",
}
"""Optional packages, by the extra that installs them, and what they enable."""

COMPILED = ("numpy", "scipy", "netCDF4", "xarray", "matplotlib")
"""Packages that are imported, because a broken installation shows only then."""

QUEUES = {"Slurm": "sbatch", "LSF": "bsub", "PBS or SGE": "qsub"}
FREE_BYTES = 2**30
"""Free space below which a run is likely to fill the disk."""


class Line(NamedTuple):
    """What was looked at, how it is, and whether that stops a run (``problem``), limits it (``note``), or not (``ok``)."""

    what: str
    state: str
    kind: str = "ok"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``doctor``."""
    parser.add_argument("--json", action="store_true", help="print JSON: ok, lines")


def run(options: argparse.Namespace) -> int:
    """Print a line for everything that was looked at; return 1 if something stops a run."""
    lines = [*_this(), *_packages(), *_extras(), *_machine()]
    problems = [line for line in lines if line.kind == "problem"]
    if options.json:
        print(json.dumps({"ok": not problems, "lines": [line._asdict() for line in lines]}, indent=1))
        return 1 if problems else 0
    marks = {"ok": "  ", "note": "- ", "problem": "! "}
    for line in lines:
        print(f"{marks[line.kind]}{line.what:24} {line.state}")
    print("\nNothing stops a run." if not problems else f"\nTo be mended: {', '.join(line.what for line in problems)}.")
    return 1 if problems else 0


def _this() -> Iterator[Line]:
    yield Line("scoreshock", f"{metadata.version('scoreshock')} in {shipped.PACKAGE}")
    yield Line("Python", f"{platform.python_version()}, {sys.executable}")
    if re.search(r"\s", sys.executable):
        yield Line("path of Python", "it contains a space, which clusters do not allow (one machine does)", "note")
    if shipped.SNAKEFILE.is_file():
        yield Line("workflow", str(shipped.ROOT))
    else:
        yield Line("workflow", f"{shipped.SNAKEFILE} is not there; install scoreshock again", "problem")


def _packages() -> Iterator[Line]:
    """The required packages: their versions, and whether those that are compiled can be imported."""
    from packaging.requirements import Requirement

    for requirement in map(Requirement, metadata.requires("scoreshock") or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _required(requirement.name, requirement.specifier)


def _required(name: str, specifier: object) -> Line:
    from packaging.specifiers import SpecifierSet

    asked = f"{name}{specifier}"
    version = _version(name)
    if version is None:
        return Line(name, f"not installed; pip install '{asked}'", "problem")
    if not SpecifierSet(str(specifier)).contains(version, prereleases=True):
        return Line(name, f"{version} is too old; pip install '{asked}'", "problem")
    if name in COMPILED:
        try:
            import_module(name)
        except ImportError as error:
            return Line(name, f"{version} cannot be imported: {error}"[:300], "problem")
    return Line(name, version)


def _extras() -> Iterator[Line]:
    """The optional packages, and what they enable."""
    from packaging.requirements import Requirement

    requirements = list(map(Requirement, metadata.requires("scoreshock") or ()))
    for extra, enabled in EXTRAS.items():
        of_extra = [each for each in requirements if each.marker and each.marker.evaluate({"extra": extra})]
        optional = [each.name for each in of_extra if not each.marker.evaluate({"extra": ""})]  # type: ignore[union-attr]
        lacking = [name for name in optional if _version(name) is None]
        if not optional:  # metadata of an older installation
            continue
        if lacking:
            yield Line(f"[{extra}]", f"not installed: pip install 'scoreshock[{extra}]' enables {enabled}", "note")
        else:
            yield Line(f"[{extra}]", f"{', '.join(f'{name} {_version(name)}' for name in optional)}: {enabled}")


def _machine() -> Iterator[Line]:
    """Cores, BLAS, the current folder, queues."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Line("cores", f"{cores}; a job uses one thread for BLAS")
    yield Line("BLAS", _blas())
    yield _folder()
    queues = [f"{name} ({path})" for name, command in QUEUES.items() if (path := shutil.which(command))]
    yield Line("queue", ", ".join(queues) or "none found: jobs run on this machine")
    yield Line("browser", "not needed: figures are drawn without one, and any browser opens the pages")


def _blas() -> str:
    from threadpoolctl import threadpool_info

    import_module("numpy")
    libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
    return ", ".join(f"{each['internal_api']} {each['version']}" for each in libraries) or "not recognised"


def _folder() -> Line:
    here = Path.cwd()
    try:
        with tempfile.NamedTemporaryFile(dir=here):
            pass
    except OSError as error:
        return Line("current folder", f"{here} cannot be written ({error.strerror}); go to another one", "problem")
    free = shutil.disk_usage(here).free
    kind = "ok" if free > FREE_BYTES else "note"
    return Line("current folder", f"{here} can be written, {free / 2**30:,.1f} GiB are free", kind)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
