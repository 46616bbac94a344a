"""What comes from a file is data: it names no place outside the results, runs no code, and fills no memory."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoreshock.densities.tables import arrays
from scoreshock.densities.tables.reading import read_file
from scoreshock.schedules.schedule import schedule
from scoreshock.storage.provenance import PACKAGE
from scoreshock.study.errors import StudyError
from scoreshock.study.reading import check_files
from scoreshock.study.study import Study
from scoreshock.study.work import jobs_of, results

SWEEP = {
    "family": "pair",
    "axes": {"separation": [1.0, 2.0], "schedule": ["mine"]},
    "split": ["separation", "schedule"],
    "quantities": ["speciation"],
}
PARTS = [
    "..",
    ".",
    "/",
    "\\",
    "\0",
    "\n",
    "~",
    "$HOME",
    "{x}",
    "%00",
    "a",
    "CON",
    "nul",
    "\u202e",
    "\uff0e",
    "\u2215",
    "é",
    " ",
]
NAMES = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(PARTS), max_size=6).map("".join),
    st.from_regex(r"[A-Za-z0-9_.-]{1,70}", fullmatch=True),
)


def places(study: Study) -> list[Path]:
    """Every folder and file that the workflow makes for a study."""
    return [
        Path(study.output) / name / part
        for name, sweep in study.sweeps.items()
        for part in (*results(sweep), *(block.file for quantity in sweep.quantities for block in sweep.blocks(quantity)))
    ] + [
        Path(study.output) / "logs" / f"{job.label}.log".replace("{block}", block)
        for job in jobs_of(study)
        for block in (job.tasks if isinstance(job.tasks, dict) else [""])
    ]


@pytest.mark.slow
@given(sweep=NAMES, label=NAMES)
@example(sweep="../outside", label="mine")
@example(sweep="/etc", label="mine")
@example(sweep="line", label="../../../x")
@example(sweep="line", label="x" * 64)
@example(sweep="x" * 5000, label="mine")
@settings(max_examples=60, deadline=None)
def test_names_lead_nowhere_but_into_the_results_on_any_system(tmp_path_factory, sweep: str, label: str) -> None:
    root = tmp_path_factory.getbasetemp() / "results"
    entry = SWEEP | {"axes": SWEEP["axes"] | {"schedule": [label]}}
    try:
        study = Study.from_mapping({"output": str(root), "schedules": {label: "ve"}, "sweeps": {sweep: entry}})
    except StudyError as refused:
        longest = max(map(len, refused.problems))
        assert longest < 600
        return
    for position in places(study):
        assert position.resolve().is_relative_to(root.resolve())
        assert len(position.relative_to(root).parts) <= 4  # every name is one folder
        for part in position.relative_to(root).parts:
            assert part.isascii()
            assert part.isprintable()
            assert not set(part) & set('<>:"/\\|?*{}')  # what Windows or Snakemake would not take literally
            assert len(part) <= 200
            assert not part.endswith((".", " "))
            assert part.split(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}


@pytest.mark.parametrize("name", ["con", "NUL", "aux.nc", "com1", "LPT9.x", "dot."])
def test_names_that_windows_keeps_for_itself_are_refused(name: str) -> None:
    with pytest.raises(StudyError, match="is not a name; allowed"):
        Study.from_mapping({"sweeps": {name: SWEEP | {"axes": {"separation": [1.0]}, "split": []}}})


def doubled(kind: str) -> str:
    """Ten levels of ten aliases each: a small file that stands for more than 1e10 values."""
    rows = ["a0: &a0 {x: 1}" if kind == "mapping" else "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 12):
        names = [f"*a{level - 1}"] * 10
        held = ", ".join(f"k{i}: {name}" for i, name in enumerate(names)) if kind == "mapping" else ", ".join(names)
        rows.append(f"a{level}: &a{level} {{{held}}}" if kind == "mapping" else f"a{level}: &a{level} [{held}]")
    return "\n".join(rows)


def study_with(separation: str, more: str = "") -> str:
    return f"sweeps: {{p: {{family: pair, axes: {{separation: {separation}}}, quantities: [speciation]{more}}}}}"


BOMBS = {
    "aliases in lists": (doubled("list"), "holds more than 50,000 values with its aliases"),
    "aliases in mappings": (doubled("mapping"), "holds more than 50,000 values with its aliases"),
    "an alias of itself": ("a: &a [*a]", "or contains itself"),
    "deep lists": ("a: " + "[" * 20_000 + "]" * 20_000, "nested too deeply"),
    "deep mappings": ("a: " + "{a: " * 20_000 + "}" * 20_000, "nested too deeply"),
    "deep blocks": ("- " * 20_000 + "1", "nested too deeply"),
    "too many values": ("a: [" + "1, " * 60_000 + "]", "more than 50,000 values"),
    "a large file": (lambda: "# " + "x" * 100_000_000, "100,000,002 bytes"),
    "a number beyond floats": (study_with("1.0e+400"), "inf is not allowed; allowed: a finite number"),
    "100,000 digits": (study_with("1" + "0" * 100_000), "a number of 100,001 characters"),
    "hexadecimal": (study_with("0x" + "f" * 300_000), "a number of 300,002 characters"),
    "sixties": (study_with("1:" + "59:" * 100_000 + "0"), "a number of 300,003 characters"),
    "1e18 values": (
        study_with("{start: 1.0, stop: 2.0, num: 1000000000000000000}"),
        "num: 1000000000000000000 is not allowed",
    ),
    "1e12 blocks": (
        study_with("{start: 1.0, stop: 2.0, num: 1000000000000}", ", split: [separation]"),
        "has 1e+12 blocks; at most 100,000 are allowed",
    ),
    "1e20 components": (
        "sweeps: {p: {family: random, axes: {separation: 1.0}, parameters: {components: 100000000000000000000}, "
        "quantities: [speciation]}}",
        "GiB; at most 2 are allowed",
    ),
    "20,000 components": (
        f"sweeps: {{p: {{family: custom, axes: {{separation: 1.0}}, parameters: {{means: {list(range(20_000))}}}, "
        "quantities: [speciation]}}",
        "20,000 components; at most 4,096",
    ),
    "a call": ("sweeps: !!python/object/apply:os.system ['exit 1']", "could not determine a constructor"),
    "a name of Python": ("sweeps: !!python/name:os.system", "could not determine a constructor"),
    "a false number": (study_with("!!int ''"), "a value is not what its tag says"),
    "a false time": (study_with("!!timestamp 'now'"), "a value is not what its tag says"),
}


def limited(code: str, *arguments: str) -> str:
    """What Python prints that may have 3 GiB of addresses and a minute of processor."""
    limits = """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30,) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    """
    command = [sys.executable, "-c", textwrap.dedent(limits) + textwrap.dedent(code), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, list[str]]:
    """What is said to each of the bombs, all of them read by one process that has little memory."""
    folder = tmp_path_factory.mktemp("bombs")
    for number, (text, _) in enumerate(BOMBS.values()):
        (folder / f"{number}.yaml").write_text(text() if callable(text) else text)
    code = f"""
        import json, sys
        from scoreshock.study.errors import StudyError
        from scoreshock.study.study import load_study
        said = []
        for number in range({len(BOMBS)}):
            try:
                load_study(f"{{sys.argv[1]}}/{{number}}.yaml")
                said.append(["accepted"])
            except StudyError as error:
                said.append(error.problems)
        print(json.dumps(said))
    """
    return dict(zip(BOMBS, json.loads(limited(code, str(folder))), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_study_that_would_blow_up_is_refused_in_one_short_line(answers, name: str) -> None:
    (line,) = answers[name]
    assert BOMBS[name][1] in line
    assert len(line) < 400


def test_a_study_from_a_pipe_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(StudyError, match="is not a file"):
            check_files([path])


def test_a_template_that_would_run_code_is_no_study(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("__use_yte__: true\n" + study_with("1.0"))
    with pytest.raises(StudyError, match="__use_yte__: a study is values, not a template that runs code"):
        check_files([path])


class Touching:
    """An object whose unpickling makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["features", "labels"])
