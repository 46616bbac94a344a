"""Real runs of studies whose families, criteria, schedules, quantities and figures are declared outside of the package."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
import yaml

import scoreshock as ss

from ..forks import server
from .conftest import environment, snakemake, write

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parents[1] / "plugins" / "offgrid.py"
ALLOWED = ("--config", "allow_plugins=true")
SWEEP: dict[str, Any] = {
    "family": "shifted-pair",
    "axes": {"separation": [1.0, 2.0], "variance": 0.25, "schedule": ["straight"]},
    "split": ["separation"],
    "quantities": ["speciation", "spread"],
    "criteria": ["half-leading", "boundary"],
    "factor": 5.0,
}
ENTRIES = {
    "families": "shifted-pair",
    "criteria": "half-leading",
    "schedules": "straight",
    "quantities": "spread",
    "figures": "distances",
}


def check(folder: Path) -> xr.Dataset:
    """What the run has left in its folder; returns the speciation."""
    results = folder / "results"
    assert ss.open_results(results, "s", "spread").spread.values.ravel().tolist() == [10.0, 20.0]
    assert "The distance over the separation." in (results / "s.html").read_text()
    assert (results / "s" / "figures" / "distances.png").is_file()
    found = ss.open_results(results, "s", "speciation")
    assert found.tau_star.sel(criterion="half-leading").values.ravel().tolist() == [0.1875, 0.9375]
    assert "half-leading: half of the leading time" in found.criterion.attrs["description"]
    assert found.time.sel(schedule="straight").notnull().all()
    with xr.open_dataset(results / "s" / "comparison.nc", engine="netcdf4") as compared:
        assert "half-leading" in compared.criterion.values
    return found


def test_a_plugin_file_runs_where_the_command_line_allows_it(tmp_path: Path) -> None:
    shutil.copy(SOURCE, tmp_path)
    study = write(tmp_path / "study.yaml", {"plugins": ["offgrid.py"], "sweeps": {"s": SWEEP}})
    for given in ((), ("--config", "allow_plugins=false")):
        refused = snakemake(tmp_path, "--configfile", study, *given, fails=True)
        assert "plugins: ['offgrid.py'] would run code; allowed only with --allow-plugins" in refused.output
        assert not (tmp_path / "results").exists()
    snakemake(tmp_path, "--configfile", study, *ALLOWED)
    assert check(tmp_path).attrs["plugins"].startswith("offgrid.py: sha256 ")
    assert not snakemake(tmp_path, "--configfile", study, *ALLOWED, "--dry-run").jobs
    (tmp_path / "offgrid.py").write_text(SOURCE.read_text() + "\n# another text\n")
    assert snakemake(tmp_path, "--configfile", study, *ALLOWED, "--dry-run").jobs


def test_a_study_does_not_allow_its_own_plugins(tmp_path: Path) -> None:
    shutil.copy(SOURCE, tmp_path)
    study = {"plugins": ["offgrid.py"], "allow_plugins": True, "sweeps": {"s": SWEEP}}
    refused = snakemake(tmp_path, "--configfile", write(tmp_path / "study.yaml", study), fails=True)
    assert "would run code; allowed only with --allow-plugins" in refused.output


def test_an_installed_package_declares_by_entry_points(tmp_path: Path) -> None:
    installed, folder = tmp_path / "site", tmp_path / "run"
    (installed / "tinyshock").mkdir(parents=True)
    (installed / "tinyshock" / "__init__.py").write_text("")
    shutil.copy(SOURCE, installed / "tinyshock")
    about = installed / "tinyshock-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tinyshock\nVersion: 0.1\n")
    groups = (f"[scoreshock.{group}]\n{name} = tinyshock.offgrid\n" for group, name in ENTRIES.items())
    (about / "entry_points.txt").write_text("\n".join(groups))
    folder.mkdir()
    study = write(folder / "study.yaml", {"sweeps": {"s": SWEEP}})
    refused = snakemake(folder, "--configfile", study, fails=True)
    assert "'shifted-pair' is not allowed" in refused.output
    snakemake(folder, "--configfile", study, first=installed)
    assert check(folder).attrs["plugins"].startswith("tinyshock: tinyshock 0.1, sha256 ")


@pytest.mark.parametrize("command", ["validate", "plan", "status"])
def test_the_command_line_takes_the_same_word(tmp_path: Path, command: str) -> None:
    shutil.copy(SOURCE, tmp_path)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({"plugins": ["offgrid.py"], "sweeps": {"s": SWEEP}}))
    given = (command, "study.yaml")
    refused = server().run("scoreshock", *given, cwd=tmp_path, env=environment())
    assert (refused.code, refused.output.count("\n")) == (2, 2)
    assert "would run code" in refused.output
    allowed = server().run("scoreshock", *given, "--allow-plugins", cwd=tmp_path, env=environment())
    assert allowed.code == (1 if command == "status" else 0)
