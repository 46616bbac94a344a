"""Opening gives the values of the undivided sweep, whatever is joined, and says what is not there."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

from scoreshock.running import tasks
from scoreshock.storage import opening, plans, provenance, store
from scoreshock.study.evaluation import evaluate
from scoreshock.study.study import Study

from .. import runs
from ..runs import same_bits
from .conftest import copied

SPLIT = ("weight", "schedule")


def whole(study: Study) -> xr.Dataset:
    """The undivided sweep, evaluated at once."""
    return evaluate(study.sweeps["line"], "speciation", chunked=False)


def opened(study: Study, quantity: str = "speciation") -> xr.Dataset:
    """What is opened without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return opening.open_results(study.output, "line", quantity)


@pytest.fixture(scope="module")
def computed(six_blocks: Study, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Study]:
    """Studies that are computed and not joined, by what is split."""
    result = {
        split: runs.study(tmp_path_factory.mktemp("computed"), split=list(split))
        for split in ((), ("weight",), ("schedule",))
    }
    for study in result.values():
        runs.run(study)
    return result | {SPLIT: six_blocks}


@pytest.mark.slow
@pytest.mark.parametrize("split", [(), ("weight",), ("schedule",), SPLIT])
def test_blocks_and_the_joined_file_are_the_undivided_sweep(computed: dict, tmp_path: Path, split: tuple[str, ...]) -> None:
    study = copied(computed[split], tmp_path)
    blocks = opened(study)
    same_bits(blocks, whole(study))
    runs.run(study, "join")
    file = tmp_path / "line" / "speciation.nc"
    assert store.inspect(file, full=True).state == "ok"
    joined = opened(study)
    same_bits(joined, blocks)
    of_run = ("history", store.MARKER, provenance.DIGEST)
    output = [{name: value for name, value in each.attrs.items() if name not in of_run} for each in (joined, blocks)]
    assert output[0] == output[1]
    assert output[0]["scoreshock_parameters"] == provenance.canonical_json(study.sweeps["line"].content("speciation"))
    for name, variable in joined.variables.items():
        np.testing.assert_equal(variable.attrs, blocks[name].attrs, err_msg=str(name))


