"""Joining changes no bit, and refuses what does not belong together."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from scoreshock.storage import joining, opening, provenance, store
from scoreshock.study.evaluation import evaluate
from scoreshock.study.study import Study

from .. import runs

SEPARATION = [0.5, 2.0, 1.0]
TIMES = {"values": [0.25, 1.0], "unit": "speciation"}
SWEEPS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "pair": (
        {
            "axes": {"variance": [1.0, 0.0], "separation": SEPARATION, "weight": [0.3, 0.5], "schedule": ["ve", "edm"]},
            "split": ["variance", "schedule"],
        },
        ["speciation", "corrections", "scores", "amplification", "layer", "modes"],
    ),
    "a pair in dimensions": (
        {"axes": {"dimension": [64, 3], "separation": SEPARATION}, "split": ["dimension", "separation"]},
        ["scores", "speciation", "divergence"],
    ),
    "line": (
        {"family": "collinear", "axes": {"separation": SEPARATION}, "split": ["separation"]},
        ["speciation", "burgers", "trajectories", "regions", "cascade", "decisions"],
    ),
    "plane": (
        {"family": "polygon", "axes": {"variance": [0.5, 0.25], "separation": SEPARATION}, "split": ["variance"]},
        ["scores", "speciation", "layer"],
    ),
    "wells": (
        {
            "family": "tilted-quartic",
            "axes": {"half_distance": [0.5, 1.5], "tilt": [0, 6]},
            "split": ["tilt", "half_distance"],
        },
        ["speciation", "scores", "layer"],
    ),
}
OPTIONS = {"tau": TIMES, "x": {"values": [-1.0, 0.5], "unit": "layer"}, "starts": [0.5], "distance": [0.0, 1.0]}
CASES = [(name, quantity) for name, (_, quantities) in SWEEPS.items() for quantity in quantities]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "quantity"), CASES)
def test_a_joined_file_is_the_unsplit_sweep(tmp_path: Path, name: str, quantity: str) -> None:
    changes, _ = SWEEPS[name]
    study = runs.study(tmp_path, **OPTIONS | changes | {"quantities": [quantity], "criteria": None})
    runs.run(study, "plan", "compute", "join")
    folder = tmp_path / "line"
    assert store.inspect(folder / f"{quantity}.nc", full=True).state == "ok"
    assert [path for path in folder.rglob("*") if path.name.startswith(".")] == []
    expected = evaluate(study.sweeps["line"], quantity, chunked=False)
    joined = opening.open_results(tmp_path, "line", quantity)
    runs.same_bits(joined, expected)
    split = study.sweeps["line"].split_of(quantity)
    lacking = [name for name, variable in expected.variables.items() if not set(split) <= set(variable.dims)]
    assert split
    assert lacking  # some variable that lacks a split axis


@pytest.mark.slow
def test_a_joined_file_has_the_layout_of_one_that_was_computed_at_once(tmp_path: Path) -> None:
    for folder, split in (("split", ["weight"]), ("whole", [])):
        runs.run(runs.study(tmp_path / folder, split=split), "plan", "compute", "join")
    with (netCDF4.Dataset(tmp_path / "split/line/speciation.nc") as joined,
          netCDF4.Dataset(tmp_path / "whole/line/speciation.nc") as whole):  # fmt: skip
        assert joined.ncattrs() == whole.ncattrs()
        differing = {name for name in whole.ncattrs() if joined.getncattr(name) != whole.getncattr(name)}
        assert differing <= {"history", provenance.DIGEST, store.MARKER, store.CHECKSUMS, "scoreshock_threads"}
        both = [store.checksums(each.getncattr(store.CHECKSUMS)) for each in (joined, whole)]
        assert both[0] == both[1]  # in another order
        assert "joined 3 blocks" in joined.history
        for name, variable in whole.variables.items():
            assert joined[name].chunking() == variable.chunking(), name
            assert joined[name].ncattrs() == variable.ncattrs(), name


def refused(study: Study, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        joining.join(Path(study.output) / "line", runs.planned(study))
    assert not list(Path(study.output, "line").glob("*.nc"))
    assert not list(Path(study.output, "line").glob(".*"))
    if error is store.BrokenFile:
        with pytest.raises(error) as caught:
            runs.run(study, "join")
        assert caught.value.__notes__[-1] == "To recompute a broken file, add to the same command: --forcerun FILE"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("position", "name", "change"),
    [
        (2, "separation", lambda values: values + 1e-9),
        (3, "criterion", lambda values: values.str.upper()),
        (1, "tau_star", lambda values: values + 1e-15),  # has no schedule: of the first block of its weight
        (5, "status", lambda values: values + 1),
        (1, "weight", lambda values: values + 0.1),
    ],
    ids=["coordinate", "label", "variable", "flag", "value of the block"],
)
def test_blocks_that_disagree_are_refused_by_name(pair: Study, position: int, name: str, change: Any) -> None:
    file = runs.files(pair)[position]
    if name in ("separation", "criterion", "weight"):
        with store.open_file(file, chunks=None) as dataset:
            loaded = dataset.load()
        store.write(loaded.assign_coords({name: (name, change(loaded[name]).values, loaded[name].attrs)}), file)
    else:
        runs.rewrite(file, **{name: change})
    refused(pair, ValueError, f"^blocks disagree about {name}: the first one, {re.escape(str(file))}\n")


def test_zero_and_minus_zero_disagree_and_all_nan_are_one() -> None:
    zero, nan = np.array([0.0]), np.array([np.nan])
    assert not joining.agree(zero, -zero)
    assert joining.agree(nan, np.frombuffer(b"\1" + nan.tobytes()[1:]))
    assert not joining.agree(zero, zero.astype(np.float32))
    assert not joining.agree(zero, np.zeros(2))


@pytest.mark.slow
def test_a_block_of_another_digest_is_refused_by_name(pair: Study) -> None:
    file = runs.files(pair)[3]
    runs.rewrite(file, {provenance.DIGEST: "0" * 16})
    name = re.escape(str(file))
    refused(pair, ValueError, f"^{name} has other code or parameters .*add to the same command: --forcerun {name}\n")


@pytest.mark.slow
@pytest.mark.parametrize("change", [lambda d: d.drop_vars("tau_star"), lambda d: d.assign(tau_star=d.tau_star.astype("f4"))])
def test_a_block_of_other_variables_or_types_is_refused_by_name(pair: Study, change: Any) -> None:
    file = runs.files(pair)[4]
    with store.open_file(file, chunks=None) as dataset:
        loaded = dataset.load()
    store.write(change(loaded), file)
    refused(pair, ValueError, rf"^{re.escape(str(file))} does not fit the layout of the first block: tau_star\n")


def flip(file: Path) -> None:
    with netCDF4.Dataset(file, "a") as opened:
        opened["status"][:] = 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(flip, "is corrupt: status"), (lambda file: file.write_bytes(b""), "is unreadable"), (Path.unlink, "is missing")],
    ids=["changed", "empty", "missing"],
)
@pytest.mark.parametrize("position", [0, 4])
def test_a_broken_block_is_refused_when_joining(pair: Study, spoil: Any, reason: str, position: int) -> None:
    file = runs.files(pair)[position]
    spoil(file)
    refused(pair, store.BrokenFile, f"^{re.escape(str(file))} {reason}")


@pytest.mark.slow
def test_a_large_variable_that_another_program_changed_is_refused(tmp_path: Path) -> None:
    axes = {"separation": {"start": 0.5, "stop": 4.0, "num": 10_000}, "weight": [0.5, 0.6]}
    study = runs.study(tmp_path, axes=axes, criteria=["leading"])
    runs.run(study)
    file = runs.files(study)[1]
    with netCDF4.Dataset(file, "a") as opened:
        assert opened["tau_star"].chunking() != "contiguous"  # so that its chunks' own checksums are right again
        opened["tau_star"][9_000] = 7.0
    refused(study, store.BrokenFile, f"^{re.escape(str(file))} is corrupt: tau_star: values differ from their checksum")


@pytest.mark.slow
def test_values_are_in_the_order_of_the_study(tmp_path: Path) -> None:
    labels = {"weight": [0.7, 0.5, 0.6], "schedule": ["edm", "ve"]}
    study = runs.study(tmp_path, axes=runs.AXES | labels, split=["schedule", "weight"])
    runs.run(study, "plan", "compute", "join")
    joined = opening.open_results(tmp_path, "line", "speciation")
    assert {axis: joined[axis].values.tolist() for axis in labels} == labels
    runs.same_bits(joined, evaluate(study.sweeps["line"], "speciation", chunked=False))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_of_joining_does_not_grow_with_the_sweep(tmp_path: Path) -> None:
    code = """
        import re, sys
        from pathlib import Path
        import dask.array as da, xarray as xr
        from scoreshock.storage import joining, provenance, store
        from scoreshock.storage.plans import Planned
        def peak():  # not ru_maxrss, which starts from what the parent held
            return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
        def part(number):
            values = {float(i): str(float(i)) for i in range(number)}
            return Planned("whole", "blocks", {"variance": values}, True, "q", {"quantity": f"q{number}", "axes": {}})
        folder = Path(sys.argv[1])
        for number in (1, 12):
            for i, file in enumerate(part(number).files):
                data = (da.arange(500_000, chunks=100_000, dtype=float) % 7)[None]
                named = {"tau_star": (("variance", "point"), data, {"long_name": "time"})}
                block = xr.Dataset(named, {"variance": [float(i)]})
                store.write(block, folder / file, {provenance.DIGEST: "blocks", "history": ""})
        joining.join(folder, part(1))
        before = peak()
        joining.join(folder, part(12))
        print(peak() - before)
    """
    call = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    run = subprocess.run(call, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 15  # MiB; the array alone has 46
    with store.open_file(tmp_path / "q12.nc", chunks=None) as joined:
        np.testing.assert_array_equal(joined.tau_star.isel(variance=[3, 11]), np.tile(np.arange(500_000) % 7.0, (2, 1)))
