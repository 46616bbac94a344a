"""Joining blocks changes no value, and opening says what is not there."""

from __future__ import annotations

import itertools
import json
import pickle
import re
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

from scoreshock import provenance, results, store

SEPARATION = np.linspace(0.5, 8.0, 6)
CRITERION = ["leading", "exact"]
VALUES: dict[str, list[Any]] = {"variance": [1.0, 0.1, 0.25], "schedule": ["ve", "ddpm-with-a-long-name"]}
CODE = {"scoreshock_code_digest": provenance.code_digest("speciation")}


def whole_sweep() -> xr.Dataset:
    """Everything at once, in the vocabulary's names, with no dimension that a variable does not need."""
    draws = np.random.default_rng(1)
    sizes = {"separation": 6, "variance": 3, "schedule": 2, "criterion": 2}

    def normal(*dims: str) -> tuple[tuple[str, ...], np.ndarray]:
        return dims, draws.normal(size=[sizes[dim] for dim in dims])

    tau_dims = ("separation", "variance", "criterion")
    tau = np.where(draws.uniform(size=(6, 3, 2)) < 0.3, np.nan, draws.normal(size=(6, 3, 2)))
    return xr.Dataset(
        {
            "tau_star": (tau_dims, tau),
            "status": (tau_dims, np.where(np.isnan(tau), 6, 0).astype(np.int8)),
            "n_roots": (tau_dims[:2], draws.integers(0, 4, (6, 3))),
            "time": normal("separation", "variance", "criterion", "schedule"),
            "noise": normal("schedule"),
            "component_weight": ("component", [0.4, np.nan]),
            "component_variance": ("variance", VALUES["variance"]),
        },
        {"separation": SEPARATION, "criterion": CRITERION, **VALUES},
    )


VALUES_OF_BLOCKS = {(): np.array(VALUES["variance"]), ("variance",): np.array(VALUES["variance"][:1])}
"""Variances of the first block, by what is split."""


def name_of(values: Mapping[str, Any]) -> str:
    return ",".join(f"{axis}={value}" for axis, value in sorted(values.items())) or "all"


def combinations(split: Sequence[str]) -> list[dict[str, Any]]:

    return [dict(zip(split, values, strict=True)) for values in itertools.product(*(VALUES[axis] for axis in split))]


def write_blocks(folder: Path, split: Sequence[str], dataset: xr.Dataset | None = None) -> list[Path]:
    """Write the block files of ``split`` and the plan; return the files in the order of the plan."""
    dataset = whole_sweep() if dataset is None else dataset
    paths, blocks = [], []
    for values in combinations(split):
        name = name_of(values)
        digest = provenance.parameters_digest(values)
        blocks.append({"name": name, "values": values, "contents": {"speciation": digest}})
        paths.append(folder / "blocks" / name / "speciation.nc")
        block = dataset.sel({axis: [value] for axis, value in values.items()})
        own = {"scoreshock_parameters": json.dumps(values), "scoreshock_parameters_digest": digest}
        store.write(block, paths[-1], CODE | own | {"title": "t", "history": "h"})
    results.write_plan(folder, {"split": list(split), "quantities": ["speciation"], "blocks": blocks})
    return paths


def same_bits(left: xr.Dataset, right: xr.Dataset) -> None:
    assert set(left.variables) == set(right.variables)
    for name in left.variables:
        assert left[name].dims == right[name].dims, name
        np.testing.assert_array_equal(left[name].values, right[name].values, err_msg=str(name))


@pytest.mark.parametrize("split", [(), ("variance",), ("schedule",), ("variance", "schedule"), ("schedule", "variance")])
def test_joined_and_lazily_opened_blocks_equal_the_undivided_sweep(tmp_path: Path, split: tuple[str, ...]) -> None:
    paths = write_blocks(tmp_path / "pair", split)
    same_bits(results.open_results(tmp_path, "pair", "speciation"), whole_sweep())
    results.merge(paths, tmp_path / "pair" / "speciation.nc", split)
    joined = tmp_path / "pair" / "speciation.nc"
    assert store.inspect(joined, full=True).state == "ok"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = results.open_results(tmp_path, "pair", "speciation")
    same_bits(opened, whole_sweep())
    assert opened.sel(criterion="exact", schedule="ddpm-with-a-long-name").time.chunks is not None
    assert [child.name for child in joined.parent.iterdir() if child.name.startswith(".")] == []


