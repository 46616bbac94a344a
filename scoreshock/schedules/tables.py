"""Tables of noise by step, as a study gives them: checked, put data first, and turned into a path's log-SNR.

Forms: ``alphas_cumprod``; ``alpha`` with ``sigma`` (the noise standard deviation); ``sigma_n`` (their ratio, alpha = 1);
``sigmas`` of a stated convention; ``log_snr``; ``betas``, as a list or ``{start, end, num, scale}``; or a ``file`` that has
one of these as columns, or one list of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from scoreshock.checks import as_array, counts_rows, listed, show
from scoreshock.options import Choice, Other, number
from scoreshock.schedules import files, formulas, lists
from scoreshock.schedules.kinds import MAX_STEPS, RATES_PER_STEP, Path, Sampled, schedule_kind
from scoreshock.schedules.parameters import meaning, renamed

FORMS = (("alphas_cumprod",), ("alpha", "sigma"), ("sigma_n",), ("sigmas",), ("log_snr",), ("betas",), ("file",))
COLUMNS = FORMS[:-1]
ALLOWED = "one of alphas_cumprod; alpha with sigma; sigma_n; sigmas; log_snr; betas"

MAX_LOG_SNR = 700.0
"""Entries beyond it are zero to double precision and must be written as zero."""

DOMAINS = {
    "alphas_cumprod": ("numbers from 0 to 1", 0.0, 1.0),
    "betas": ("rates per step, from 0 to below 1", 0.0, 1 - 2.0**-53),
    "log_snr": ("finite numbers", -MAX_LOG_SNR, MAX_LOG_SNR),
}
"""What the entries of a column may be; of the others finite numbers >= 0."""

Gauge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def build(options: dict[str, Any]) -> tuple[formulas.Table, Gauge, Sampled | None]:
    """Path of a table, data first, its gauge, and its own list of levels if some are repeated; completes ``options``.

    Raises ``ValueError`` naming the column and the entry.
    """
    columns = _columns(options)
    convention = _convention(columns, options)
    with np.errstate(divide="ignore"):
        table, gauge = _path(columns, convention)
    data_first = bool(table.log_snr[0] > table.log_snr[-1])
    kept = np.append(True, table.log_snr[1:] != table.log_snr[:-1])
    if data_first or not {"sigma_n", "sigmas"} & set(columns):
        kept[:] = True  # only a sampler's list repeats levels, and it runs from noise
    table = formulas.Table(table.log_snr[kept], table.log_norm[kept])
    check_monotone(table.log_snr if data_first else -table.log_snr, {name: column[kept] for name, column in columns.items()})
    order = "data-first" if data_first else "noisy-first"
    if options.setdefault("order", order) != order:
        raise ValueError(f"order = {options['order']!r} is not allowed; allowed: {order}, as the entries are")
    if not data_first:
        table = formulas.Table(table.log_snr[::-1].copy(), table.log_norm[::-1].copy())
    sampled = None if kept.all() else _repeating(table, np.cumsum(kept) - 1)
    return table, partial(formulas.table_gauge, table=table) if gauge is None else gauge, sampled


def _repeating(table: formulas.Table, positions: np.ndarray) -> Sampled:
    """A sampler's list of which some levels are visited twice, as those of second-order solvers."""
    times = (len(table.log_snr) - 1 - positions).astype(float)
    sigmas = np.exp(-table.log_snr[times.astype(np.intp)] / 2)
    ends_clean = sigmas[-1] == 0
    return Sampled(times, sigmas if ends_clean else np.append(sigmas, 0.0), times[:-1] if ends_clean else times)


def _columns(options: dict[str, Any]) -> dict[str, np.ndarray]:
    """The table's columns by name, from lists, rates or a file."""
    names = [name for form in FORMS for name in form if name in options]
    form = _form(names, FORMS, "the table has")
    if form == ("file",):
        return _from_file(options)
    if form == ("betas",) and isinstance(options["betas"], Mapping):
        options["betas"], rates = _rates(options["betas"])
        return {"betas": rates}
    columns = {name: _entries(name, options[name]) for name in form}
    options.update({name: values.tolist() for name, values in columns.items()})
    return columns


