"""Tables of noise by step, as a study gives them: checked, put data first, and turned into a path's log-SNR.

Forms: ``alphas_cumprod``; ``alpha`` with ``sigma`` (the noise standard deviation); ``sigma_n`` (their ratio, alpha = 1);
``betas: {start, end, num, scale}``; or a ``file`` that has one of the first three as columns.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import itertools
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
import yaml

from scoreshock.kernels import paths

FORMS = (("alphas_cumprod",), ("alpha", "sigma"), ("sigma_n",), ("betas",), ("file",))
COLUMNS = FORMS[:3]
ALLOWED = "one of alphas_cumprod; alpha with sigma; sigma_n; betas; file"

MAX_LOG_SNR = 700.0
"""Entries beyond it are zero to double precision and must be written as zero."""

MAX_STEPS = 1_000_000
"""Most steps that a sampler or a chain of rates may have: a slip of the pen must not fill the memory."""

FILE_LIMIT = 2**26
YAML_LIMIT = 2**20
"""Most bytes of a file that holds a table, and of one in YAML, whose reading is slow (ours)."""

UNREADABLE = (
    OSError, ValueError, RuntimeError, TypeError, AttributeError, LookupError, ArithmeticError, csv.Error, yaml.YAMLError
)  # fmt: skip
"""What the libraries raise on files that are damaged or forged, such as !!int "" in YAML."""

Gauge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def build(given: dict[str, Any]) -> tuple[paths.Table, Gauge]:
    """Path of the table in ``given``, data first, and its gauge; completes ``given`` with ``order`` and a file's ``digest``.

    Raises ``ValueError`` naming the column and the entry.
    """
    columns = _columns(given)
    table, gauge = _path(columns)
    data_first = bool(table.log_snr[0] > table.log_snr[-1])
    _check_monotone(table.log_snr if data_first else -table.log_snr, columns)
    order = "data-first" if data_first else "noisy-first"
    if given.setdefault("order", order) != order:
        raise ValueError(f"order = {given['order']!r} is not allowed; allowed: {order}, as the entries are")
    if not data_first:
        table = paths.Table(table.log_snr[::-1].copy(), table.log_norm[::-1].copy())
    return table, partial(paths.table_gauge, table=table) if gauge is None else gauge


def _columns(given: dict[str, Any]) -> dict[str, np.ndarray]:
    """The table's columns by name, from lists, rates or a file."""
    names = [name for form in FORMS for name in form if name in given]
    form = _form(names, FORMS, "the table has")
    if form == ("file",):
        stored = _read(given)
        form = _form(list(stored), COLUMNS, f"file {given['file']} has the columns")
        return {name: _entries(name, stored[name]) for name in form}
    if form == ("betas",):
        given["betas"], rates = _rates(given["betas"])
        return {"betas": rates}
    columns = {name: _entries(name, given[name]) for name in form}
    given.update({name: values.tolist() for name, values in columns.items()})
    return columns


def _form(names: list[str], forms: tuple[tuple[str, ...], ...], subject: str) -> tuple[str, ...]:
    """The one form that the names fill."""
    known = [name for form in forms for name in form]
    used = [form for form in forms if any(name in names for name in form)]
    if len(used) == 1 and all(name in names for name in used[0]):
        return used[0]
    allowed = ALLOWED if forms is FORMS else "alphas_cumprod; alpha with sigma; sigma_n"
    near = [match for name in names for match in difflib.get_close_matches(name, known, 1) if name not in known]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{subject} {', '.join(names) or 'nothing'}; allowed: {allowed}{hint}")


def _read(given: dict[str, Any]) -> Mapping[str, Any]:
    """Columns of a file, whose digest is checked or noted."""
    path = Path(given["file"])
    readers: dict[str, Callable[[Path], Mapping[str, Any]]]
    readers = {".csv": _read_csv, ".nc": _read_netcdf, ".yaml": _read_yaml, ".yml": _read_yaml}
    if path.suffix not in readers:
        raise ValueError(f"file = {given['file']!r} is not a table; allowed: {', '.join(readers)}")
    if not path.is_file():
        raise ValueError(f"file = {given['file']!r} does not exist (working folder {Path.cwd()})")
    limit = YAML_LIMIT if readers[path.suffix] is _read_yaml else FILE_LIMIT
    if (size := path.stat().st_size) > limit:
        raise ValueError(
            f"file = {given['file']!r} has {size:,} bytes; allowed: at most {limit:,} of {path.suffix} (our limit)"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if given.setdefault("digest", digest) != digest:
        raise ValueError(f"file = {given['file']!r} has changed: sha256 {digest}, expected {given['digest']}")
    try:
        return readers[path.suffix](path)
    except UNREADABLE as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(f"file = {given['file']!r} cannot be read as {path.suffix}: {reason}") from None


def _read_csv(path: Path) -> dict[str, list]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream, skipinitialspace=True)
        cells = list(itertools.islice(rows, MAX_STEPS + 1))
        if len(cells) > MAX_STEPS:
            raise ValueError(f"it has more than {MAX_STEPS:,} rows")
        if any(None in row for row in cells):
            raise ValueError("a line has more cells than the header")
        return {name.strip(): [_cell(row[name]) for row in cells] for name in rows.fieldnames or ()}


def _cell(text: str | None) -> float | str | None:
    """A number where the cell is one; the rest is refused later, if its column is used."""
    try:
        return float(text) if text is not None else None
    except ValueError:
        return text