def test_joined_variables_keep_their_description_and_small_blocks_share_stored_chunks(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    results.merge(paths, tmp_path / "out.nc", ["variance"])
    with netCDF4.Dataset(paths[0]) as block, netCDF4.Dataset(tmp_path / "out.nc") as joined:
        for name, variable in block.variables.items():
            kept = {key: variable.getncattr(key) for key in variable.ncattrs() if key != store.CHECKSUM}
            for key, value in kept.items():
                np.testing.assert_array_equal(joined[name].getncattr(key), value)
        assert joined["tau_star"].chunking() == [6, 3, 2]


def test_the_order_of_the_paths_is_the_order_of_the_values(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    results.merge(paths[::-1], tmp_path / "out.nc", ["variance"])
    same_bits(store.open_file(tmp_path / "out.nc"), whole_sweep().isel(variance=slice(None, None, -1)))


def test_attributes_that_all_blocks_share_are_kept_and_others_listed_by_block(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    results.merge(paths, tmp_path / "out.nc", ["variance"], {"scoreshock_threads": 2})
    attributes = store.inspect(tmp_path / "out.nc").attributes
    assert attributes["title"] == "t"
    assert attributes["scoreshock_threads"] == 2
    assert attributes["scoreshock_code_digest"] == CODE["scoreshock_code_digest"]
    assert "scoreshock_parameters" not in attributes
    assert attributes["history"].startswith("h\n")
    own = json.loads(attributes["scoreshock_blocks"])
    assert list(own) == ["variance=1.0", "variance=0.1", "variance=0.25"]
    assert json.loads(own["variance=0.1"]["scoreshock_parameters"]) == {"variance": 0.1}


def change(path: Path, attributes: Mapping[str, Any] | None = None, **variables: Any) -> None:
    """Rewrite a block with other values or attributes."""
    dataset = store.open_file(path).load()
    dataset.close()
    changed = dataset.assign({name: (dataset[name].dims, value) for name, value in variables.items()})
    store.write(changed, path, attributes)


def test_blocks_that_disagree_about_what_they_share_are_named(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    change(paths[1], component_weight=np.array([0.4, 0.0]))
    with pytest.raises(ValueError, match=r"disagree about component_weight: variance=1.0/.*variance=0.1/"):
        results.merge(paths, tmp_path / "out.nc", ["variance"])
    assert not (tmp_path / "out.nc").exists()


def test_zero_and_minus_zero_are_different_bits(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",), whole_sweep().assign(component_weight=("component", [0.0, np.nan])))
    change(paths[2], component_weight=np.array([-0.0, np.nan]))
    with pytest.raises(ValueError, match="disagree about component_weight"):
        results.merge(paths, tmp_path / "out.nc", ["variance"])


def test_blocks_with_other_labels_are_refused(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    dataset = store.open_file(paths[0]).load()
    store.write(dataset.assign_coords(criterion=["leading", "first"]), paths[0])
    with pytest.raises(ValueError, match="disagree about criterion"):
        results.merge(paths, tmp_path / "out.nc", ["variance"])


def test_blocks_of_different_code_are_refused_and_named(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    change(paths[1], {"scoreshock_code_digest": "0" * 64})
    with pytest.raises(ValueError, match=r"different code.*; 000000000000: variance=0.1/speciation.nc$"):
        results.merge(paths, tmp_path / "out.nc", ["variance"])


def test_a_broken_block_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    paths[2].write_bytes(paths[2].read_bytes()[:5000])
    with pytest.raises(store.BrokenFile, match=r"variance=0.25/speciation.nc is unreadable"):
        results.merge(paths, tmp_path / "out.nc", ["variance"])
    assert not (tmp_path / "out.nc").exists()


def test_values_changed_in_a_block_after_writing_do_not_reach_the_joined_file(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    with netCDF4.Dataset(paths[2], "a") as file:
        file["tau_star"][0, 0, 0] = 5.0
    with pytest.raises(store.BrokenFile, match=r"variance=0.25/speciation.nc is corrupt: tau_star"):
        results.merge(paths, tmp_path / "out.nc", ["variance"])


def test_places_that_no_block_gives_are_named(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance", "schedule"))
    with pytest.raises(ValueError, match=r"no block gives time at variance=0.1, schedule=ve"):
        results.merge([p for i, p in enumerate(paths) if i != 2], tmp_path / "out.nc", ["variance", "schedule"])
    with pytest.raises(ValueError, match="no blocks"):
        results.merge([], tmp_path / "out.nc", ["variance"])


def test_a_block_with_two_values_of_a_split_axis_is_refused(tmp_path: Path) -> None:
    store.write(whole_sweep(), tmp_path / "a.nc")
    with pytest.raises(ValueError, match="split axis variance"):
        results.merge([tmp_path / "a.nc"], tmp_path / "out.nc", ["variance"])


def blocks_of_unequal_steps(folder: Path) -> list[Path]:
    paths = []
    for label, steps in (("edm", 2), ("ddpm", 4), ("ve", 3)):
        block = xr.Dataset(
            {
                "time": (("schedule", "step"), np.arange(steps, dtype=float)[None]),
                "time_status": (("schedule", "step"), np.zeros((1, steps), np.int8)),
                "n_roots": (("schedule", "step"), np.ones((1, steps), np.int16)),
            },
            {"schedule": [label], "step": np.arange(steps)},
        )
        paths.append(folder / "s" / "blocks" / label / "speciation.nc")
        store.write(block, paths[-1], CODE)
    blocks = [{"name": name, "values": {"schedule": name}} for name in ("edm", "ddpm", "ve")]
    results.write_plan(folder / "s", {"split": ["schedule"], "quantities": ["speciation"], "blocks": blocks})
    return paths


def test_shorter_blocks_are_filled_with_nan_and_missing(tmp_path: Path) -> None:
    paths = blocks_of_unequal_steps(tmp_path)
    lazy = results.open_results(tmp_path, "s", "speciation")
    results.merge(paths, tmp_path / "out.nc", ["schedule"])
    nan = np.nan
    for dataset in (lazy, store.open_file(tmp_path / "out.nc")):
        np.testing.assert_array_equal(dataset.step, np.arange(4))
        np.testing.assert_array_equal(dataset.time, [[0, 1, nan, nan], [0, 1, 2, 3], [0, 1, 2, nan]])
        np.testing.assert_array_equal(dataset.time_status.sel(schedule="edm"), [0, 0, -1, -1])
        np.testing.assert_array_equal(dataset.n_roots.sel(schedule="edm"), [1, 1, -1, -1])


def test_missing_and_broken_blocks_are_named_and_filled(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path / "pair", ("variance", "schedule"))
    paths[0].unlink()
    paths[3].write_bytes(b"")
    with pytest.warns(UserWarning, match=r"block schedule=ve,variance=1.0 is missing") as caught:
        opened = results.open_results(tmp_path, "pair", "speciation")
    assert "block schedule=ddpm-with-a-long-name,variance=0.1 is unreadable" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert opened.attrs["scoreshock_warnings"] == str(caught[0].message)
    expected = whole_sweep()
    hole = xr.zeros_like(expected.time, dtype=bool)
    hole.loc[{"variance": 1.0, "schedule": "ve"}] = True
    hole.loc[{"variance": 0.1, "schedule": "ddpm-with-a-long-name"}] = True
    same_bits(opened, expected.assign(time=expected.time.where(~hole)))


def test_flags_and_integers_of_missing_blocks_are_minus_one(tmp_path: Path) -> None:
    write_blocks(tmp_path / "pair", ("variance",))[1].unlink()
    with pytest.warns(UserWarning, match="variance=0.1 is missing"):
        opened = results.open_results(tmp_path, "pair", "speciation")
    np.testing.assert_array_equal(opened.variance, VALUES["variance"])
    hole = opened.sel(variance=0.1).compute()
    assert (hole.status == -1).all()
    assert opened.status.dtype == np.int8
    assert (hole.n_roots == -1).all()
    assert hole.tau_star.isnull().all()
    assert opened.tau_star.chunks is not None


def test_blocks_of_another_code_version_are_opened_and_named(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path / "pair", ("variance",))
    change(paths[1], {"scoreshock_code_digest": "0" * 64}, component_weight=np.array([0.4, 0.5]))
    with pytest.warns(UserWarning, match="block variance=0.1 is of another code version") as caught:
        results.open_results(tmp_path, "pair", "speciation")
    assert "component_weight differs between variance=1.0/speciation.nc and variance=0.1" in str(caught[0].message)
    results.merge(paths[1:2], tmp_path / "pair" / "speciation.nc", ["variance"])
    for path in paths:
        path.unlink()
    with pytest.warns(UserWarning, match=r"lacks variance=1.0, variance=0.25\n.* is of another code version"):
        results.open_results(tmp_path, "pair", "speciation")


def test_blocks_that_were_all_made_again_by_newer_code_are_read_instead_of_the_joined_file(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path / "pair", ("variance",))
    joined = tmp_path / "pair" / "speciation.nc"
    results.merge(paths, joined, ["variance"])
    change(joined, {"scoreshock_code_digest": "0" * 64})
    with pytest.warns(UserWarning, match=r"speciation.nc is of another code version; reading the blocks instead") as caught:
        same_bits(results.open_results(tmp_path, "pair", "speciation"), whole_sweep())
    assert len(caught) == 1
    for path in (paths[1], paths[0]):  # not all are, then not even the first
        change(path, {"scoreshock_code_digest": "1" * 64}, n_roots=np.zeros((6, 1), np.int8))
        with pytest.warns(UserWarning, match=r"speciation.nc is of another code version$"):
            same_bits(results.open_results(tmp_path, "pair", "speciation"), whole_sweep())


@pytest.mark.parametrize("joined", [False, True], ids=["blocks", "joined"])
def test_files_open_in_several_threads_at_a_time(tmp_path: Path, joined: bool) -> None:
    paths = write_blocks(tmp_path / "pair", ("variance",))
    if joined:
        results.merge(paths, tmp_path / "pair" / "speciation.nc", ["variance"])
    whole = whole_sweep()

    def read(_: int) -> None:
        for _ in range(20):
            same_bits(results.open_results(tmp_path, "pair", "speciation").load(), whole)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [None] * 4


def test_blocks_that_a_whole_joined_file_lacks_are_read(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path / "pair", ("variance",))
    results.merge(paths[:2], tmp_path / "pair" / "speciation.nc", ["variance"])
    with pytest.warns(UserWarning, match=r"speciation.nc lacks variance=0.25; reading the blocks instead"):
        opened = results.open_results(tmp_path, "pair", "speciation")
    same_bits(opened, whole_sweep())


@pytest.mark.parametrize("split", [(), ("variance",)])
def test_a_joined_file_of_other_parameters_is_passed_over_for_blocks_of_the_studys(tmp_path: Path, split: tuple) -> None:
    folder = tmp_path / "pair"
    results.merge(write_blocks(folder, split), folder / "speciation.nc", split)
    plan = json.loads((folder / "sweep.json").read_text())
    changed = provenance.parameters_digest({"seed": 1})
    plan["blocks"][0]["contents"]["speciation"] = changed
    results.write_plan(folder, plan)
    name = plan["blocks"][0]["name"]
    block = folder / "blocks" / name / "speciation.nc"
    change(block, {"scoreshock_parameters_digest": changed}, component_variance=7.0 * VALUES_OF_BLOCKS[split])
    with pytest.warns(
        UserWarning, match=r"speciation.nc is of other parameters or blocks than the study lists; reading the"
    ):
        opened = results.open_results(tmp_path, "pair", "speciation")
    np.testing.assert_array_equal(opened.component_variance[:1], 7.0 * VALUES_OF_BLOCKS[split][:1])
    # Without blocks it is all that there is.
    for path in folder.glob("blocks/*/*.nc"):
        path.unlink()
    with pytest.warns(UserWarning, match=r"speciation.nc is of other parameters or blocks than the study lists$"):
        same_bits(results.open_results(tmp_path, "pair", "speciation"), whole_sweep())


def test_a_block_of_other_parameters_is_not_opened_nor_joined(tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    paths = write_blocks(folder, ("variance",))
    change(paths[1], {"scoreshock_parameters_digest": "0" * 64})
    with pytest.warns(UserWarning, match="block variance=0.1 is of other parameters than the study's"):
        opened = results.open_results(tmp_path, "pair", "speciation")
    assert opened.tau_star.sel(variance=0.1).isnull().all()
    with pytest.raises(
        ValueError, match=r"1 of the blocks are of other parameters .* --forcerun .*variance=0.1/speciation.nc"
    ):
        results.merge(paths, folder / "speciation.nc", ["variance"])
    assert not (folder / "speciation.nc").exists()


def test_combinations_that_no_block_has_are_said(tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    write_blocks(folder, ("variance", "schedule"))
    plan = json.loads((folder / "sweep.json").read_text())
    results.write_plan(folder, plan | {"blocks": plan["blocks"][:-1]})
    with pytest.warns(UserWarning, match="1 of the combinations of variance, schedule are in no block that the study lists"):
        results.open_results(tmp_path, "pair", "speciation")


def test_a_broken_joined_file_is_named_and_the_blocks_are_read(tmp_path: Path) -> None:
    write_blocks(tmp_path / "pair", ("variance",))
    (tmp_path / "pair" / "speciation.nc").write_text("")
    with pytest.warns(UserWarning, match="speciation.nc is unreadable: the file is empty; reading the blocks"):
        opened = results.open_results(tmp_path, "pair", "speciation")
    same_bits(opened, whole_sweep())


def test_what_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    write_blocks(tmp_path / "pair", ("variance",))
    with pytest.raises(FileNotFoundError, match=r"no sweep 'pear' in .*; there: pair"):
        results.open_results(tmp_path, "pear", "speciation")
    with pytest.raises(FileNotFoundError, match=r"nothing whole of 'scores'.*; block variance=1.0 is missing"):
        results.open_results(tmp_path, "pair", "scores")
    (tmp_path / "bare").mkdir()
    with pytest.raises(FileNotFoundError, match=r"nothing whole of .speciation. in .*bare; there: none"):
        results.open_results(tmp_path, "bare", "speciation")


def test_an_unchanged_plan_is_not_written_again(tmp_path: Path) -> None:
    plan = {"split": ["variance"], "quantities": ["speciation"], "blocks": []}
    results.write_plan(tmp_path, plan)
    before = (tmp_path / "sweep.json").stat().st_mtime_ns
    results.write_plan(tmp_path, plan)
    assert (tmp_path / "sweep.json").stat().st_mtime_ns == before
    assert [child.name for child in tmp_path.iterdir()] == ["sweep.json"]


def test_files_open_by_name(tmp_path: Path) -> None:
    paths = write_blocks(tmp_path, ("variance",))
    assert list(results.open_files(paths[:1])) == ["speciation"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_of_joining_does_not_grow_with_the_sweep(tmp_path: Path) -> None:
    code = """
        import re, sys
        from pathlib import Path
        import dask.array as da, numpy as np, xarray as xr
        from scoreshock import results, store
        def peak():  # not ru_maxrss, which starts from what the parent held
            return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
        folder = Path(sys.argv[1])
        paths = [folder / f"{i}.nc" for i in range(12)]
        for i, path in enumerate(paths):
            data = (da.arange(500_000, chunks=100_000, dtype=float) % 7)[None]
            store.write(xr.Dataset({"tau_star": (("variance", "point"), data)}, {"variance": [float(i)]}), path)
        results.merge(paths[:1], folder / "one.nc", ["variance"])
        before = peak()
        results.merge(paths, folder / "all.nc", ["variance"])
        print(peak() - before)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) < 15  # MiB; the array alone has 46


ARGUMENTS = {
    "no path": ((None, "pair", "speciation"), "path = None is not allowed; allowed: a path"),
    "no name": (("here", 3, "speciation"), "sweep = 3 is not allowed; allowed: a name"),
    "a name that leads elsewhere": (("here", "..", "speciation"), "sweep = '..' is not allowed; allowed: a name"),
    "no quantity": (("here", "pair", None), "quantity = None is not allowed; allowed: a name"),
    "another sweep": (("here", "pear", "speciation"), "no sweep 'pear' in here; there: pair"),
    "another quantity": (("here", "pair", "speciaton"), "nothing whole of 'speciaton' in here/pair; there: speciation"),
    "a long path": (("x" * 300, "pair", "speciation"), "no sweep 'pair' in xxxx"),
}


@pytest.mark.parametrize(("arguments", "line"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_wrong_arguments_are_refused_with_one_line(
    arguments: tuple[Any, ...], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store.write(whole_sweep(), tmp_path / "here" / "pair" / "speciation.nc", CODE)
    with pytest.raises((ValueError, TypeError, OSError)) as caught:
        results.open_results(*arguments)
    assert str(caught.value).startswith(line)
    assert len(str(caught.value)) <= 300


def large(variance: list[float]) -> xr.Dataset:
    """Some hundred kilobytes, stored in several chunks."""
    separation = np.arange(30_000.0)
    tau = np.random.default_rng(0).normal(size=(30_000, len(variance), 2))
    axes = ("separation", "variance", "criterion")
    return xr.Dataset(
        {"tau_star": (axes, tau)}, {"separation": separation, "variance": variance, "criterion": ["leading", "exact"]}
    )


def cut(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def overwrite(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        opened.write(b"\xff" * 2000)


@pytest.mark.parametrize("spoil", [cut, overwrite])
@pytest.mark.parametrize("split", [False, True])
def test_a_file_that_breaks_between_opening_and_loading_is_named(tmp_path: Path, spoil: Any, split: bool) -> None:
    if split:
        names = [f"variance={variance}" for variance in (0.1, 1.0)]
        for name in names:
            variance = float(name.removeprefix("variance="))
            store.write(large([variance]), tmp_path / "pair" / "blocks" / name / "speciation.nc", CODE)
        blocks = [{"name": name, "values": {"variance": float(name[9:])}, "contents": {}} for name in names]
        results.write_plan(tmp_path / "pair", {"split": ["variance"], "quantities": ["speciation"], "blocks": blocks})
        file = tmp_path / "pair" / "blocks" / names[1] / "speciation.nc"
    else:
        file = tmp_path / "pair" / "speciation.nc"
        store.write(large([0.1, 1.0]), file, CODE)
    opened = results.open_results(tmp_path, "pair", "speciation")
    assert opened.tau_star.chunks is not None
    spoil(file)
    with pytest.raises(store.BrokenFile, match=re.escape(str(file))):
        opened.tau_star.load()


def test_a_file_that_is_removed_between_opening_and_loading_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pair" / "speciation.nc"
    store.write(large([0.1, 1.0]), file, CODE)
    opened = pickle.loads(pickle.dumps(results.open_results(tmp_path, "pair", "speciation")))
    file.unlink()
    with pytest.raises(store.BrokenFile, match=re.escape(str(file))):
        opened.tau_star.load()