def _from_file(options: dict[str, Any]) -> dict[str, np.ndarray]:
    """The columns of a file: those of one form, and none that would be ignored; or its one list of numbers."""
    stored, source = files.read(options), f"file {options['file']}"
    if not isinstance(stored, Mapping):
        name = lists.convention_of(source, stored, options.get("convention"))
        options["convention"] = name
        column = "sigmas" if name in lists.SIGMAS else name
        return {column: _entries(column, stored)}
    stored = renamed(stored, source)
    form = _form(list(stored), COLUMNS, f"{source} has the columns")
    unused = [
        name or "a column without a name" for name, values in stored.items() if name not in form and not counts_rows(values)
    ]
    if unused:
        raise ValueError(
            f"{source} has {listed(unused)}, which would be ignored; allowed: {' and '.join(form)}, and a "
            "column that counts the rows (remove the rest)"
        )
    if isinstance(stored.get("betas"), Mapping):
        return {"betas": _rates(stored["betas"])[1]}
    return {name: _entries(name, stored[name]) for name in form}


def _convention(columns: Mapping[str, np.ndarray], options: dict[str, Any]) -> str | None:
    """The convention of a list of sigmas; a flow's given as sigma_n is refused unless that is stated too."""
    stated = options.get("convention")
    if "sigmas" in columns:
        options["convention"] = lists.convention_of("sigmas", columns["sigmas"], stated, lists.SIGMAS)
        return str(options["convention"])
    only = next(iter(columns))
    if stated not in (None, only):
        raise ValueError(
            f"convention = {stated!r} is not allowed with {only}; allowed: {only}, or sigmas with that convention"
        )
    if only == "sigma_n" and stated is None and columns["sigma_n"].max() <= 1:
        raise ValueError(
            "sigma_n never exceeds 1, that is, noise never exceeds signal; allowed: sigmas with convention: flow "
            "(alpha = 1 - sigma) or vp (sqrt(1 - alpha_bar)), or here convention: sigma_n"
        )
    if only == "alphas_cumprod" and stated is None and columns["alphas_cumprod"].min() > 0.5:
        raise ValueError(
            "alphas_cumprod never falls below 1/2, that is, noise never exceeds signal; allowed: betas (diffusers' alphas "
            "are 1 - betas), or here convention: alphas_cumprod"
        )
    if only == "betas" and stated is None and columns["betas"][0] > columns["betas"][-1]:
        raise ValueError(
            f"betas fall from {columns['betas'][0]:g} to {columns['betas'][-1]:g}; allowed: rates from data to noise, which "
            "rise (products of 1 - betas are alphas_cumprod), or here convention: betas"
        )
    return None


def _form(names: list[str], forms: tuple[tuple[str, ...], ...], subject: str) -> tuple[str, ...]:
    """The one form that the names fill."""
    known = [name for form in forms for name in form]
    used = [form for form in forms if any(name in names for name in form)]
    if len(used) == 1 and all(name in names for name in used[0]):
        return used[0]
    allowed = f"{ALLOWED}; file" if forms is FORMS else ALLOWED
    raise ValueError(f"{subject} {listed(names) if names else 'nothing'}; allowed: {allowed}{_hint(names, known)}")


def _hint(names: list[str], known: list[str]) -> str:
    """What the first unknown name means, or which known one it is near to, or nothing."""
    if any(mark in name for name in names for mark in ";\t|"):
        return " (columns separated by commas, with decimal points)"
    return next((hint for name in names if name not in known and (hint := meaning(name, known))), "")