@pytest.mark.slow
def test_a_part_opens_the_blocks_that_it_is_in_and_no_other(pair: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    original = store.open_whole
    monkeypatch.setattr(store, "open_whole", lambda path, *full: seen.append(path) or original(path, *full))
    dataset = opened(pair)
    assert set(seen) == set(runs.files(pair)[:1])
    for selection, positions in (
        ({"weight": 0.6, "schedule": "edm"}, [3]),
        ({"weight": [0.7, 0.5], "schedule": "ve"}, [4, 0]),
        ({"weight": slice(0.55, 0.65)}, [2, 3]),
    ):
        seen.clear()
        part = opened(pair).time.sel(selection)
        seen.clear()
        np.testing.assert_array_equal(part, whole(pair).time.sel(selection))
        assert set(seen) == {runs.files(pair)[position] for position in positions}
    seen.clear()
    dataset.tau_star.load()  # has no schedule: one block of each weight has it
    assert set(seen) == {runs.files(pair)[position] for position in (0, 2, 4)}


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [True, False])
def test_indices_of_all_kinds_are_those_of_arrays(pair: Study, chunked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    values = whole(pair).time.transpose(*opened(pair).time.dims).values
    if not chunked:  # a read is then of several blocks
        monkeypatch.setattr(xr.Variable, "chunk", lambda variable, *_, **__: variable)
    lazy = opened(pair).time.variable
    assert (lazy.chunks is not None) == chunked
    for key in (
        (slice(None, None, -1),) * 4,
        (1, [2, 0], -1, slice(1)),
        ([0], [-1, 1], slice(1, 1), 0),
        (0, [1, 1, 2], 0, [1, 1]),
    ):
        expected = values
        for axis in reversed(range(4)):
            expected = expected[(slice(None),) * axis + (key[axis],)]
        np.testing.assert_array_equal(lazy[key], expected)


@pytest.mark.slow
def test_missing_blocks_are_named_and_filled(pair: Study) -> None:
    files = runs.files(pair)
    for position in (0, 3):
        files[position].unlink()
    with pytest.warns(UserWarning, match=re.escape(f"block {files[0].stem} is missing ({files[0]})")) as caught:
        dataset = opening.open_results(pair.output, "line", "speciation")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert dataset.attrs["scoreshock_warnings"] == str(caught[0].message)
    assert str(caught[0].message).splitlines()[1].startswith(f"block {files[3].stem} is missing")
    hole = ((dataset.weight == 0.5) & (dataset.schedule == "ve")) | ((dataset.weight == 0.6) & (dataset.schedule == "edm"))
    expected = whole(pair)
    for name, variable in expected.data_vars.items():
        if {"weight", "schedule"} <= set(variable.dims):
            missing = np.nan if variable.dtype.kind == "f" else -1
            expected[name] = variable.where(~hole, missing).astype(variable.dtype).transpose(*variable.dims)
    same_bits(dataset, expected)  # what lacks an axis comes from the other blocks
    files[1].unlink()
    with pytest.warns(UserWarning, match="is missing"):
        dataset = opening.open_results(pair.output, "line", "speciation").sel(weight=0.5)
    assert dataset.tau_star.isnull().all()
    assert (dataset.status == -1).all()
    assert dataset.status.dtype == np.int8


@pytest.mark.slow
def test_of_many_missing_blocks_some_are_named(pair: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "NOTED", 2)
    for file in runs.files(pair)[1:]:
        file.unlink()
    with pytest.warns(UserWarning, match=r"\n\.\.\. and 3 more; `scoreshock status` lists them$") as caught:
        opening.open_results(pair.output, "line", "speciation")
    assert str(caught[0].message).count("is missing") == 2


def flip(file: Path) -> None:
    with netCDF4.Dataset(file, "a") as opened:
        opened["tau_star"][:] = 7.0


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def other(file: Path) -> None:
    runs.rewrite(file, {provenance.DIGEST: "0" * 16})


SPOILT: list[tuple[Callable[[Path], None], str]] = [
    (flip, "is corrupt: tau_star"),
    (cut, "is unreadable"),
    (empty, "is unreadable"),
    (other, "has other code or parameters than its folder"),
    (Path.unlink, "is missing"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "reason", "before"),
    [(*case, before) for case in SPOILT for before in (False, True)][:-1],  # what is missing when it is opened is filled
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize("position", [0, 2])
def test_a_broken_block_is_named_when_its_values_are_loaded(
    pair: Study, spoil: Callable[[Path], None], reason: str, before: bool, position: int
) -> None:
    file = runs.files(pair)[position]
    if before:
        spoil(file)
    dataset = pickle.loads(pickle.dumps(opened(pair)))
    if not before:
        spoil(file)
    weight = (0.5, 0.6)[position // 2]
    same_bits(dataset.sel(weight=[0.7]), whole(pair).sel(weight=[0.7]))
    with pytest.raises(store.BrokenFile, match=f"{re.escape(str(file))} {reason}"):
        dataset.tau_star.sel(weight=weight).load()


def test_where_no_block_is_whole_the_first_is_named(pair: Study) -> None:
    for file in runs.files(pair):
        empty(file)
    with pytest.raises(store.BrokenFile, match=re.escape(f"{runs.files(pair)[0]} is unreadable")):
        opened(pair)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [cut, Path.unlink], ids=lambda spoil: spoil.__name__)
def test_a_joined_file_that_breaks_between_opening_and_loading_is_named(pair: Study, spoil: Callable[[Path], None]) -> None:
    runs.run(pair, "join")
    file = Path(pair.output) / "line" / "speciation.nc"
    dataset = pickle.loads(pickle.dumps(opened(pair)))
    spoil(file)
    with pytest.raises(store.BrokenFile, match=re.escape(str(file))):
        dataset.load()


def changed(study: Study, **changes: Any) -> Study:
    """The study with other parameters, whose plan is written into the folder of the first."""
    result = runs.study(Path(study.output), split=list(SPLIT), **changes)
    runs.run(result, "plan")
    return result


@pytest.mark.slow
def test_a_joined_file_of_another_study_is_passed_over_for_the_blocks_of_this_one(pair: Study) -> None:
    runs.run(pair, "join")
    study = changed(pair, criteria=["first", "leading"])
    file = Path(pair.output) / "line" / "speciation.nc"
    output = f"{file} does not match the parameters, blocks or code of the study"
    with pytest.warns(UserWarning, match=f"^{re.escape(output)}$"):  # all that there is
        same_bits(opening.open_results(pair.output, "line", "speciation"), whole(pair))
    runs.run(study)
    with pytest.warns(UserWarning, match=f"^{re.escape(output)}; reading the blocks instead$"):
        same_bits(opening.open_results(pair.output, "line", "speciation"), whole(study))
    runs.run(study, "join")
    same_bits(opened(study), whole(study))


@pytest.mark.slow
def test_an_added_value_is_missing_and_the_other_blocks_are_read(pair: Study) -> None:
    runs.run(pair, "join")
    changed(pair, axes=runs.AXES | {"weight": [0.5, 0.6, 0.65, 0.7]})
    with pytest.warns(
        UserWarning, match=r"reading the blocks instead\nblock schedule=ve-[0-9a-f]{8},weight=0.65 is missing"
    ):
        dataset = opening.open_results(pair.output, "line", "speciation")
    same_bits(dataset.sel(weight=[0.5, 0.6, 0.7]), whole(pair))


@pytest.mark.slow
def test_blocks_of_other_code_are_not_read(pair: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.run(pair, "join")
    file = Path(pair.output) / "line" / "speciation.nc"
    monkeypatch.setattr(provenance, "code_digest", lambda *_: "0" * 64)
    study = runs.study(Path(pair.output), split=list(SPLIT))
    runs.run(study, "plan")
    with pytest.warns(
        UserWarning, match=rf"code of the study\n{re.escape(str(file))} was computed by another code version$"
    ):
        opening.open_results(pair.output, "line", "speciation")
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"no results of 'speciation' in .*; available: speciation$"):
        opening.open_results(pair.output, "line", "speciation")


def test_results_of_older_code_than_installed_open_with_a_word_about_it(
    pair: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "code_digest", lambda *_: "0" * 64)
    with pytest.warns(UserWarning, match="^the first block was computed by another code version$"):
        opening.open_results(pair.output, "line", "speciation")


@pytest.mark.slow
def test_a_broken_joined_file_is_named_and_the_blocks_are_read(pair: Study) -> None:
    file = Path(pair.output) / "line" / "speciation.nc"
    file.write_text("")
    with pytest.warns(UserWarning, match=r"speciation.nc is unreadable: the file is empty; reading the blocks instead$"):
        same_bits(opening.open_results(pair.output, "line", "speciation"), whole(pair))
    shutil.rmtree(Path(pair.output) / "line" / "blocks")
    with pytest.raises(store.BrokenFile, match=r"speciation.nc is unreadable: the file is empty"):
        opened(pair)


@pytest.mark.slow
def test_without_a_plan_the_joined_file_opens_and_blocks_ask_for_it(pair: Study) -> None:
    (Path(pair.output) / "line" / plans.PLAN).unlink()
    with pytest.raises(
        FileNotFoundError, match=r"; available: speciation; sweep.json is missing: running the study writes it"
    ):
        opened(pair)
    runs.run(pair, "join")
    same_bits(opened(pair), whole(pair))


@pytest.mark.slow
@pytest.mark.parametrize("joined", [False, True], ids=["blocks", "joined"])
def test_files_open_in_several_threads_at_a_time(pair: Study, joined: bool) -> None:
    runs.run(pair, *["join"] * joined)
    expected = whole(pair)

    def read(_: int) -> None:
        for _ in range(5):
            same_bits(opening.open_results(pair.output, "line", "speciation").load(), expected)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [None] * 4


@pytest.mark.slow
def test_the_same_block_opened_before_and_after_a_change_is_not_taken_for_one(pair: Study) -> None:
    before = opened(pair).tau_star
    before.compute()  # its files are open now, and stay what they were
    for file in runs.files(pair):
        runs.rewrite(file, tau_star=lambda values: values + 1)
    difference = opened(pair).tau_star - before
    np.testing.assert_allclose(difference, xr.ones_like(difference).where(difference.notnull()))


@pytest.mark.slow
def test_large_blocks_are_read_in_their_stored_chunks(tmp_path: Path) -> None:
    study = runs.study(tmp_path, axes={"separation": {"start": 0.5, "stop": 4, "num": 100_000}, "weight": [0.5, 0.6]})
    runs.run(study)
    dataset = opened(study)
    with netCDF4.Dataset(runs.files(study)[0]) as block:
        assert dataset.tau_star.data.chunksize == tuple(block["tau_star"].chunking())
    assert len(dataset.tau_star.chunks[0]) > 1
    same_bits(dataset, whole(study))


@pytest.mark.slow
def test_ten_thousand_blocks_open_without_a_look_at_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    axis = {"start": 0.1, "stop": 0.9, "num": 100}
    study = runs.study(tmp_path, axes={"separation": [1.0], "weight": axis, "variance": axis}, split=["weight", "variance"])
    runs.run(study, "plan")
    part, (first, *others) = runs.planned(study), runs.files(study)
    tasks.compute_block(part.content_of(next(values for _, values in part.blocks())), first, part.blocks_digest)
    for other in others:
        os.symlink(first, other)
    seen: list[Path] = []
    original = store.open_raw
    monkeypatch.setattr(store, "open_raw", lambda path, *full: seen.append(path) or original(path, *full))
    before = time.process_time()
    dataset = opened(study)
    assert time.process_time() - before < 5  # 0.6 s on a machine of 2020
    assert set(seen) == {first}
    assert dataset.tau_star.shape == (1, 100, 100, 2)
    assert dataset.tau_star[0, 99, 99].shape == dataset.tau_star[0, 99, 99].values.shape


@pytest.mark.slow
def test_files_open_by_name(computed: dict) -> None:
    study = computed[()]
    result = opening.open_files(runs.files(study))
    assert list(result) == ["speciation"]
    same_bits(result["speciation"], whole(study))


ARGUMENTS = {
    "no path": ((None, "line", "speciation"), "path = None is not allowed; allowed: a path"),
    "no name": (("here", 3, "speciation"), "sweep = 3 is not allowed; allowed: a name"),
    "a name that leads elsewhere": (("here", "..", "speciation"), "sweep = '..' is not allowed; allowed: a name"),
    "a number": (("here", "line", 3), "quantity = 3 is not allowed; allowed: a name"),
    "a quantity without its sweep": (("here", None, "speciation"), "sweep = None is not allowed; allowed: a name"),
    "no path of all": ((None,), "path = None is not allowed; allowed: a path"),
    "no folder": (("there",), "no folder there; paths are relative to the folder "),
    "another sweep of all": (("here", "lime"), "no sweep 'lime' in here; available: line"),
    "no sweep's name": (("here", 3), "sweep = 3 is not allowed; allowed: a name"),
    "a folder without results": (("here/line",), "no results in here/line; available: none"),
    "another sweep": (("here", "lime", "speciation"), "no sweep 'lime' in here; available: line"),
    "another quantity": (("here", "line", "speciaton"), "no results of 'speciaton' in here/line; available: speciation"),
    "a long path": (("x" * 300, "line", "speciation"), "no sweep 'line' in xxxx"),
}


@pytest.mark.parametrize(("arguments", "line"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_wrong_arguments_are_refused_with_one_line(
    arguments: tuple[Any, ...], line: str, pair: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(pair, tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError, OSError)) as caught:
        opening.open_results(*arguments)
    assert str(caught.value).startswith(line)
    assert len(str(caught.value)) <= 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two sweeps: two quantities of one, of which one is in blocks, and one of another."""
    path = tmp_path_factory.mktemp("results")
    small = {"family": "pair", "axes": {"separation": [1.0, 2.0]}, "quantities": ["speciation", "corrections"]}
    sweeps = {"line": small | {"split": ["separation"]}, "other": small | {"quantities": ["corrections"]}}
    for name, sweep in sweeps.items():
        study = Study.from_mapping({"output": str(path), "sweeps": {name: sweep}})
        runs.run(study)
    (path / "logs").mkdir()
    (path / "note.txt").write_text("mine")
    return path


@pytest.fixture
def spoilt(folder: Path, tmp_path: Path) -> Path:
    """A copy of `folder`, which may be spoilt."""
    return Path(shutil.copytree(folder, tmp_path / "spoilt"))


@pytest.mark.slow
def test_a_folder_opens_as_a_tree_of_what_each_quantity_opens_as(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = opening.open_results(folder)
    assert [node.path for node in tree.leaves] == ["/line/speciation", "/line/corrections", "/other/corrections"]
    for node in tree.leaves:
        one = opening.open_results(folder, node.parent.name, node.name)
        assert node.to_dataset().attrs == one.attrs
        xr.testing.assert_identical(node.to_dataset(), one)
    assert "scoreshock_warnings" not in tree.attrs


@pytest.mark.slow
def test_a_sweep_opens_as_the_branch_of_the_tree(folder: Path) -> None:
    branch = opening.open_results(folder, "line")
    assert branch.is_root
    assert list(branch.children) == ["speciation", "corrections"]
    assert branch.attrs["title"] == "results of the sweep line"
    xr.testing.assert_identical(branch, opening.open_results(folder)["line"])


@pytest.mark.slow
def test_a_tree_opens_without_reading_values(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = store.read
    monkeypatch.setattr(store, "read", lambda variable, key=...: read.append(variable.name) or original(variable, key))
    tree = opening.open_results(folder)
    axes = {str(name) for node in tree.leaves for name in node.to_dataset().xindexes}
    assert set(read) <= axes
    assert all(node.to_dataset().chunks for node in tree.leaves)


@pytest.mark.slow
def test_damaged_and_missing_quantities_are_named_and_the_others_open(spoilt: Path) -> None:
    (spoilt / "other" / "corrections.nc").write_bytes(b"no NetCDF")
    shutil.rmtree(spoilt / "line" / "blocks")
    runs.run(Study.from_mapping({"output": str(spoilt), "sweeps": {"third": {**runs.SWEEP, "split": []}}}))
    (spoilt / "third" / "sweep.json").write_text("{")
    with pytest.warns(UserWarning, match="line/speciation: no results") as caught:
        tree = opening.open_results(spoilt)
    text = tree.attrs["scoreshock_warnings"]
    assert str(caught[0].message) == text
    assert "other/corrections: " in text
    assert "corrections.nc is unreadable" in tree["other/corrections"].attrs["scoreshock_warnings"]
    assert "sweep.json is not a plan" in text
    assert not tree["other/corrections"].data_vars
    assert not tree["line/speciation"].data_vars
    assert tree["third/speciation"].data_vars


@pytest.mark.slow
def test_missing_blocks_are_named_in_the_tree(spoilt: Path) -> None:
    next((spoilt / "line" / "blocks").glob("speciation-*/separation=1.0.nc")).unlink()
    with pytest.warns(UserWarning, match="line/speciation: block separation=1.0 is missing"):
        tree = opening.open_results(spoilt)
    assert "block separation=1.0 is missing" in tree["line/speciation"].attrs["scoreshock_warnings"]
    assert np.isnan(tree["line/speciation"].tau_star.sel(separation=1.0)).all()
