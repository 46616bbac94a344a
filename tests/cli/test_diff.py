"""Differences of results, number by number."""

import json
import re
import shutil

import numpy as np
import pytest
import xarray as xr

from scoreshock.cli import main
from scoreshock.storage import store

from .. import runs

pytestmark = pytest.mark.slow


@pytest.fixture
def other(computed, tmp_path):
    """A copy of the results, and its joined file."""
    folder = shutil.copytree(computed, tmp_path / "other")
    return folder, folder / "line" / "speciation.nc"


def rows(first, second, capsys, *flags):
    """The exit code, and the rows that are not equal by variable."""
    code = main(["diff", "--json", str(first), str(second), *flags])
    told = json.loads(capsys.readouterr().out)
    assert told["equal"] == (code == 0)
    return code, {row["variable"]: row for row in told["rows"] if row["different"] or row["note"]}


def test_a_copy_is_equal(computed, other, capsys):
    folder, file = other
    assert rows(computed, folder, capsys) == (0, {})
    assert main(["diff", str(computed / "line/speciation.nc"), str(file)]) == 0
    assert capsys.readouterr().out.startswith("Equal: ")


def test_a_changed_number_a_missing_one_and_a_changed_flag_are_counted(computed, other, capsys):
    folder, file = other

    def changed(tau):
        values = tau.values.copy()
        values[0, 0, 0] += 0.5
        values[1, 0, 0] = np.nan
        return tau.copy(data=values)

    runs.rewrite(file, tau_star=changed, status=lambda status: (status + 1).astype(status.dtype))
    code, told = rows(computed, folder, capsys)
    assert code == 1
    assert set(told) == {"tau_star", "status"}
    assert (told["tau_star"]["different"], told["tau_star"]["largest"]) == (2, 0.5)
    assert told["status"]["different"] == told["status"]["points"] == told["tau_star"]["points"]
    assert main(["diff", str(computed), str(folder)]) == 1
    printed = capsys.readouterr().out
    assert "| line  | speciation | tau_star |" in printed
    assert printed.splitlines()[-1].startswith("Different: 2 variables of ")


def test_a_relative_tolerance(computed, other, capsys):
    folder, file = other
    runs.rewrite(file, tau_star=lambda tau: tau * (1 + 1e-9))
    assert rows(computed, folder, capsys)[0] == 1
    assert rows(computed, folder, capsys, "--rtol", "1e-8") == (0, {})
    assert main(["diff", "a", "b", "--rtol", "-1"]) == 2
    assert capsys.readouterr().err == "--rtol -1.0 is not allowed; allowed: a number from 0 on\n"


def test_what_only_one_has_is_a_difference(computed, tmp_path, capsys):
    runs.run(runs.study(tmp_path / "more", quantities=["speciation", "corrections"]), "plan", "compute", "join")
    code, told = rows(computed, tmp_path / "more", capsys)
    assert (code, told[""]["note"]) == (1, f"not in {computed}")
    axes = runs.AXES | {"separation": [1.0, 3.0]}
    runs.run(runs.study(tmp_path / "further", axes=axes), "plan", "compute", "join")
    code, told = rows(computed, tmp_path / "further", capsys)
    assert (code, told[""]["note"]) == (1, "left out: separation 2.0 of first; separation 3.0 of second")
    assert main(["diff", str(computed), str(tmp_path / "further")]) == 1
    said, last = capsys.readouterr().out.splitlines()
    assert said == f"line speciation: {told['']['note']}"
    assert re.fullmatch(r"Equal where both have values: \d+ variables. Different: what only one has, named above.", last)


def test_results_that_share_nothing_are_refused(computed, other, tmp_path, capsys):
    folder, file = other
    (folder / "line").rename(folder / "lines")
    assert main(["diff", str(computed), str(folder)]) == 2
    assert "share no quantity of a sweep; allowed: two results of one study" in capsys.readouterr().err
    alone = tmp_path / "alone.nc"
    store.write(xr.Dataset({"other": ("separation", [1.0], {"long_name": "other"})}, {"separation": [1.0]}), alone, {})
    assert main(["diff", str(folder / "lines" / file.name), str(alone)]) == 2
    assert "share no variable; allowed: two results of one quantity" in capsys.readouterr().err


def test_paths_that_cannot_be_compared(computed, other, capsys):
    _, file = other
    for words, said in {
        (
            str(computed),
            str(file),
        ): f"{computed} and {file} are a folder and a file; allowed: two folders of results, or two files",
        (str(computed), "no such"): "no such does not exist; allowed: a folder of results, or one of its files",
    }.items():
        assert main(["diff", *words]) == 2
        assert capsys.readouterr().err == f"{said}\n"