def _rates(spec: Mapping[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Rates beta, (num,), and their specification with the default filled in."""
    allowed = "{start, end, num, scale: linear | sqrt} with 0 < start, end < 1 and 2 <= num <= 1000000, or a list"
    full = {"scale": "linear", **spec}
    refusal = f"betas = {show(spec)} is not allowed; allowed: {allowed}"
    if set(full) != {"start", "end", "num", "scale"} or full["scale"] not in ("linear", "sqrt"):
        raise ValueError(refusal)
    start, end, num = (number(full[name], allowed, f"betas.{name}") for name in ("start", "end", "num"))
    if start >= 1 or end >= 1:
        raise ValueError(f"{refusal} ({RATES_PER_STEP})")
    if not (0 < start < 1 and 0 < end < 1 and 2 <= num <= MAX_STEPS and num == np.floor(num)):
        raise ValueError(refusal)
    make = formulas.linear_betas if full["scale"] == "linear" else formulas.scaled_linear_betas
    return {"start": start, "end": end, "num": int(num), "scale": full["scale"]}, make(start, end, int(num))


def _entries(name: str, values: Any) -> np.ndarray:
    """A column as floats, every entry checked against the column's domain."""
    allowed, low, high = DOMAINS.get(name, ("finite numbers >= 0", 0.0, np.inf))
    values = lists.numbers(name, values)
    if not isinstance(values, list | tuple):
        array = as_array(name, values)
        if array.ndim == 0 or array.dtype.kind in "mM":
            raise ValueError(f"{name} = {show(values)} is not allowed; allowed: a list of {allowed}")
        values = array.tolist()
    entries = np.array([number(value, allowed, f"{name}[{i}]") for i, value in enumerate(values)])
    if len(entries) < 2:
        raise ValueError(f"{name} has {len(entries)} entries; allowed: 2 or more")
    good = (entries >= low) & (entries <= high) & np.isfinite(entries)
    if not good.all():
        first = int(np.argmin(good))
        raise ValueError(f"{name}[{first}] = {entries[first]} is not allowed; allowed: {allowed}")
    return entries


def _path(columns: dict[str, np.ndarray], convention: str | None) -> tuple[formulas.Table, Gauge | None]:
    """Log-SNR and norm by step, in the order of the entries; a gauge where the form implies one."""
    if "alpha" in columns:
        return _pair_path(columns["alpha"], columns["sigma"]), None
    if "sigmas" in columns:
        alpha, gauge = _alpha_of_sigmas(columns["sigmas"], convention)
        log_snr = formulas.log_snr_of_pair(alpha, columns["sigmas"])
    elif "sigma_n" in columns:
        log_snr = formulas.log_snr_of_pair(np.ones_like(columns["sigma_n"]), columns["sigma_n"])
        gauge = formulas.exploding
    else:
        (name, column), gauge = next(iter(columns.items())), formulas.preserving
        log_snr = LOG_SNR[name](column)
    return formulas.Table(log_snr, np.zeros_like(log_snr)), gauge


LOG_SNR: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "betas": formulas.log_snr_of_betas,
    "alphas_cumprod": formulas.log_snr_of_abar,
    "log_snr": np.array,
}
"""Log-SNR of the columns whose variance is preserved."""


def _alpha_of_sigmas(sigmas: np.ndarray, convention: str | None) -> tuple[np.ndarray, Gauge]:
    """Signal coefficients beside noise of a convention, and its gauge."""
    if convention != "sigma_n" and (sigmas > 1).any():
        raise ValueError(f"sigmas has {sigmas.max():g}; allowed with convention: {convention}: numbers from 0 to 1")
    if convention == "flow":
        return 1 - sigmas, formulas.interpolant
    if convention == "vp":
        return np.sqrt((1 - sigmas) * (1 + sigmas)), formulas.preserving
    return np.ones_like(sigmas), formulas.exploding


def _pair_path(alpha: np.ndarray, noise: np.ndarray) -> formulas.Table:
    if len(alpha) != len(noise):
        raise ValueError(f"alpha has {len(alpha)} entries and sigma {len(noise)}; allowed: equally many")
    norm = np.hypot(alpha, noise)
    if not norm.all():
        raise ValueError(f"alpha and sigma are both 0 at entry {int(np.argmin(norm))}; allowed: at most one of them")
    return formulas.Table(formulas.log_snr_of_pair(alpha, noise), np.log(norm))


def check_monotone(falling: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
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
        "sigmas": Other("noise by step, in the convention", form="a list of finite numbers >= 0, or text with them"),
        "log_snr": Other("ln(alpha^2/noise^2) by step, alpha^2 + noise^2 = 1", form="a list of numbers"),
        "betas": Other("rates of a DDPM chain", form="{start, end, num, scale: linear | sqrt}, or a list"),
        "file": Other(
            "file with one of these as columns, or one list of numbers",
            form="text: a path to .csv, .nc, .yaml, .json, .txt, .npy or .npz",
        ),
        "convention": Choice(
            "what sigmas, or the numbers of a file without names, are; needed where several fit",
            known=tuple(lists.CONVENTIONS),
        ),
        "digest": Other("sha256 of the file", form="text: 64 hexadecimal digits"),
        "order": Choice("which end comes first (found, not chosen)", known=("data-first", "noisy-first")),
    },
    spacing="table",
)
def table(**options: Any) -> Path:
    entries, gauge, sampled = build(options)
    clock, inverse = partial(formulas.table_variance, table=entries), partial(formulas.table_time, table=entries)
    return Path(clock, inverse, gauge, float(len(entries.log_snr) - 1), completed=options, sampled=sampled)
