"""Results of two places are put together when they belong together, and nothing is lost or changed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from scoreshock import provenance, results, store
from scoreshock.cli import main
from scoreshock.evaluation import evaluate
from scoreshock.study import Study
from scoreshock.uniting import unite

CRITERIA = ["leading", "first"]
AXES = {"separation": [1.0, 2.0], "weight": [0.5, 0.6, 0.7], "schedule": ["ve", "edm"]}


def study(output, **changes):
    sweep = {"family": "pair", "axes": AXES, "split": ["weight"], "quantities": ["speciation"], "criteria": CRITERIA}
    return Study.from_mapping({"output": str(output), "sweeps": {"line": sweep | changes}})


def run(folder, weights, **changes):
    """The blocks that a run of these weights leaves, and its plan."""
    axes = changes.pop("axes", AXES) | {"weight": list(weights)}
    sweep = study(folder, axes=axes, **changes).sweeps["line"]
    results.write_plan(folder / "line", sweep.description())
    for block in sweep.blocks():
        for quantity in sweep.quantities:
            content = block.content(quantity)
            path = folder / "line" / "blocks" / block.name / f"{quantity}.nc"
            store.write(evaluate(content, chunked=False), path, provenance.attributes(content, quantity))
    return folder


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def a(tmp_path):
    return run(tmp_path / "a", [0.5, 0.6])


@pytest.fixture
def b(tmp_path):
    return run(tmp_path / "b", [0.6, 0.7])


def test_two_runs_in_a_third_folder_are_what_one_run_would_have_made(a, b, tmp_path, capsys):
    before = contents(a), contents(b)
    assert main(["merge", str(a), str(b), "--into", str(tmp_path / "both")]) == 0
    assert "line: 3 blocks copied" in capsys.readouterr().out
    assert (contents(a), contents(b)) == before
    expected = results.open_results(run(tmp_path / "one", [0.5, 0.6, 0.7]), "line", "speciation")
    united = results.open_results(tmp_path / "both", "line", "speciation")
    for name in expected.variables:
        np.testing.assert_array_equal(united[name].values, expected[name].values)
    for weight in ("0.5", "0.7"):
        name = f"line/blocks/weight={weight}/speciation.nc"
        source = a if weight == "0.5" else b
        assert (tmp_path / "both" / name).read_bytes() == (source / name).read_bytes()


def test_the_first_is_added_to_and_what_it_has_is_left_alone(a, b):
    before, other = contents(a), contents(b)
    assert unite([a, b], a) == {"line": 1}
    after = contents(a)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"line/sweep.json", "line/blocks/weight=0.7/speciation.nc", "line/logs/weight=0.7.speciation.log"}
    assert contents(b) == other
    assert [block["name"] for block in json.loads((a / "line/sweep.json").read_text())["blocks"]] == [
        "weight=0.5",
        "weight=0.6",
        "weight=0.7",
    ]
    assert unite([a, b], a) == {"line": 0}


def test_an_interrupted_merge_goes_on_when_it_is_called_again(a, b, tmp_path, monkeypatch):
    copy, target = shutil.copyfile, tmp_path / "both"

    def interrupted(source, destination):
        if "weight=0.7" in str(source):
            raise KeyboardInterrupt
        return copy(source, destination)

    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unite([a, b], target)
    monkeypatch.undo()
    assert unite([a, b], target) == {"line": 1}
    assert results.open_results(target, "line", "speciation").weight.values.tolist() == [0.5, 0.6, 0.7]


def test_blocks_without_a_plan_are_not_overwritten(a, b):
    (a / "line" / "sweep.json").unlink()
    before = contents(a)
    with pytest.raises(
        ValueError, match=r"line: .*a/line holds blocks and no sweep.json; running its study there writes it"
    ):
        unite([b], a)
    assert contents(a) == before


@pytest.mark.parametrize(("first", "second"), [([0.5, 0.7], [0.6, 0.8]), ([0.7, 0.5], [0.6, 0.8])], ids=["sorted", "not"])
def test_values_of_two_runs_ascend_where_those_of_the_first_do(tmp_path, first, second):
    both = unite([run(tmp_path / "a", first), run(tmp_path / "b", second)], tmp_path / "both")
    assert both == {"line": 4}
    united = results.open_results(tmp_path / "both", "line", "speciation")
    assert united.weight.values.tolist() == (sorted(first + second) if first == sorted(first) else first + second)
    assert united.tau_star.sel(weight=0.6).notnull().any()


def test_other_sweeps_and_quantities_are_added(a, tmp_path):
    b = run(tmp_path / "b", [0.5], quantities=["corrections"])
    shutil.copytree(b / "line", b / "second")
    assert unite([a, b], a) == {"line": 1, "second": 1}
    assert json.loads((a / "line/sweep.json").read_text())["quantities"] == ["speciation", "corrections"]
    assert (a / "second/blocks/weight=0.5/corrections.nc").is_file()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"axes": AXES | {"separation": [1.0, 3.0]}}, "speciation: axes.separation differs"),
        ({"axes": AXES | {"separation": {"start": 1.0, "stop": 2.0, "num": 2}}}, "speciation: axes.separation differs"),
        ({"criteria": ["leading"]}, "speciation: options.criteria differs"),
        ({"axes": AXES | {"schedule": ["ve"]}}, "speciation: schedules differs"),
        ({"parameters": {"scaling": "per-coordinate"}}, "speciation: parameters.scaling differs"),
        ({"split": ["weight", "separation"]}, "line: split differs"),
    ],
    ids=["axis", "axis in another form", "option", "schedules", "parameter", "split"],
)
def test_other_parameters_are_refused_with_their_names(a, tmp_path, capsys, changes, field):
    b = run(tmp_path / "b", [0.7], **changes)
    before = contents(a)
    assert main(["merge", str(a), str(b)]) == 2
    error = capsys.readouterr().err
    assert field in error
    assert f"({a}/line, block weight=0.5)" in error or "split" in field
    assert "nothing was written" in error
    assert contents(a) == before


def rewritten(path, attributes=None, **variables):
    with store.open_file(path, chunks=None) as dataset:
        loaded = dataset.load()
    store.write(loaded.assign({name: change(loaded[name]) for name, change in variables.items()}), path, attributes)


def test_other_code_and_types_are_refused_with_their_names(a, b):
    rewritten(b / "line/blocks/weight=0.7/speciation.nc", {"scoreshock_code_digest": "0" * 64})
    with pytest.raises(ValueError, match=r"speciation: code digest differs: .*; 0{64} \(.*/b/line, block weight=0.7\)"):
        unite([a, b], a)
    code = provenance.code_digest("speciation")
    single = {"tau_star": lambda v: v.astype(np.float32)}
    rewritten(b / "line/blocks/weight=0.7/speciation.nc", {"scoreshock_code_digest": code}, **single)
    with pytest.raises(ValueError, match=r"type of tau_star differs: float64.*; float32"):
        unite([a, b], a)


def test_a_block_with_other_values_in_both_is_refused_by_name(a, b, tmp_path):
    rewritten(b / "line/blocks/weight=0.6/speciation.nc", tau_star=lambda v: v * 2)
    with pytest.raises(ValueError, match=r"speciation of block weight=0.6 is in .*/a/line and .*/b/line, with .*tau_star"):
        unite([a, b], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_a_broken_block_is_refused_by_name(a, b, tmp_path):
    path = b / "line/blocks/weight=0.7/speciation.nc"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(store.BrokenFile, match=r"weight=0.7/speciation.nc is unreadable"):
        unite([a, b], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_a_folder_without_results_is_refused(a, tmp_path, capsys):
    assert main(["merge", str(a), str(tmp_path / "none")]) == 2
    assert "none holds no results: no sweep with a sweep.json" in capsys.readouterr().err
