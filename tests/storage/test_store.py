"""Files are whole or absent, and what is wrong with any other is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import dask
import dask.array as da
import netCDF4
import numpy as np
import pytest
import xarray as xr

from scoreshock import conventions
from scoreshock.quantities.declaration import criteria_of
from scoreshock.storage import encoding, provenance, staging, store
from scoreshock.study.vocabulary import vocabulary

from .. import compliance
from ..described import described, made
from ..disks import mounted

CRITERIA = (*criteria_of(), "matched-gaussian")
QUANTITIES = tuple(vocabulary().of("mixture"))

CONTENT = {
    "family": "pair",
    "parameters": {"scaling": "fixed", "seed": 3},
    "axes": {"separation": {"values": [0.5, 2.0]}},
    "schedules": {},
    "quantity": "speciation",
    "options": {"criteria": list(CRITERIA)},
}


def speciation(n: int = 40, chunked: bool = True) -> xr.Dataset:
    """Made-up values under the vocabulary's names: floats, flags, integers, a boolean, text, a scalar, NaN."""
    draws = np.random.default_rng(0)
    tau = draws.normal(size=(n, 2, len(CRITERIA)))
    tau[0] = np.nan
    status = np.where(np.isnan(tau), conventions.Status.not_applicable, conventions.Status.ok).astype(np.int8)
    dims = ("separation", "variance", "criterion")
    result = xr.Dataset(
        {
            "tau_star": (dims, tau),
            "status": (dims, status),
            "n_roots": (dims[:2], draws.integers(0, 4, (n, 2)).astype(np.int16)),
            "root_truncated": (dims[:2], np.zeros((n, 2), bool)),
            "time": ((*dims, "schedule"), draws.normal(size=(*tau.shape, 2))),
            "time_status": ((*dims, "schedule"), np.zeros((*tau.shape, 2), np.int8)),
            "ambient_dimension": ((), 64),
        },
        {
            "separation": np.linspace(0.5, 8.0, n),
            "variance": [0.25, 1.0],
            "criterion": list(CRITERIA),
            "schedule": ["ddpm", "größe"],
        },
    )
    result = described(result)
    return result.chunk(separation=7) if chunked else result


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "speciation.nc"
    store.write(speciation(200), path, provenance.attributes(CONTENT, "speciation"))
    return path


def flipped(content: bytes, position: int, n: int) -> bytes:
    return content[:position] + bytes(byte ^ 0xFF for byte in content[position : position + n]) + content[position + n :]


def names_in(folder: Path) -> list[str]:
    return sorted(child.name for child in folder.iterdir())


@pytest.mark.parametrize("chunked", [True, False])
def test_what_is_written_reads_back_with_types_labels_and_nan(tmp_path: Path, chunked: bool) -> None:
    dataset = speciation(chunked=chunked)
    store.write(dataset.assign_attrs(warning="w", title="old"), tmp_path / "deep" / "a.nc", {"title": "t"})
    opened = store.open_file(tmp_path / "deep" / "a.nc")
    for name in dataset.variables:
        np.testing.assert_array_equal(opened[name].values, dataset[name].values)
    assert opened.status.dtype == opened.root_truncated.dtype == np.int8
    assert opened.tau_star.chunks is not None
    assert list(opened.attrs.items())[:2] == [("title", "t"), ("warning", "w")]
    assert store.CHECKSUMS not in opened.attrs
    assert opened.time.sel(criterion="exact", schedule="größe").shape == (40, 2)
    assert names_in(tmp_path / "deep") == ["a.nc"]


@pytest.mark.slow
def test_an_opened_file_can_be_written_again(written: Path, tmp_path: Path) -> None:
    store.write(store.open_file(written), tmp_path / "again.nc")
    assert store.inspect(tmp_path / "again.nc", full=True).state == "ok"
    xr.testing.assert_identical(
        store.open_file(tmp_path / "again.nc").drop_attrs().load(), store.open_file(written).drop_attrs().load()
    )


