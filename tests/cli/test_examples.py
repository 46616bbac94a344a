"""Every example of a command's help, and of docs/commands.md, runs as it is printed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scoreshock.cli import COMMANDS

ROOT = Path(__file__).parents[2]
STUDY = {
    "sweeps": {
        "pair": {
            "family": "pair",
            "axes": {"separation": [1.0, 2.0], "variance": 0.25, "weight": [0.5, 0.6], "schedule": ["edm"]},
            "quantities": ["speciation"],
        },
        "iris": {
            "family": "data",
            "axes": {"schedule": ["edm"]},
            "parameters": {"source": "iris"},
            "quantities": ["speciation"],
        },
    }
}
"""A study with the sweeps that the examples name; `figure` draws the first."""


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": path}
    shell = ["bash", "-euo", "pipefail", "-c", command]
    return subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study that has run, and two copies of its results."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "mine.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    ended = run("scoreshock run mine.yaml", folder)
    assert ended.returncode == 0, ended.stderr
    for name in ("results-old", "from-cluster"):
        shutil.copytree(folder / "results", folder / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_runs(name: str, finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    if name == "init":
        (folder / "mine.yaml").unlink()
    ended = run(f"scoreshock {name} {COMMANDS[name].example}", folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
