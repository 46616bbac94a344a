"""Tables of noise by step, as a study gives them: checked, put data first, and turned into a path's log-SNR.

Forms: ``alphas_cumprod``; ``alpha`` with ``sigma`` (the noise standard deviation); ``sigma_n`` (their ratio, alpha = 1);
``betas: {start, end, num, scale}``; or a ``file`` that has one of the first three as columns.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
import yaml

from scoreshock.checks import as_array, counts_rows, listed, readable_file, repeated, shortened, show
from scoreshock.options import Choice, Other, number
from scoreshock.schedules import formulas
from scoreshock.schedules.kinds import (
    MAX_STEPS,
    MEANINGS,
    RATES_PER_STEP,
    Path,
    meaning,
    renamed,
    schedule_kind,
)

FORMS = (("alphas_cumprod",), ("alpha", "sigma"), ("sigma_n",), ("betas",), ("file",))
COLUMNS = FORMS[:3]
ALLOWED = "one of alphas_cumprod; alpha with sigma; sigma_n; betas; file"

MAX_LOG_SNR = 700.0
"""Entries beyond it are zero to double precision and must be written as zero."""

FILE_LIMIT = 2**26
YAML_LIMIT = 2**20
"""Most bytes of a file that holds a table, and of one in YAML, whose reading is slow (ours)."""

UNREADABLE = (
    OSError, ValueError, RuntimeError, TypeError, AttributeError, LookupError, ArithmeticError, csv.Error, yaml.YAMLError
)  # fmt: skip
"""What the libraries raise on files that are damaged or forged, such as !!int "" in YAML."""

Gauge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def build(options: dict[str, Any]) -> tuple[formulas.Table, Gauge]:
    """Path of a table, data first, and its gauge; adds ``order`` and the ``digest`` of a file to ``options``.

    Raises ``ValueError`` naming the column and the entry.
    """
    columns = _columns(options)
    with np.errstate(divide="ignore"):
        table, gauge = _path(columns)
    data_first = bool(table.log_snr[0] > table.log_snr[-1])
    _check_monotone(table.log_snr if data_first else -table.log_snr, columns)
    order = "data-first" if data_first else "noisy-first"
    if options.setdefault("order", order) != order:
        raise ValueError(f"order = {options['order']!r} is not allowed; allowed: {order}, as the entries are")
    if not data_first:
        table = formulas.Table(table.log_snr[::-1].copy(), table.log_norm[::-1].copy())
    return table, partial(formulas.table_gauge, table=table) if gauge is None else gauge


def _columns(options: dict[str, Any]) -> dict[str, np.ndarray]:
    """The table's columns by name, from lists, rates or a file."""
    names = [name for form in FORMS for name in form if name in options]
    form = _form(names, FORMS, "the table has")
    if form == ("file",):
        stored = renamed(_read(options), f"file {options['file']}")
        form = _form(list(stored), COLUMNS, f"file {options['file']} has the columns")
        unused = [
            name or "a column without a name"
            for name, values in stored.items()
            if name not in form and not counts_rows(values)
        ]
        if unused:
            raise ValueError(
                f"file {options['file']} has {listed(unused)}, which would be ignored; allowed: {' and '.join(form)}, and a "
                "column that counts the rows (remove the rest)"
            )
        return {name: _entries(name, stored[name]) for name in form}
    if form == ("betas",):
        options["betas"], rates = _rates(options["betas"])
        return {"betas": rates}
    columns = {name: _entries(name, options[name]) for name in form}
    options.update({name: values.tolist() for name, values in columns.items()})
    return columns


def _form(names: list[str], forms: tuple[tuple[str, ...], ...], subject: str) -> tuple[str, ...]:
    """The one form that the names fill."""
    known = [name for form in forms for name in form]
    used = [form for form in forms if any(name in names for name in form)]
    if len(used) == 1 and all(name in names for name in used[0]):
        return used[0]
    allowed = ALLOWED if forms is FORMS else "alphas_cumprod; alpha with sigma; sigma_n"
    raise ValueError(f"{subject} {listed(names) if names else 'nothing'}; allowed: {allowed}{_hint(names, known)}")


def _hint(names: list[str], known: list[str]) -> str:
    """What the first unknown name means, or which known one it is near to, or nothing."""
    if any(mark in name for name in names for mark in ";\t|"):
        return " (columns separated by commas, with decimal points)"
    return next((hint for name in names if name not in known and (hint := meaning(name, known))), "")