def test_variables_are_described_and_linked_to_their_flags(written: Path) -> None:
    with netCDF4.Dataset(written) as file:
        for variable in file.variables.values():
            assert variable.long_name
            assert "_FillValue" not in variable.ncattrs()
        assert file["tau_star"].ancillary_variables == "status"
        assert file["time"].ancillary_variables == "time_status"
        assert file["tau_star"].units == "1"
        assert "units" not in file["status"].ncattrs()
        assert np.isnan(file["tau_star"].missing_value)


def test_small_variables_are_contiguous_and_large_ones_compressed(tmp_path: Path) -> None:
    def storage(value: float) -> dict[str, object]:
        dataset = made(
            {
                "tau_star": ("separation", np.full(8191, value)),
                "tau_order": ("variance", np.full(8192, value), {"long_name": "time"}),
                "status": ("variance", np.zeros(8192, np.int8)),
                "n_roots": (("separation", "root"), np.full((8191, 9), int(value), np.int16)),
                "label": ("variance", ["ab"] * 8192),
            },
            {"criterion": ["exact"]},
        )
        store.write(dataset, tmp_path / "a.nc")
        with netCDF4.Dataset(tmp_path / "a.nc") as file:
            return {name: (each.chunking(), each.filters()) for name, each in file.variables.items()}

    result = storage(1.0)
    assert {name for name, (chunks, _) in result.items() if chunks == "contiguous"} == {"tau_star", "status", "criterion"}
    for chunks, filters in result.values():
        compressed = chunks != "contiguous"
        assert [bool(filters[name]) for name in ("zlib", "shuffle", "fletcher32")] == [compressed] * 3
        assert not filters["zstd"]
    assert result == storage(2.0)


def test_a_variable_that_only_shares_a_name_is_not_described_as_the_other(tmp_path: Path) -> None:
    own = xr.DataArray([1.0], dims="separation", attrs={"long_name": "weight of a box", "units": "1"})
    store.write(xr.Dataset({"component_weight": own, "basis": own.drop_attrs()}), tmp_path / "a.nc")
    with store.open_file(tmp_path / "a.nc") as file:
        assert file.component_weight.attrs == own.attrs
        assert file.basis.attrs["long_name"] == conventions.SHARED["basis"].long_name


@pytest.mark.slow
def test_a_file_passes_the_compliance_checker(written: Path, tmp_path: Path) -> None:
    compliance.check(written, tmp_path)


@pytest.mark.parametrize("bad", [True, None, {"a": 1}])
def test_attributes_that_netcdf_cannot_hold_are_named(tmp_path: Path, bad: object) -> None:
    with pytest.raises(TypeError, match="the file must be text or numbers; not allowed: flag"):
        store.write(speciation(), tmp_path / "a.nc", {"flag": bad})
    with pytest.raises(TypeError, match="tau_star"):
        store.write(
            speciation().assign(tau_star=("separation", np.ones(40), {"long_name": "time", "flag": bad})), tmp_path / "a.nc"
        )
    assert not names_in(tmp_path)


def test_a_variable_that_nothing_describes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wibble"):
        store.write(speciation().assign(wibble=1.0), tmp_path / "a.nc")