def _read_netcdf(path: Path) -> dict[str, np.ndarray]:
    with netCDF4.Dataset(path) as file:
        # Before anything is read: a compressed file of a few bytes may declare any length.
        long = [
            f"{name} has {variable.size:,} entries" for name, variable in file.variables.items() if variable.size > MAX_STEPS
        ]
    if long:
        raise ValueError(f"{', '.join(long)}; allowed: at most {MAX_STEPS:,}")
    with xr.open_dataset(path, engine="netcdf4") as stored:
        return {str(name): stored[name].values for name in stored.variables}


class _Loader(yaml.SafeLoader):
    """The safe loader without aliases, which multiply: values are then at most as many as the file has characters."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("it has aliases (*name); write the numbers")
        return super().compose_node(parent, index)


def _read_yaml(path: Path) -> dict[str, Any]:
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
    if set(full) != {"start", "end", "num", "scale"} or full["scale"] not in ("linear", "sqrt"):
        raise ValueError(f"betas = {spec!r} is not allowed; allowed: {allowed}")
    start, end, num = (number(full[name], allowed, f"betas.{name} ") for name in ("start", "end", "num"))
    if not (0 < start < 1 and 0 < end < 1 and 2 <= num <= MAX_STEPS and num == np.floor(num)):
        raise ValueError(f"betas = {spec!r} is not allowed; allowed: {allowed}")
    make = paths.linear_betas if full["scale"] == "linear" else paths.scaled_linear_betas
    return {"start": start, "end": end, "num": int(num), "scale": full["scale"]}, make(start, end, int(num))


def _entries(name: str, values: Any) -> np.ndarray:
    """A column as floats, every entry checked against the column's domain."""
    allowed = "numbers from 0 to 1" if name == "alphas_cumprod" else "finite numbers >= 0"
    if isinstance(values, xr.DataArray):
        values = values.to_numpy()
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, list | tuple):
        raise ValueError(f"{name} = {values!r} is not allowed; allowed: a list of {allowed}")
    entries = np.array([number(value, allowed, f"{name}[{i}] ") for i, value in enumerate(values)])
    if len(entries) < 2:
        raise ValueError(f"{name} has {len(entries)} entries; allowed: 2 or more")
    good = (entries >= 0) & (entries <= 1 if name == "alphas_cumprod" else np.isfinite(entries))
    if not good.all():
        first = int(np.argmin(good))
        raise ValueError(f"{name}[{first}] = {entries[first]} is not allowed; allowed: {allowed}")
    return entries


def number(value: Any, allowed: str, name: str = "") -> float:
    """``value`` as a float; text is refused, with the spelling that YAML reads as a number."""
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        return float(value)
    hint = ""
    if isinstance(value, str):
        try:
            hint = f" (text, not a number: write {_spelled(float(value))}; YAML reads 1e-3 as text, 1.0e-3 as a number)"
        except ValueError:
            hint = " (text, not a number)"
    raise ValueError(f"{name}= {value!r} is not allowed{hint}; allowed: {allowed}")


def _spelled(value: float) -> str:
    """A spelling that YAML reads as a float: with a point and a signed exponent."""
    mantissa, _, exponent = repr(value).partition("e")
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{exponent}" if exponent else mantissa


def _path(columns: dict[str, np.ndarray]) -> tuple[paths.Table, Gauge | None]:
    """Log-SNR and norm by step, in the given order; a gauge where the form implies one."""
    if "alpha" in columns:
        alpha, noise = columns["alpha"], columns["sigma"]
        if len(alpha) != len(noise):
            raise ValueError(f"alpha has {len(alpha)} entries and sigma {len(noise)}; allowed: equally many")
        norm = np.hypot(alpha, noise)
        if not norm.all():
            raise ValueError(f"alpha and sigma are both 0 at entry {int(np.argmin(norm))}; allowed: at most one of them")
        return paths.Table(paths.log_snr_of_pair(alpha, noise), np.log(norm)), None
    if "sigma_n" in columns:
        log_snr = paths.log_snr_of_pair(np.ones_like(columns["sigma_n"]), columns["sigma_n"])
        return paths.Table(log_snr, np.zeros_like(log_snr)), paths.exploding
    if "betas" in columns:
        log_snr = paths.log_snr_of_betas(columns["betas"])
    else:
        log_snr = paths.log_snr_of_abar(columns["alphas_cumprod"])
    return paths.Table(log_snr, np.zeros_like(log_snr)), paths.preserving


def _check_monotone(falling: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    """Refuse entries (log-SNR, with the sign that makes it fall) that do not fall, or with no finite one to lean on."""
    name = " and ".join(columns)
    bad = ~(falling[:-1] > falling[1:])
    if bad.any():
        i = int(np.argmax(bad))
        before, after = ([float(values[j]) for values in columns.values()] for j in (i, i + 1))
        raise ValueError(
            f"{name}: not strictly monotone: {after} at entry {i + 1} follows {before} at entry {i}; "
            "allowed: noise/alpha rising (or falling) at every entry"
        )
    finite = np.isfinite(falling)
    if not finite.any():
        raise ValueError(f"{name}: no entry between zero noise and zero signal; allowed: at least one")
    if np.abs(falling[finite]).max() > MAX_LOG_SNR:
        raise ValueError(f"{name}: an entry is 0 to double precision (|log-SNR| > {MAX_LOG_SNR:g}); write it as 0")