def _read(options: dict[str, Any]) -> Mapping[str, Any]:
    """Columns of a file, whose digest is checked or noted."""
    file = options["file"]
    path = FilePath(file)
    suffix = path.suffix.lower()
    readers: dict[str, Callable[[FilePath], Mapping[str, Any]]]
    readers = {".csv": _read_csv, ".nc": _read_netcdf, ".yaml": _read_yaml, ".yml": _read_yaml}
    if suffix not in readers:
        advice = f" ({RATES_PER_STEP})" if suffix == ".json" else ""
        raise ValueError(f"file = {file!r} is not a table; allowed: {', '.join(readers)}{advice}")
    limit = YAML_LIMIT if readers[suffix] is _read_yaml else FILE_LIMIT
    if (size := readable_file(path).stat().st_size) > limit:
        raise ValueError(f"file = {file!r} has {size:,} bytes; allowed: at most {limit:,} of {suffix} (our limit)")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if options.setdefault("digest", digest) != digest:
        raise ValueError(f"file = {file!r} has changed: sha256 {digest}, expected {options['digest']}")
    try:
        return readers[suffix](path)
    except UNREADABLE as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else shortened(error, 240)
        raise ValueError(f"file = {file!r} cannot be read as {suffix}: {reason}") from None


def _read_csv(path: FilePath) -> dict[str, list]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = (row for row in csv.reader(stream, skipinitialspace=True) if row)
        names = [name.strip() for name in next(rows, [])]
        if again := repeated(names):
            raise ValueError(f"it has the column {show(again[0])} more than once; allowed: each column once")
        cells = list(itertools.islice(rows, MAX_STEPS + 1))
    if len(cells) > MAX_STEPS:
        raise ValueError(f"it has more than {MAX_STEPS:,} rows")
    if any(len(row) > len(names) for row in cells):
        raise ValueError("a line has more cells than the header")
    return {name: [_cell(row[j]) if j < len(row) else None for row in cells] for j, name in enumerate(names)}


def _cell(text: str) -> float | str:
    """A number where the cell is one; the rest is refused later."""
    try:
        return float(text)
    except ValueError:
        return text


def _read_netcdf(path: FilePath) -> dict[str, np.ndarray]:
    with netCDF4.Dataset(path) as file:
        if file.groups:
            raise ValueError(f"it has groups ({listed(file.groups)}); allowed: variables outside of groups")
        # Before anything is read: a compressed file of a few bytes may declare any length.
        long = [
            f"{name} has {variable.size:,} entries" for name, variable in file.variables.items() if variable.size > MAX_STEPS
        ]
    if long:
        raise ValueError(f"{listed(long)}; allowed: at most {MAX_STEPS:,}")
    with xr.open_dataset(path, engine="netcdf4") as stored:
        return {str(name): stored[name].values for name in stored.variables}


class _Loader(yaml.SafeLoader):
    """The safe loader without aliases, which multiply: values are then at most as many as the file has characters."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it has aliases (*name); write the numbers")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if again := repeated(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            raise ValueError(f"it has {show(again[0])} more than once; allowed: each column once")
        return super().construct_mapping(node, deep)


def _plain_number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    """A number in the digits that it is written with, not those that YAML takes for base 8 or 60."""
    if ":" in node.value or re.fullmatch(r"[-+]?0[0-9_]+", node.value):
        raise ValueError(f"it has {shortened(node.value, 20)}, which YAML reads in base 8 or 60; write a plain number")
    value = loader.construct_yaml_int(node) if node.tag.endswith(":int") else loader.construct_yaml_float(node)
    return float(value) if isinstance(value, float) else int(value)


for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _plain_number)


def _read_yaml(path: FilePath) -> dict[str, Any]:
    loader = _Loader(path.read_text(encoding="utf-8"))
    try:
        stored = loader.get_single_data()
    finally:
        loader.dispose()
    if not isinstance(stored, dict):
        raise ValueError("no columns: a mapping from column names to lists is needed")
    return stored


def _rates(spec: Any) -> tuple[dict[str, Any], np.ndarray]:
    """Rates beta, (num,), and their specification with the default filled in."""
    allowed = "{start, end, num, scale: linear | sqrt} with 0 < start, end < 1 and 2 <= num <= 1000000"
    full = {"scale": "linear", **spec} if isinstance(spec, Mapping) else {}
    refusal = f"betas = {show(spec)} is not allowed; allowed: {allowed}"
    if not isinstance(spec, Mapping):
        raise ValueError(f"{refusal} ({MEANINGS['betas']})")
    if set(full) != {"start", "end", "num", "scale"} or full["scale"] not in ("linear", "sqrt"):
        raise ValueError(refusal)
    start, end, num = (number(full[name], allowed, f"betas.{name}") for name in ("start", "end", "num"))
    if not (0 < start < 1 and 0 < end < 1 and 2 <= num <= MAX_STEPS and num == np.floor(num)):
        raise ValueError(refusal)
    make = formulas.linear_betas if full["scale"] == "linear" else formulas.scaled_linear_betas
    return {"start": start, "end": end, "num": int(num), "scale": full["scale"]}, make(start, end, int(num))


def _entries(name: str, values: Any) -> np.ndarray:
    """A column as floats, every entry checked against the column's domain."""
    allowed = "numbers from 0 to 1" if name == "alphas_cumprod" else "finite numbers >= 0"
    if not isinstance(values, list | tuple):
        array = as_array(name, values)
        if array.ndim == 0 or array.dtype.kind in "mM":
            raise ValueError(f"{name} = {show(values)} is not allowed; allowed: a list of {allowed}")
        values = array.tolist()
    entries = np.array([number(value, allowed, f"{name}[{i}]") for i, value in enumerate(values)])
    if len(entries) < 2:
        raise ValueError(f"{name} has {len(entries)} entries; allowed: 2 or more")
    good = (entries >= 0) & (entries <= 1 if name == "alphas_cumprod" else np.isfinite(entries))
    if not good.all():
        first = int(np.argmin(good))
        raise ValueError(f"{name}[{first}] = {entries[first]} is not allowed; allowed: {allowed}")
    return entries