def test_pickled_objects_in_npz_are_refused_and_not_made(tmp_path: Path, name: str) -> None:
    trap = np.array([Touching(tmp_path / "made")], dtype=object)
    arrays = {"features": np.zeros((1, 2)), "labels": np.zeros(1, int)} | {name: trap}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(
        ValueError, match=rf"a\.npz cannot be read: {name}\.npy holds Python objects, which only pickle could read"
    ):
        read_file(tmp_path / "a.npz")
    assert not (tmp_path / "made").exists()


def endless_netcdf(path: Path) -> None:
    """A file of kilobytes that declares 1e11 samples."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("sample", None)
        file.createDimension("feature", 2)
        file.createVariable("features", "f8", ("sample", "feature"), zlib=True, chunksizes=(1000, 2))
        file.createVariable("labels", "i4", ("sample",), zlib=True, chunksizes=(1000,))[10**11 - 1] = 1
        file.createVariable("alphas_cumprod", "f8", ("sample",), zlib=True, chunksizes=(1000,))
        file.createVariable("component_mean", "f8", ("sample", "feature"), zlib=True, chunksizes=(1000, 2))


def forged_npz(path: Path) -> None:
    """An archive whose array has a header of 1e12 numbers and no numbers."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    header += b" " * (64 - (10 + len(header) + 1) % 64) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("features", "labels"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)


def test_packed_zeros_are_measured_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", features=np.zeros((2**17, 8)), labels=np.zeros(2**17, int))
    assert (tmp_path / "a.npz").stat().st_size < 2**16
    assert read_file(tmp_path / "a.npz").features.shape == (2**17, 8)
    read_file.__globals__["_read"].cache_clear()
    monkeypatch.setattr(arrays, "UNPACKED_LIMIT", 2**20)
    with pytest.raises(ValueError, match=r"a\.npz cannot be read: it holds 9 MiB; allowed: at most 1 MiB"):
        read_file(tmp_path / "a.npz")


