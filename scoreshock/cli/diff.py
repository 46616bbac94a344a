"""Compare results number by number: two folders, or two files."""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoreshock.cli.results import in_folder

if TYPE_CHECKING:
    import xarray as xr

MISSING = " is missing"
"""End of the names of the variables that count in which points a number is missing."""


LOADED_BYTES = 2**28
"""Results below this size are loaded; of larger ones one variable at a time."""


@dataclass(frozen=True)
class Row:
    """How a variable differs.

    Attributes
    ----------
    points, different
        Number of common points, and of those that differ; one of them is missing where only one result has a number.
    largest
        Largest absolute difference of two numbers, None for flags and text.
    note
        What cannot be compared, or is left out.
    """

    sweep: str
    quantity: str
    variable: str
    points: int = 0
    different: int = 0
    largest: float | None = None
    note: str = ""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``diff``."""
    parser.add_argument("first", metavar="A", help="a folder of results, or one of its files")
    parser.add_argument("second", metavar="B", help="another one")
    parser.add_argument(
        "--rtol", type=float, default=0.0, metavar="R", help="differences up to R times the number in A count as equal (0)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON: equal, rows")


def run(options: argparse.Namespace) -> int:
    """Print a row for each variable that differs; return 1 if there is one."""
    if not 0 <= options.rtol < math.inf:
        raise ValueError(f"--rtol {options.rtol} is not allowed; allowed: a number from 0 on")
    rows = list(_rows(Path(options.first), Path(options.second), options.rtol))
    differing = [row for row in rows if row.different or row.note]
    if options.json:
        print(json.dumps({"equal": not differing, "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        print(_table(rows, differing))
    return 1 if differing else 0


def _rows(first: Path, second: Path, rtol: float) -> Iterator[Row]:
    """Rows of all variables of two folders or files."""
    from scoreshock.storage import store

    for path in (first, second):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; allowed: a folder of results, or one of its files")
    if first.is_dir() != second.is_dir():
        raise ValueError(f"{first} and {second} are a folder and a file; allowed: two folders of results, or two files")
    if first.is_dir():
        yield from _of_folders(first, second, rtol)
    else:
        files = store.open_file(first), store.open_file(second)
        if not set(files[0].data_vars) & set(files[1].data_vars):
            raise ValueError(f"{first} and {second} share no variable; allowed: two results of one quantity")
        yield from _of_datasets(first.parent.name, first.stem, *files, rtol)


def _of_folders(first: Path, second: Path, rtol: float) -> Iterator[Row]:
    from scoreshock.storage.opening import open_results

    sweeps = [in_folder(path).sweeps for path in (first, second)]
    quantities = [[(sweep, name) for sweep, names in each.items() for name in names] for each in sweeps]
    if not set(quantities[0]) & set(quantities[1]):
        raise ValueError(f"{first} and {second} share no quantity of a sweep; allowed: two results of one study")
    for sweep, name in dict.fromkeys(quantities[0] + quantities[1]):
        alone = [path for path, there in zip((first, second), quantities, strict=True) if (sweep, name) not in there]
        if alone:
            yield Row(sweep, name, "", note=f"not in {alone[0]}")
            continue
        with warnings.catch_warnings(record=True) as warned:  # blocks that are not there
            warnings.simplefilter("always")
            try:
                datasets = open_results(first, sweep, name), open_results(second, sweep, name)
            except FileNotFoundError as error:
                yield Row(sweep, name, "", note=str(error))
                continue
        for each in warned:  # other code is no difference, and missing numbers are one
            print(f"{sweep} {name}: {str(each.message).splitlines()[0]}", file=sys.stderr)
        yield from _of_datasets(sweep, name, *datasets, rtol)


def _of_datasets(sweep: str, quantity: str, first: xr.Dataset, second: xr.Dataset, rtol: float) -> Iterator[Row]:
    """Rows of the variables of one quantity."""
    from scoreshock.comparison.runs import compare

    first, second = (each.load() if each.nbytes < LOADED_BYTES else each for each in (first, second))
    text = [name for name, variable in first.data_vars.items() if variable.dtype.kind not in "fiub"]
    for name in text:
        same = name in second and first[name].equals(second[name])
        yield Row(sweep, quantity, str(name), first[name].size, 0 if same else first[name].size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # left out: in the attribute
            gap = compare(_marked(first.drop_vars(text)), _marked(second.drop_vars(text, errors="ignore")))
    except ValueError as error:
        yield Row(sweep, quantity, "", note=str(error))
        return
    if "left_out" in gap.attrs:
        yield Row(sweep, quantity, "", note=f"left out: {gap.attrs['left_out']}")
    common = first.sel({axis: gap[axis].values for axis in first.indexes})
    for name in map(str, common.data_vars):
        if name not in text:
            yield _row(sweep, quantity, name, common[name].compute(), gap[_names_of(name, gap)].compute(), rtol)


def _names_of(name: str, gap: xr.Dataset) -> list[str]:
    return [each for each in (name, f"{name}{MISSING}", f"{name}_first", f"{name}_second") if each in gap.data_vars]


def _marked(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with a variable for each one of floats that says where a number is missing."""
    floats = [name for name, variable in dataset.data_vars.items() if variable.dtype.kind == "f"]
    return dataset.assign({f"{name}{MISSING}": dataset[name].isnull().astype("int8") for name in floats})


def _row(sweep: str, quantity: str, name: str, values: xr.DataArray, gap: xr.Dataset, rtol: float) -> Row:
    if f"{name}_first" in gap:  # flags
        return Row(sweep, quantity, name, values.size, int((gap[f"{name}_first"] != gap[f"{name}_second"]).sum()))
    far = abs(gap[name]) > rtol * abs(values)
    if f"{name}{MISSING}" in gap:
        far = far | (gap[f"{name}{MISSING}"] != 0)
    largest: Any = abs(gap[name]).max(skipna=True).item() if gap[name].size else 0.0
    return Row(sweep, quantity, name, values.size, int(far.sum()), largest if math.isfinite(largest) else None)


def _table(rows: list[Row], differing: list[Row]) -> str:
    from scoreshock.checks import aligned, number_of

    compared = number_of(len({(row.sweep, row.quantity, row.variable) for row in rows if row.variable}), "variable")
    if not differing:
        return f"Equal: {compared}."
    head = ("sweep", "quantity", "variable", "points", "different", "largest")
    cells = [
        (row.sweep, row.quantity, row.variable, f"{row.points:,}", f"{row.different:,}", _number(row.largest))
        for row in differing
        if row.variable
    ]
    notes = [f"{row.sweep} {row.quantity}: {row.note}" for row in differing if row.note]
    table = [aligned(head, cells, left=(0, 1, 2)), ""] if cells else []
    if cells:
        last = f"Different: {number_of(len(cells), 'variable')} of {compared}."
    elif any(row.variable for row in rows):
        last = f"Equal where both have values: {compared}. Different: what only one has, named above."
    else:
        last = "Different: no variable can be compared."
    return "\n".join([*table, *notes, last])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
