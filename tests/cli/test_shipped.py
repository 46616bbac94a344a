"""The wheel alone: what it holds, and the walk of a new user from a table of his own to a figure of his own."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from scoreshock.cli import shipped

ROOT = Path(__file__).parents[2]
TOP = ("Snakefile", "environment.yml", "config", "workflow")
SOURCES = (*TOP, "profiles", "scoreshock", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
NOT_PACKED = ("setup.py",)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A function that calls the backend of the build in a folder of sources, and returns the file that it wrote."""
    backend = tmp_path_factory.mktemp("backend")
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", backend, *asked]
    if (done := subprocess.run(pip, capture_output=True, text=True, timeout=300)).returncode:
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"no {asked}: {done.stderr[-300:]}")

    def built(what, sources, folder):
        code = f"import setuptools.build_meta as backend; print(backend.build_{what}({str(folder)!r}))"
        environment = os.environ | {"PYTHONPATH": str(backend)}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=sources, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return folder / done.stdout.splitlines()[-1]

    return built


@pytest.fixture(scope="module")
def wheel(build, tmp_path_factory):
    """The wheel of a copy of the sources, built from their sdist."""
    folder = tmp_path_factory.mktemp("build")
    copy = folder / "clone"
    copy.mkdir()
    for name in SOURCES:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(place, copy / name)
    with tarfile.open(build("sdist", copy, folder)) as packed:
        packed.extractall(folder / "sdist", filter="data")
    (source,) = (folder / "sdist").iterdir()
    for name in (*TOP, "profiles/default/config.yaml"):
        assert (source / name).exists(), name
    return build("wheel", source, folder)


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of an environment with blanks in its path, with the wheel in a site-packages that is read-only."""
    place = tmp_path_factory.mktemp("my environments") / "a venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True, capture_output=True, timeout=120)
    (packages,) = place.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(packages)
    (packages / "reuse.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # the dependencies of the running environment
    for path in (*packages.rglob("*"), packages):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted(packages.rglob("*"))
    yield place / "bin" / "python"
    assert sorted(packages.rglob("*")) == before  # root may write everywhere
    for path in (packages, *packages.rglob("*")):
        path.chmod(0o755)


@pytest.mark.slow
def test_the_wheel_holds_the_files_of_the_workflow_as_they_are(wheel):
    here = [path for name in TOP for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))]
    expected = {f"scoreshock/share/{path.relative_to(ROOT)}": path for path in here if path.is_file()}
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if name.startswith("scoreshock/share/")}
        assert held - {f"scoreshock/share/{name}" for name in NOT_PACKED} == set(expected)
        assert all(packed.read(name) == path.read_bytes() for name, path in expected.items())
        assert "scoreshock/cli/run.py" in packed.namelist()
        assert not [name for name in packed.namelist() if name.startswith("tests")]


def test_in_a_clone_the_files_are_at_its_top():
    assert shipped.ROOT == ROOT
    assert all((ROOT / name).exists() for name in TOP)


@pytest.mark.slow
def test_from_a_table_of_ones_own_to_a_figure_of_ones_own_by_the_wheel_alone(python, tmp_path):
    folder = tmp_path / "my project"
    folder.mkdir()
    rows = [f"{i % 3 + (i * 7919 % 1000) / 2000},{i % 3 * 2 + (i * 104729 % 1000) / 900},{'abc'[i % 3]}" for i in range(120)]
    (folder / "my table.csv").write_text("u,v,kind\n" + "\n".join(rows) + "\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}

    def scoreshock(*words, code=0):
        done = subprocess.run(
            [python, "-m", "scoreshock", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    (line,) = [line for line in json.loads(scoreshock("doctor", "--json"))["lines"] if line["what"] == "workflow"]
    assert Path(line["state"]) == next(python.parents[1].glob("lib/python*/site-packages/scoreshock/share"))
    scoreshock("init", "mine.yaml", "--data", "my table.csv", "--label", "kind", "--schedule", "edm")
    assert "The study is valid." in scoreshock("validate", "mine.yaml")
    assert json.loads(scoreshock("plan", "mine.yaml", "--json"))["output"] == "results"
    scoreshock("status", "mine.yaml", code=1)
    assert f"Results in {folder / 'results'}:" in scoreshock("run", "mine.yaml", "--cores", "2")
    scoreshock("status", "mine.yaml", "--full")
    opened = json.loads(scoreshock("open", "mine.yaml", "--json"))
    assert opened["sweep"] == "my-table"
    code = "\n".join([*opened["code"], "print(float(ds.tau_star.sel(criterion='leading')))"])
    done = subprocess.run([python, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert float(done.stdout) > 0
    shutil.copytree(folder / "results", folder / "kept")
    assert scoreshock("diff", "kept", "results").startswith("Equal: ")
    drawn = ("--name", "speciation", "--select", "criterion=leading,exact", "--scale", "y=linear", "--into", "my figure.png")
    said = scoreshock("figure", "mine.yaml", *drawn).splitlines()
    assert said[0] == "my figure.png"
    assert len(said) > 1  # its caption
    assert (folder / "my figure.png").read_bytes()[:4] == b"\x89PNG"
