"""What the command ``doctor`` finds."""

import json
import re
from importlib import metadata

import pytest

from scoreshock.cli import doctor, main


def lines(capsys):
    """The exit code, and the lines by what they are of."""
    code = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] == (code == 0)
    return code, {line["what"]: line for line in told["lines"]}


def test_nothing_stops_a_run_here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, told = lines(capsys)
    assert code == 0
    assert told["numpy"]["state"] == metadata.version("numpy")
    assert re.fullmatch(r".* can be written, [\d.,]+ GiB are free", told["current folder"]["state"])
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("\nNothing stops a run.\n")


@pytest.mark.parametrize(
    ("version", "state"),
    [("1.0", "1.0 is too old; pip install 'numpy>=2.1'"), (None, "not installed; pip install 'numpy>=2.1'")],
)
def test_a_required_package_that_is_old_or_lacking_is_a_problem(version, state, monkeypatch, capsys):
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: version if name == "numpy" else real(name))
    code, told = lines(capsys)
    assert (code, told["numpy"]["kind"], told["numpy"]["state"]) == (1, "problem", state)
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.endswith("\nTo be mended: numpy.\n")


def test_a_lacking_optional_package_is_a_note_that_says_what_it_enables(monkeypatch, capsys):
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "zarr" else real(name))
    code, told = lines(capsys)
    assert (code, told["[zarr]"]["kind"]) == (0, "note")
    assert told["[zarr]"]["state"] == "not installed: pip install 'scoreshock[zarr]' enables scoreshock export zarr"


def test_an_interpreter_with_a_space_is_a_note_and_a_lacking_workflow_a_problem(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(doctor.sys, "executable", "/my environments/bin/python")
    monkeypatch.setattr(doctor.shipped, "SNAKEFILE", tmp_path / "Snakefile")
    code, told = lines(capsys)
    assert (code, told["path of Python"]["kind"], told["workflow"]["kind"]) == (1, "note", "problem")


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refused)
    code, told = lines(capsys)
    assert (code, told["current folder"]["kind"]) == (1, "problem")
    assert "cannot be written (Permission denied); go to another one" in told["current folder"]["state"]


def test_every_extra_for_users_is_explained():
    declared = set(metadata.metadata("scoreshock").get_all("Provides-Extra") or ()) - {"test", "peers", "docs"}
    assert declared <= set(doctor.EXTRAS)