def _path(columns: dict[str, np.ndarray]) -> tuple[formulas.Table, Gauge | None]:
    """Log-SNR and norm by step, in the order of the entries; a gauge where the form implies one."""
    if "alpha" in columns:
        alpha, noise = columns["alpha"], columns["sigma"]
        if len(alpha) != len(noise):
            raise ValueError(f"alpha has {len(alpha)} entries and sigma {len(noise)}; allowed: equally many")
        norm = np.hypot(alpha, noise)
        if not norm.all():
            raise ValueError(f"alpha and sigma are both 0 at entry {int(np.argmin(norm))}; allowed: at most one of them")
        return formulas.Table(formulas.log_snr_of_pair(alpha, noise), np.log(norm)), None
    if "sigma_n" in columns:
        log_snr = formulas.log_snr_of_pair(np.ones_like(columns["sigma_n"]), columns["sigma_n"])
        return formulas.Table(log_snr, np.zeros_like(log_snr)), formulas.exploding
    if "betas" in columns:
        log_snr = formulas.log_snr_of_betas(columns["betas"])
    else:
        log_snr = formulas.log_snr_of_abar(columns["alphas_cumprod"])
    return formulas.Table(log_snr, np.zeros_like(log_snr)), formulas.preserving


def _check_monotone(falling: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    """Refuse entries (log-SNR, with the sign that makes it fall) that do not fall, or with no finite one to lean on."""
    name = " and ".join(columns)
    bad = ~(falling[:-1] > falling[1:])
    if bad.any():
        i = int(np.argmax(bad))
        before, after = ([float(values[j]) for values in columns.values()] for j in (i, i + 1))
        raise ValueError(
            f"{name}: not strictly monotone: {after} at entry {i + 1} follows {before} at entry {i}; "
            f"allowed: noise/alpha rising (or falling) at every entry{' (a repeated one once)' * (before == after)}"
        )
    finite = np.isfinite(falling)
    if not finite.any():
        raise ValueError(f"{name}: no entry between zero noise and zero signal; allowed: at least one")
    if np.abs(falling[finite]).max() > MAX_LOG_SNR:
        raise ValueError(f"{name}: an entry is 0 to double precision (|log-SNR| > {MAX_LOG_SNR:g}); write it as 0")


@schedule_kind(
    "entries by step, t in [0, n - 1]; log-SNR linear between them",
    {
        "alphas_cumprod": Other("alpha^2 by step, noise^2 = 1 - alpha^2", form="a list of numbers from 0 to 1"),
        "alpha": Other("signal coefficient by step, with sigma", form="a list of finite numbers >= 0"),
        "sigma": Other("noise standard deviation by step, with alpha", form="a list of finite numbers >= 0"),
        "sigma_n": Other("noise/alpha by step, alpha = 1", form="a list of finite numbers >= 0"),
        "betas": Other("rates of a DDPM chain", form="{start, end, num, scale: linear | sqrt}"),
        "file": Other("file with one of these as columns", form="text: a path to .csv, .nc or .yaml"),
        "digest": Other("sha256 of the file", form="text: 64 hexadecimal digits"),
        "order": Choice("which end comes first (found, not chosen)", known=("data-first", "noisy-first")),
    },
    spacing="table",
)
def table(**options: Any) -> Path:
    entries, gauge = build(options)
    clock, inverse = partial(formulas.table_variance, table=entries), partial(formulas.table_time, table=entries)
    return Path(clock, inverse, gauge, float(len(entries.log_snr) - 1), completed=options)