def test_a_failing_computation_leaves_the_old_file_and_nothing_else(written: Path) -> None:
    before = written.read_bytes()

    def fail(_: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError

    dataset = speciation(200)
    broken = dataset.assign(tau_star=dataset.tau_star.copy(data=dataset.tau_star.data.map_blocks(fail, dtype=float)))
    with pytest.raises(ZeroDivisionError):
        store.write(broken, written)
    assert written.read_bytes() == before
    assert names_in(written.parent) == [written.name]


def test_a_cell_equal_to_what_unwritten_cells_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("separation", 100)
        file.createVariable("tau_star", "f8", ("separation",), chunksizes=(10,), **encoding.FILTERS)[:90] = 1.0
    with pytest.raises(store.BrokenFile, match="tau_star has cells that were never written"):
        store.seal(path, {"tau_star": (100,)})
    with pytest.raises(store.BrokenFile, match=r"shape \(100,\), not \(101,\)"):
        store.seal(path, {"tau_star": (101,)})
    for name, dtype in {"status": "i1", "n_roots": "i2", "ambient_dimension": "i8"}.items():
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("separation", 4)
            file.createVariable(name, dtype, ("separation",), **encoding.FILTERS)
        with pytest.raises(store.BrokenFile, match=f"{name} has cells that were never written"):
            store.seal(path, {name: (4,)})


def test_each_kind_of_damage_has_its_own_state(written: Path, tmp_path: Path) -> None:
    content = written.read_bytes()
    assert store.inspect(written).state == store.inspect(written, full=True).state == "ok"
    assert store.inspect(written).attributes["parameters"] == "scaling: fixed\nseed: 3"
    other = tmp_path / "other.nc"
    assert store.inspect(other).state == "missing"
    for cut in (0, 7, len(content) // 2, len(content) - 1):
        other.write_bytes(content[:cut])
        assert store.inspect(other).state == "unreadable", cut
    other.write_text("not a NetCDF file")
    assert store.inspect(other).state == "unreadable"
    assert store.inspect(tmp_path).state == "unreadable"
    speciation(chunked=False).drop_vars("root_truncated").to_netcdf(other, engine="netcdf4")
    assert store.inspect(other).state == "incomplete"
    other.write_bytes(content)
    with netCDF4.Dataset(other, "a") as file:
        file.title = "another"
    assert store.inspect(other).state == "corrupt"
    with pytest.raises(store.BrokenFile, match=r"other.nc is corrupt"):
        store.open_file(other)


@pytest.mark.slow
def test_eight_flipped_bytes_anywhere_are_found_at_load_or_change_nothing(written: Path) -> None:
    content = written.read_bytes()
    with store.open_file(written) as file:
        original = file.load()
    values = content.index(original.separation.values.tobytes())  # where the others fall depends on the file's length
    result = []
    for position in (values, *np.linspace(0, len(content) - 8, 120).astype(int)):
        path = written.with_name(f"{position}.nc")  # a new one, since HDF5 keeps some broken files open by their inode
        path.write_bytes(flipped(content, position, 8))
        try:
            with store.open_file(path) as file:
                assert file.load().identical(original), position
        except store.BrokenFile as error:
            result.append(str(error))
            state = store.inspect(path, full=True).state
            assert state != "ok", position
    assert len(result) > 60
    assert all(str(written.parent) in error for error in result)
    assert any("values differ from their checksum" in error for error in result)
    assert any("cannot be read" in error for error in result)


def test_a_file_restored_in_place_is_read_anew(written: Path) -> None:
    content = written.read_bytes()
    with store.open_file(written) as file:
        original = file.load()
    written.write_bytes(flipped(content, content.index(original.separation.values.tobytes()), 8))
    with pytest.raises(store.BrokenFile, match="separation") as broken:  # its traceback holds what was opened
        store.open_file(written)
    written.write_bytes(content)
    with store.open_file(written) as file:
        assert file.load().identical(original)
    del broken


@pytest.mark.parametrize("name", ["tau_star", "time", "separation", "ambient_dimension", "criterion", "label"])
def test_a_byte_flipped_long_after_opening_is_found_when_the_variable_is_loaded(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.nc"
    labels = [f"{number:016x}" for number in np.random.default_rng(0).integers(0, 2**60, 5000)]
    dataset = speciation(200, chunked=False).assign(label=("point", labels))[[name]]
    store.write(dataset, path)
    with netCDF4.Dataset(path) as file:
        small = file[name].chunking() == "contiguous"
    assert small == (name not in ("time", "label"))
    opened = store.open_file(path, chunks=None)
    content = bytearray(path.read_bytes())
    values = dataset[name].values.astype("S") if dataset[name].dtype.kind == "U" else dataset[name].values
    content[content.index(values.tobytes()) + 3 if small else len(content) // 2] ^= 1  # of a large one, nearly all is values
    path.write_bytes(content)
    load = opened[name].load
    if name in opened.indexes:  # they are loaded when the file is opened
        opened.close()
        load = partial(store.open_file, path)
    with pytest.raises(store.BrokenFile, match=rf"a\.nc is corrupt: {name}" if small else r"a\.nc cannot be read"):
        load()


def test_values_of_small_variables_are_read_at_any_place(written: Path) -> None:
    expected = speciation(200, chunked=False).tau_star
    opened = store.open_file(written, chunks=None)
    for position in (
        {},
        {"separation": 3},
        {"separation": [5, 1], "criterion": [2, 0, 1]},
        {"variance": slice(1, None, -1)},
    ):
        np.testing.assert_array_equal(opened.tau_star.isel(position), expected.isel(position))
    with store.opened(written) as (file, _):
        np.testing.assert_array_equal(store.read(file["tau_star"], (slice(5), 1, [2, 0])), expected.values[:5, 1][:, [2, 0]])


def test_a_missing_chunk_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("separation", 20_000)
        file.createVariable("tau_star", "f8", ("separation",), chunksizes=(10_000,), **encoding.FILTERS)[:10_000] = 1.0
    with store.open_raw(path) as file:
        assert (store.read(file["tau_star"], slice(10_000)) == 1.0).all()
        with pytest.raises(store.BrokenFile, match="tau_star has cells that were never written"):
            store.read(file["tau_star"], slice(5_000, 15_000))


def test_a_changed_scalar_is_found_by_its_checksum(written: Path) -> None:
    with netCDF4.Dataset(written, "a") as file:
        file["ambient_dimension"][...] = 65
    assert store.inspect(written).state == "ok"
    inspection = store.inspect(written, full=True)
    assert (inspection.state, inspection.reason) == ("corrupt", "ambient_dimension: values differ from their checksum")


SLOW_WRITER = """
    import signal, sys, time
    import dask, dask.array as da, numpy as np, xarray as xr
    from scoreshock.storage import store

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background processes ignore

    def slow(block, block_info=None):
        if block_info[0]["chunk-location"][0] > 5:
            print("half", flush=True)
            time.sleep(60)
        return block

    data = da.zeros(200_000, chunks=20_000).map_blocks(slow, dtype=float)
    with dask.config.set(num_workers=1):
        made = xr.Dataset({"tau_star": ("separation", data, {"long_name": "time"})}, {"separation": np.arange(200_000.0)})
        store.write(made, sys.argv[1])
"""


def start_slow_writer(path: Path) -> subprocess.Popen[str]:
    code = textwrap.dedent(SLOW_WRITER)
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    return process


@pytest.mark.slow
def test_a_killed_writer_leaves_no_file_of_the_final_name_and_the_next_clears_its_remains(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    process = start_slow_writer(path)
    process.kill()
    process.wait()
    assert not path.exists()
    (left,) = tmp_path.iterdir()
    assert store.inspect(left).state in ("unreadable", "incomplete")
    store.write(speciation(), path)
    assert names_in(tmp_path) == ["a.nc"]


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    # Moments are counted in calls of functions, so that a busy machine changes none of them.
    code = """
        import os, signal, sys
        from pathlib import Path
        import numpy as np, xarray as xr
        from scoreshock.storage import store

        NAMED = {"long_name": "time"}
        path, tries = Path(sys.argv[1]), int(sys.argv[2])
        def write(number, last=None):
            calls = 0
            def count(*_):
                nonlocal calls
                calls += 1
                if calls == last:
                    os.kill(os.getpid(), signal.SIGKILL)
            sys.setprofile(count)
            store.write(xr.Dataset({"tau_star": ("separation", np.full(2000, float(number)), NAMED)}), path)
            sys.setprofile(None)
            return calls
        write(0)  # with all that is imported on first use
        calls, half_way, ended = write(0), 0, 0
        for number in range(1, tries):
            child = os.fork()
            if child == 0:
                write(number, last=calls * number // tries)
                os._exit(0)
            ended += os.waitpid(child, 0)[1] == signal.SIGKILL
            assert store.inspect(path, full=True).state == "ok"
            half_way += any(name.startswith(".") and f".{child}." in name for name in os.listdir(path.parent))
        print(ended, half_way)
    """
    path, tries = tmp_path / "a.nc", 30
    command = [sys.executable, "-c", textwrap.dedent(code), str(path), str(tries)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    ended, half_way = map(int, run.stdout.split())
    assert ended == tries - 1
    assert half_way > tries // 4
    assert store.inspect(path, full=True).state == "ok"
    with store.open_file(path) as file:
        assert len(np.unique(file.tau_star)) == 1
    store.write(speciation(), path)
    assert names_in(tmp_path) == ["a.nc"]


@pytest.mark.slow
def test_an_interrupted_writer_leaves_nothing_and_a_live_one_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    process = start_slow_writer(path)
    store.write(speciation(), path)
    assert len(names_in(tmp_path)) == 2
    while process.poll() is None:  # an interrupt may be lost in a library
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
    assert names_in(tmp_path) == ["a.nc"]
    assert store.inspect(path, full=True).state == "ok"


@pytest.mark.slow
def test_a_chunk_that_comes_after_the_error_of_another_leaves_nothing(tmp_path: Path) -> None:
    begun, failed = threading.Event(), threading.Event()

    def chunk(block_id: tuple[int]) -> np.ndarray:
        if block_id[0] == 0:
            assert begun.wait(60)
            failed.set()
            raise ArithmeticError("one chunk fails")
        begun.set()
        assert failed.wait(60)
        time.sleep(0.3)  # the error is on its way
        return np.ones(1)

    values = da.map_blocks(chunk, chunks=((1, 1),), dtype=float, meta=np.empty(0))
    with dask.config.set(num_workers=2), pytest.raises(ArithmeticError, match="one chunk fails"):
        store.write(made({"tau_star": ("separation", values)}), tmp_path / "a.nc")
    time.sleep(0.6)
    assert names_in(tmp_path) == []


def test_a_writer_in_another_thread_leaves_dask_as_it_was(tmp_path: Path) -> None:
    begun, computing, written = threading.Event(), threading.Event(), threading.Event()

    def chunk() -> np.ndarray:
        begun.set()
        assert computing.wait(60)
        return np.ones(1)

    def write() -> None:
        values = da.from_delayed(dask.delayed(chunk)(), (1,), float)
        store.write(made({"tau_star": ("separation", values)}), tmp_path / "a.nc")
        written.set()

    def one(block_id: tuple[int]) -> np.ndarray:
        computing.set()
        assert written.wait(60)  # the writer ends before what began while it wrote has begun its last chunks
        return np.ones(1) * (block_id[0] >= 0)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        assert begun.wait(60)
        ones = da.map_blocks(one, chunks=((1,) * 20,), dtype=float, meta=np.empty(0))
        assert ones.sum().compute() == 20
        writer.result()
    assert names_in(tmp_path) == ["a.nc"]
    assert da.ones(6, chunks=2).sum().compute() == 6


@pytest.mark.slow
def test_writers_in_several_threads_write_whole_files(tmp_path: Path) -> None:
    names = [f"{number}.nc" for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        for written in [pool.submit(store.write, speciation(), tmp_path / name) for name in names]:
            written.result()
    assert names_in(tmp_path) == sorted(names)
    assert {store.inspect(tmp_path / name, full=True).state for name in names} == {"ok"}


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_file_and_nothing_else(written: Path) -> None:
    before = written.read_bytes()
    code = """
        import resource, signal, sys
        import numpy as np, xarray as xr
        from scoreshock.storage import store
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        noise = np.random.default_rng(0).normal(size=500_000)
        named = {"tau_star": ("separation", noise, {"long_name": "time"})}
        store.write(xr.Dataset(named, {"separation": np.arange(500_000.0)}), sys.argv[1])
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(written)], capture_output=True, check=False)
    assert b"while writing" in run.stderr
    assert written.read_bytes() == before
    assert names_in(written.parent) == [written.name]


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_moment_of_a_write_leaves_an_error_or_an_intact_file(written: Path) -> None:
    code = """
        import resource, signal, sys
        from pathlib import Path
        from scoreshock.storage import store
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        path, small = Path(sys.argv[1]), store.open_file(sys.argv[1], chunks=None).isel(separation=[0]).load()
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        for limit in range(2000, 80_000, 1500):
            path.unlink(missing_ok=True)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
            try:
                store.write(small, path)
                print("ok", store.inspect(path, full=True).state)
            except (OSError, RuntimeError):
                print("error", store.inspect(path).state)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(written)], capture_output=True, text=True, check=True
    )
    assert set(run.stdout.splitlines()) == {"ok ok", "error missing"}


@pytest.mark.slow
def test_a_small_disk_that_fills_up_while_a_large_file_is_written_is_called_full(tmp_path: Path) -> None:
    with mounted(tmp_path, "-t", "tmpfs", "-o", "size=2m", "tmpfs", lazy=True):
        noise = made({"tau_star": ("separation", np.random.default_rng(0).normal(size=500_000))})
        store.write(noise.isel(separation=slice(10)), tmp_path / "a.nc")
        before = (tmp_path / "a.nc").read_bytes()
        room = shutil.disk_usage(tmp_path).free
        for _ in range(2):
            with pytest.raises(OSError, match=r"the disk is full: \d\.\d MiB are free in .*; .*a\.nc was not written"):
                store.write(noise, tmp_path / "a.nc")
        assert shutil.disk_usage(tmp_path).free == room
        assert (tmp_path / "a.nc").read_bytes() == before
        assert names_in(tmp_path) == ["a.nc"]


def test_other_errors_are_not_reported_as_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "FULL_BYTES", 2**62)
    with pytest.raises(ZeroDivisionError), store.staged(tmp_path / "a.nc"):
        _ = 1 / 0
    with pytest.raises(OSError, match="the disk is full"), store.staged(tmp_path / "a.nc"):
        raise RuntimeError("NetCDF: HDF error")


def test_a_link_under_the_final_name_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "a.nc").symlink_to(precious)
    store.write(speciation(), tmp_path / "a.nc")
    assert not (tmp_path / "a.nc").is_symlink()
    assert precious.read_text() == "mine"


def rewritten(path: Path, number: int | None) -> None:
    """Make a file what a scoreshock of another format would have written, or one from before formats had numbers."""
    with netCDF4.Dataset(path, "a") as file:
        file.delncattr(store.FORMAT_NAME)
        if number is not None:
            file.setncattr(store.FORMAT_NAME, number)
        file.setncattr(store.MARKER, store._header_digest(file))


def test_files_of_another_format_are_refused_by_name_with_what_to_do(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.inspect(written).attributes["scoreshock_format"] == provenance.FORMAT
    rewritten(written, provenance.FORMAT + 1)
    assert store.inspect(written).state == "newer"
    with pytest.raises(store.BrokenFile, match=r"speciation\.nc is newer: of format 3.* update scoreshock"):
        store.open_file(written)
    rewritten(written, provenance.FORMAT)
    monkeypatch.setattr(store, "FORMAT", provenance.FORMAT + 1)
    assert store.inspect(written).state == "outdated"
    with pytest.raises(store.BrokenFile, match=r"speciation\.nc is outdated: of format 2.* recompute it"):
        store.open_file(written)


@pytest.mark.parametrize("number", [None, 1])
def test_a_file_of_the_first_format_is_outdated(written: Path, number: int | None) -> None:
    rewritten(written, number)
    with pytest.raises(store.BrokenFile, match=r"speciation\.nc is outdated: of format 1.* recompute it"):
        store.open_file(written)


@pytest.mark.slow
def test_a_change_of_format_makes_every_quantity_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {quantity: provenance.code_digest(quantity) for quantity in (*QUANTITIES, "joining", "figures")}
    monkeypatch.setattr(provenance, "FORMAT", provenance.FORMAT + 1)
    monkeypatch.setattr(provenance, "_DIGESTS", {})
    after = {quantity: provenance.code_digest(quantity) for quantity in before}
    assert not set(before.values()) & set(after.values())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_of_writing_is_bounded_by_chunks(tmp_path: Path) -> None:
    code = """
        import re, sys
        import dask, dask.array as da, numpy as np, xarray as xr
        from scoreshock.storage import store
        def peak():  # not ru_maxrss, which starts from what the parent held
            return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
        def write(n, name):
            data = da.arange(n, chunks=50_000, dtype=float) % 7
            store.write(xr.Dataset({"tau_star": ("point", data, {"long_name": "time"})}), sys.argv[1] + name)
        with dask.config.set(num_workers=2):
            write(500_000, "/small.nc")
            before = peak()
            write(10_000_000, "/large.nc")
        print(peak() - before)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) < 25  # MiB; the array alone has 76
    assert os.path.getsize(tmp_path / "large.nc") > 0
    assert isinstance(store.open_file(tmp_path / "large.nc").tau_star.data, da.Array)
