"""docs/commands.md says what the parsers say, and every example runs as it is printed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scoreshock.cli import COMMANDS, main, parser_of
from scoreshock.cli.reference import PAGE, filled

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / PAGE).read_text()


@pytest.mark.slow
def test_the_generated_parts_are_up_to_date():
    assert filled(TEXT) == TEXT


def test_every_command_and_each_of_its_flags_is_there():
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", TEXT, flags=re.DOTALL | re.MULTILINE))
    assert list(sections) == list(COMMANDS)
    for name, section in sections.items():
        flags = [
            flag for action in parser_of(name)._actions for flag in action.option_strings if flag not in ("-h", "--help")
        ]
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", section)) >= set(flags), name


def test_the_commands_that_print_json_are_those_that_it_names():
    (named,) = re.findall(r"^(`plan`.*?) print JSON with `--json`", TEXT, flags=re.MULTILINE)
    with_json = [name for name in COMMANDS if any("--json" in action.option_strings for action in parser_of(name)._actions)]
    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(with_json)


def test_the_first_steps_are_those_of_the_help(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"^(scoreshock .*)$", TEXT, flags=re.MULTILINE)[:2]
    assert main(["--help"]) == 0
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[-2:]] == [first, second]
    assert main(first.split()[1:]) == 0
    assert main(["validate", "--json", *second.split()[2:]]) == 0
    assert list(json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))["sweeps"]) == ["iris"]


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
"""A study with the sweeps that the examples name."""


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