@pytest.mark.slow
@pytest.mark.parametrize("make", [endless_netcdf, forged_npz], ids=lambda make: make.__name__)
def test_a_table_is_measured_before_it_is_read(tmp_path: Path, make) -> None:
    path = tmp_path / f"a.{make.__name__.partition('_')[2].replace('netcdf', 'nc')}"
    make(path)
    assert path.stat().st_size < 2**20
    code = """
        import sys
        from scoreshock.densities.families import custom, data
        for family in (data, custom) if sys.argv[1].endswith(".nc") else (data,):
            try:
                family(file=sys.argv[1])
            except ValueError as error:
                print(error)
    """
    lines = limited(code, str(path)).splitlines()
    assert lines
    for line in lines:
        assert ("MiB; allowed: at most 4,096 MiB (our limit" if path.suffix == ".nc" else "MiB and has 0 MiB") in line


@pytest.mark.slow
def test_the_table_of_a_schedule_is_measured_before_it_is_read(tmp_path: Path) -> None:
    endless_netcdf(tmp_path / "a.nc")
    with pytest.raises(ValueError, match=r"labels has 100,000,000,000 entries.*allowed: at most 1,000,000"):
        schedule("table", file=str(tmp_path / "a.nc"))
    (tmp_path / "a.csv").write_text("sigma_n\n" + "1\n" * 1_000_001)
    with pytest.raises(ValueError, match="more than 1,000,000 rows"):
        schedule("table", file=str(tmp_path / "a.csv"))
    (tmp_path / "a.yaml").write_text(doubled("list"))
    with pytest.raises(ValueError, match="it has aliases"):
        schedule("table", file=str(tmp_path / "a.yaml"))
    (tmp_path / "a.yaml").write_text("sigma_n: " + "[" * 20_000 + "]" * 20_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        schedule("table", file=str(tmp_path / "a.yaml"))
    (tmp_path / "a.yaml").write_text("sigma_n: !!python/object/apply:os.getcwd []")
    with pytest.raises(ValueError, match="could not determine a constructor"):
        schedule("table", file=str(tmp_path / "a.yaml"))
    (tmp_path / "a.yaml").write_text("# " + "x" * 2**20)
    with pytest.raises(ValueError, match=r"allowed: at most 1,048,576 of \.yaml"):
        schedule("table", file=str(tmp_path / "a.yaml"))


def test_a_column_of_numbers_taken_for_labels_is_refused(tmp_path: Path) -> None:
    from scoreshock.densities.families import data

    (tmp_path / "a.csv").write_text("x,label\n" + "".join(f"{2 * i},{i}\n" for i in range(5000)))
    with pytest.raises(ValueError, match="labels has 5,000 classes; allowed: at most 4,096"):
        data(file=str(tmp_path / "a.csv"))


SOURCES = sorted(PACKAGE.rglob("*.py"))
BUILTINS = {"eval", "exec", "compile", "__import__", "input"}
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "code", "runpy", "pty"}
ATTRIBUTES = {
    "os": {"system", "popen"},
    "yaml": {"load", "load_all", "unsafe_load", "full_load", "Loader", "UnsafeLoader", "FullLoader"},
    "pd": {"read_pickle", "eval"},
    "np": {"fromregex"},
}


def code_runners(tree: ast.AST) -> list[str]:
    """What in a module could run code that it was given as data."""
    result = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            result += [name for name in names if name.split(".")[0] in MODULES]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            result += [f"{node.value.id}.{node.attr}"] * (node.attr in ATTRIBUTES.get(node.value.id, ()))
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            result += [name] * (name in BUILTINS)
            result += ["shell"] * (keywords.get("shell", "False") != "False")
            result += ["allow_pickle"] * (keywords.get("allow_pickle", "False") != "False")
    return result


@pytest.mark.slow
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE.parent)))
def test_no_module_can_run_what_it_reads(path: Path) -> None:
    # A plugin is code, which the command line has to allow.
    expected = ["exec", "compile"] if path == PACKAGE / "plugins.py" else []
    assert code_runners(ast.parse(path.read_text())) == expected


def test_calls_that_could_run_code_are_recognised() -> None:
    for text in ("eval(x)", "import pickle", "from pickle import loads", "os.system(x)", "run(x, shell=True)",
                 "np.load(x, allow_pickle=True)", "yaml.load(x, Loader)"):  # fmt: skip
        assert code_runners(ast.parse(text))


def test_every_row_of_the_tables_of_faults_and_attacks_names_its_tests() -> None:
    tests = PACKAGE.parent / "tests"
    known = {name for path in tests.rglob("*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}
    files = {path.stem for path in tests.rglob("*.py")}
    tables = re.split(r"\n\n", (PACKAGE.parent / "docs/faults.md").read_text())
    rows = [row for table in tables if re.match(r"\|.*\| test ", table) for row in table.splitlines()[2:]]
    assert len(rows) > 30
    for row in rows:
        named = set(re.findall(r"\btest_\w+", row)) - files
        assert named, row
        assert named <= known, named - known
