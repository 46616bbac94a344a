"""Conda's environment and pip's say the same."""

import re
import tomllib
from pathlib import Path

import yaml

from .. import __main__ as runner

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"netCDF4": "netcdf4", "dask[array]": "dask"}


def bounds(lines):
    """Lower bound, as text, by name; nothing but lower bounds is allowed."""
    parts = [re.fullmatch(r"([\w.\[\]-]+)(?:>=([\w.]+))?", line) for line in lines]
    assert all(parts), lines
    return {part[1]: part[2] for part in parts}


def test_conda_installs_what_pip_installs_from_the_same_versions_on():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = bounds(line for line in listed if isinstance(line, str))
    assert conda.pop("python") == project["requires-python"].removeprefix(">=")
    conda.pop("pip")
    pip = bounds(project["dependencies"])
    assert conda == {CONDA_NAMES.get(name, name): bound for name, bound in pip.items()}


def test_every_test_is_found_without_naming_it():
    assert sorted(runner.all_files()) == sorted(ROOT.glob("tests/**/test_*.py"))


def test_conda_installs_the_package_itself_from_this_folder():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert [line for line in listed if isinstance(line, dict)] == [{"pip": ["--editable ."]}]
