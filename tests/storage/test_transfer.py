"""Results of two folders are merged when they belong together, and nothing is lost or changed."""

import json
import shutil
from pathlib import Path

import pytest

from scoreshock.cli import main
from scoreshock.storage import opening, provenance, store
from scoreshock.storage.transfer import unite

from .. import runs
from ..runs import AXES, rewrite, same_bits


def run(folder, weights, axes=AXES, **changes):
    """The blocks that a run of these weights leaves, and its plan."""
    runs.run(runs.study(folder, axes=axes | {"weight": list(weights)}, **changes))
    return folder


def block(folder, weight):
    """The file of a weight's block."""
    (file,) = Path(folder).glob(f"line/blocks/speciation-*/weight={weight}.nc")
    return file


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Folders of two runs that share a block, computed once and copied for each test."""
    folder = tmp_path_factory.mktemp("computed")
    return {name: run(folder / name, weights) for name, weights in {"a": [0.5, 0.6], "b": [0.6, 0.7]}.items()}


@pytest.fixture
def a(computed, tmp_path):
    return shutil.copytree(computed["a"], tmp_path / "a")


@pytest.fixture
def b(computed, tmp_path):
    return shutil.copytree(computed["b"], tmp_path / "b")


@pytest.mark.slow
def test_two_merged_runs_equal_one_run(a, b, tmp_path, capsys):
    before = contents(a), contents(b)
    assert main(["merge", str(a), str(b), "--into", str(tmp_path / "both")]) == 0
    assert "line: 3 files copied" in capsys.readouterr().out
    assert (contents(a), contents(b)) == before
    one = runs.study(tmp_path / "one", axes=AXES | {"weight": [0.5, 0.6, 0.7]})
    runs.run(one)
    same_bits(
        opening.open_results(tmp_path / "both", "line", "speciation"), opening.open_results(one.output, "line", "speciation")
    )
    for weight, source in ((0.5, a), (0.7, b)):
        assert block(tmp_path / "both", weight).read_bytes() == block(source, weight).read_bytes()
        assert block(tmp_path / "both", weight).name == block(one.output, weight).name
        assert block(tmp_path / "both", weight).parent.name == block(one.output, weight).parent.name
    united, whole = (
        json.loads((folder / "line/sweep.json").read_text()) for folder in (tmp_path / "both", tmp_path / "one")
    )
    del united["quantities"]["speciation"]["digest"], whole["quantities"]["speciation"]["digest"]
    assert united == whole


@pytest.mark.slow
def test_merging_into_the_first_folder_keeps_its_blocks(a, b):
    before, other = contents(a), contents(b)
    assert unite([a, b], a) == {"line": 1}
    after = contents(a)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"line/sweep.json", str(block(a, 0.7).relative_to(a))}
    assert contents(b) == other
    plan = json.loads((a / "line/sweep.json").read_text())["quantities"]["speciation"]
    assert plan["split"]["weight"] == [[0.5, "0.5"], [0.6, "0.6"], [0.7, "0.7"]]
    assert unite([a, b], a) == {"line": 0}


@pytest.mark.slow
def test_a_joined_file_of_one_part_is_not_taken_for_the_whole(a, b):
    runs.run(runs.study(a, axes=AXES | {"weight": [0.5, 0.6]}), "join")
    assert unite([a, b], a) == {"line": 1}
    with pytest.warns(
        UserWarning, match=r"speciation.nc does not match the parameters, blocks or code .*; reading the blocks instead"
    ):
        assert opening.open_results(a, "line", "speciation").weight.values.tolist() == [0.5, 0.6, 0.7]


@pytest.mark.slow
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
    assert opening.open_results(target, "line", "speciation").weight.values.tolist() == [0.5, 0.6, 0.7]


@pytest.mark.slow
def test_blocks_without_a_plan_are_not_overwritten(a, b):
    (a / "line" / "sweep.json").unlink()
    before = contents(a)
    with pytest.raises(ValueError, match=r"line: .*a/line has results but no sweep.json; running its study there writes it"):
        unite([b], a)
    assert contents(a) == before


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [([0.5, 0.7], [0.6, 0.8]), ([0.7, 0.5], [0.6, 0.8])], ids=["sorted", "not"])
def test_values_of_two_runs_ascend_where_those_of_the_first_do(tmp_path, first, second):
    both = unite([run(tmp_path / "a", first), run(tmp_path / "b", second)], tmp_path / "both")
    assert both == {"line": 4}
    united = opening.open_results(tmp_path / "both", "line", "speciation")
    assert united.weight.values.tolist() == (sorted(first + second) if first == sorted(first) else first + second)
    assert united.tau_star.sel(weight=0.6).notnull().any()


@pytest.mark.slow
def test_schedules_of_two_runs_are_put_together(tmp_path):
    split = {"split": ["schedule"]}
    a = run(tmp_path / "a", [0.5], axes=AXES | {"schedule": ["ve"]}, **split)
    b = run(tmp_path / "b", [0.5], axes=AXES | {"schedule": ["edm"]}, **split)
    assert unite([a, b], a) == {"line": 1}
    one = runs.study(tmp_path / "one", axes=AXES | {"weight": [0.5]}, **split)
    runs.run(one)
    united = opening.open_results(a, "line", "speciation")
    same_bits(united, opening.open_results(one.output, "line", "speciation"))
    assert list(json.loads(united.scoreshock_parameters)["schedules"]) == ["ve", "edm"]


@pytest.mark.slow
def test_other_sweeps_and_quantities_are_added(a, tmp_path):
    b = run(tmp_path / "b", [0.5], quantities=["corrections"])
    shutil.copytree(b / "line", b / "second")
    assert unite([a, b], a) == {"line": 1, "second": 1}
    assert list(json.loads((a / "line/sweep.json").read_text())["quantities"]) == ["speciation", "corrections"]
    assert opening.open_results(a, "second", "corrections").weight.values.tolist() == [0.5]


@pytest.mark.slow
def test_results_that_are_not_split_are_copied(tmp_path):
    a, b = (
        run(tmp_path / name, [0.5, 0.6], split=[], quantities=[of])
        for name, of in (("a", "speciation"), ("b", "corrections"))
    )
    assert unite([a, b], tmp_path / "both") == {"line": 2}
    for folder, name in ((a, "speciation"), (b, "corrections")):
        assert (tmp_path / "both/line" / f"{name}.nc").read_bytes() == (folder / "line" / f"{name}.nc").read_bytes()
    with pytest.raises(ValueError, match=r"speciation: axes.weight differs: .*0.5, 0.6.*a/line\); .*0.7.*c/line"):
        unite([a, run(tmp_path / "c", [0.7], split=[])], a)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"axes": AXES | {"separation": [1.0, 3.0]}}, "speciation: axes.separation differs"),
        ({"axes": AXES | {"separation": {"start": 1.0, "stop": 2.0, "num": 2}}}, "speciation: axes.separation differs"),
        ({"criteria": ["leading"]}, "speciation: options.criteria differs"),
        ({"axes": AXES | {"schedule": ["ve"]}}, "speciation: schedules.edm differs: "),
        ({"parameters": {"scaling": "per-coordinate"}}, "speciation: parameters.scaling differs"),
        ({"split": ["weight", "separation"]}, "speciation: split differs"),
        ({"family": "collinear", "axes": {"separation": [1.0, 2.0]}}, "line: family differs: pair"),
    ],
    ids=["axis", "axis in another form", "option", "schedules", "parameter", "split", "family"],
)
def test_other_parameters_are_refused_with_their_names(a, tmp_path, capsys, changes, field):
    if "family" in changes:
        runs.run(runs.study(tmp_path / "b", **changes, split=[]))
    else:
        run(tmp_path / "b", [0.7], **changes)
    before = contents(a)
    assert main(["merge", str(a), str(tmp_path / "b")]) == 2
    error = capsys.readouterr().err
    assert field in error
    assert f"({a}/line)" in error
    assert "nothing was written" in error
    assert contents(a) == before


@pytest.mark.slow
def test_a_schedule_of_one_name_and_two_definitions_is_refused(tmp_path):
    for name, steps in (("a", 18), ("b", 36)):
        sweep = runs.SWEEP | {"axes": AXES | {"schedule": ["mine"]}, "split": ["schedule"]}
        schedules = {"mine": {"kind": "edm", "steps": steps}}
        runs.run(
            runs.Study.from_mapping({"output": str(tmp_path / name), "schedules": schedules, "sweeps": {"line": sweep}})
        )
    with pytest.raises(ValueError, match=r"speciation: schedule mine differs: mine-[0-9a-f]{8} \(.*a/line\); mine-"):
        unite([tmp_path / "a", tmp_path / "b"], tmp_path / "a")


def test_other_code_is_refused_with_its_folders(a, tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "code_digest", lambda *_: "0" * 64)
    b = run(tmp_path / "b", [0.7])
    with pytest.raises(ValueError, match=r"line: speciation: code differs \(.*a/line, .*b/line\)"):
        unite([a, b], a)


@pytest.mark.slow
def test_a_block_with_other_values_in_both_is_refused_by_name(a, b, tmp_path):
    rewrite(block(b, 0.6), tau_star=lambda values: values * 2)
    with pytest.raises(
        ValueError, match=r"line: blocks/.*/weight=0.6.nc has different values in .*/a/line and in .*/b/line"
    ):
        unite([a, b], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_a_broken_block_is_refused_by_name(a, b, tmp_path):
    path = block(b, 0.7)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(store.BrokenFile, match=r"weight=0.7.nc is unreadable"):
        unite([a, b], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_a_folder_without_results_is_refused(a, tmp_path, capsys):
    assert main(["merge", str(a), str(tmp_path / "none")]) == 2
    assert "none has no results: no sweep with a sweep.json" in capsys.readouterr().err
