"""A script against the workflow: CPU seconds of one run on one machine, and their ratio (``python benchmarks/workflow.py``).

The script is what a user would write instead: `speciation` of a pair, chunked, to one NetCDF file with zlib. The workflow
makes all its products of the same points: file, comparison, its page, figures as HTML and PNG. Rows are chosen by name:
``points-200 points-1000000 default blocks opening plan``; without, all of them. CPU seconds are those of all processes.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

SCRIPT = """
import numpy as np, scoreshock as ss
pair = ss.families.pair(separation=np.linspace(0.5, 8.0, {n}), variance=np.linspace(0.25, 1.0, {m})).chunk(separation=1000)
found = ss.speciation(pair)
found.to_netcdf("script.nc", encoding={{name: {{"zlib": True, "complevel": 1}} for name in found.data_vars}})
"""

OPEN = """
import sys, warnings, scoreshock as ss
warnings.simplefilter("ignore")
print(ss.open_results("results", "line", "speciation").sizes)
"""


def spent(command: list[str], folder: Path) -> tuple[float, float]:
    """CPU seconds of a command with all that it starts, and seconds on the clock."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu, time.monotonic() - began


def snakemake(folder: Path, study: dict[str, Any] | None = None, *targets: str) -> tuple[float, float]:
    """The same of a run of the workflow in the folder."""
    given = []
    if study is not None:
        (folder / "study.yaml").write_text(json.dumps(study))  # YAML holds JSON
        given = ["--configfile", "study.yaml"]
    profile = str(ROOT / "profiles" / "default")
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--workflow-profile", profile]
    return spent([*command, "--cores", "2", *targets, *given], folder)


def line(n: int, m: int, **more: Any) -> dict[str, Any]:
    """A study of n x m pairs."""
    axes = {
        "separation": {"start": 0.5, "stop": 8.0, "num": n},
        "variance": {"start": 0.25, "stop": 1.0, "num": m} if m > 1 else 0.25,
    }
    sweep = {"family": "pair", "axes": axes, "quantities": ["speciation"]} | more
    return {"sweeps": {"line": sweep}}


def bytes_of(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size


def points(n: int, m: int) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        script, _ = spent([sys.executable, "-c", SCRIPT.format(n=n, m=m)], folder)
        whole, wall = snakemake(folder, line(n, m))
        results = folder / "results" / "line"
        share = bytes_of(results / "comparison.nc") / bytes_of(results / "speciation.nc")
        print(
            f"{n * m:>9,} points: script {script:.1f} s, workflow {whole:.1f} s ({wall:.1f} s wall), ratio "
            f"{whole / script:.1f}; comparison on disk {share:.2f} of what it compares"
        )

    return run


def default(folder: Path) -> None:
    cpu, wall = snakemake(folder)
    again, _ = snakemake(folder)
    print(f"default study: {cpu:.1f} s ({wall:.1f} s wall); again, nothing to do: {again:.1f} s")


def blocks(folder: Path) -> None:
    """One thousand blocks of one point each, made and opened; then ten thousand, of which only the names are made."""
    study = line(1000, 1, split=["separation"], criteria=["leading"])
    plain = "results/line/speciation.nc"
    cpu, wall = snakemake(folder, study, plain)
    print(f"1,000 small blocks and their joining: {cpu:.1f} s ({wall:.1f} s wall, {wall / 1000:.3f} s a block)")


def opening(folder: Path) -> None:
    study = line(10_000, 1, split=["separation"], criteria=["leading"])
    snakemake(folder, study, "results/line/sweep.json")
    plan = json.loads((folder / "results/line/sweep.json").read_text())["quantities"]["speciation"]
    first, *others = [f"separation={text}" for _, text in plan["split"]["separation"]]
    blocks = folder / "results/line/blocks" / f"speciation-{plan['blocks_digest']}"
    code = "import json, sys; from scoreshock.running import tasks; tasks.main(sys.argv[1:])"
    handed = next((folder / ".snakemake/scoreshock").glob("*.json"))
    task = json.dumps(["compute", "line", "speciation", plan["blocks_digest"], first, first])
    spent([sys.executable, "-c", code, str(handed), "--log", "log", task], folder)
    for name in others:  # whose values nobody reads here
        os.link(blocks / f"{first}.nc", blocks / f"{name}.nc")
    cpu, wall = spent([sys.executable, "-c", OPEN], folder)
    print(f"opening 10,000 unjoined blocks: {cpu:.1f} s ({wall:.1f} s wall)")


def plan(folder: Path) -> None:
    command = [sys.executable, "-m", "scoreshock", "plan", str(ROOT / "config/large.yaml")]
    cpu, _ = spent(command, folder)
    measured = f"import resource, subprocess; subprocess.run({command!r}, stdout=subprocess.DEVNULL); "
    measured += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    memory = subprocess.run([sys.executable, "-c", measured], env=environment, capture_output=True, text=True, check=True)
    print(f"plan of config/large.yaml: {cpu:.1f} s, {memory.stdout.strip()} MiB")


ROWS = {
    "points-200": points(100, 2),
    "points-1000000": points(1000, 1000),
    "default": default,
    "blocks": blocks,
    "opening": opening,
    "plan": plan,
}


def main(chosen: list[str]) -> None:
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("snakemake", "xarray", "dask", "netCDF4", "bokeh", "matplotlib")
    )
    print(f"Python {platform.python_version()}, {packages}; {os.cpu_count()} cores; CPU seconds unless said otherwise")
    for name in chosen or ROWS:
        with tempfile.TemporaryDirectory() as folder:
            ROWS[name](Path(folder))
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
