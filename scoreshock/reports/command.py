"""The density and the schedules that the flags of the command ``when`` describe."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
import yaml

from scoreshock.checks import check_folder, number_of, show
from scoreshock.conventions import AXES
from scoreshock.densities import families
from scoreshock.densities.bootstrap import REPLICATES, bootstrapped
from scoreshock.densities.class_covariances import KINDS
from scoreshock.densities.families.registry import build
from scoreshock.densities.refitting import refitted
from scoreshock.densities.tables.bundled import BUNDLED, read_bundled
from scoreshock.densities.tables.reading import read_file
from scoreshock.densities.tables.table import Choice, Table
from scoreshock.quantities.class_map import DRAWS
from scoreshock.quantities.isotropy import isotropy
from scoreshock.quantities.labelled import is_general
from scoreshock.reports import empirical, when
from scoreshock.reports.schedules import schedules_of

FOLDER = "when"
"""Folder of the report, by default."""

FEWER_DRAWS = 512
"""Draws of each component by default where covariances make each of them a product with a matrix (ours)."""

FEWEST = 2
"""Classes of two samples or more that the empirical score needs."""

ALONE = "No empirical score: fewer than two classes have two samples or more."


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``when``."""
    parser.usage = f"{parser.prog} (--data FILE | --family NAME) [flags]"
    _add_flags_of_density(parser.add_argument_group("density: data, or a family"))
    parser.add_argument(
        "--schedule",
        action="append",
        default=[],
        metavar="NAME|FILE[:PARAMETER=VALUE,...]",
        help="noise schedule by name or file, such as edm:sigma_max=40,rho=5; may be repeated",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="steps of the sampler")
    drawn = f"draws of each component, beyond two dimensions ({DRAWS.default}; with covariances {FEWER_DRAWS})"
    parser.add_argument("--draws", type=int, metavar="N", help=drawn)
    parser.add_argument("--seed", type=int, default=0, help="of the draws (%(default)s)")
    repeated = f"bootstrap replicates of data, for standard errors ({REPLICATES}; 0: none)"
    parser.add_argument("--replicates", type=int, metavar="N", help=repeated)
    parser.add_argument("--into", default=FOLDER, metavar="FOLDER", help="folder of when.nc and when.html (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_flags_of_density(density: argparse._ArgumentGroup) -> None:
    """Flags that say of what the report is."""
    density.add_argument("--data", metavar="FILE", help=f"a table of samples, or one of {', '.join(BUNDLED)}")
    density.add_argument("--label", metavar="COLUMN", help="column, array or file of the classes (default: the usual names)")
    density.add_argument("--ignore", nargs="+", default=[], metavar="COLUMN", help="columns and arrays that are left out")
    absent = "rows without a number or label: an error, or left out (default: refuse)"
    density.add_argument("--missing", choices=["refuse", "drop"], help=absent)
    density.add_argument("--components", type=int, metavar="K", help="fit so many components to data without labels")
    units = density.add_mutually_exclusive_group()
    scaled = "factor into the model's units, such as 0.18215 of latents"
    units.add_argument("--scale", type=float, metavar="FACTOR", help=scaled)
    units.add_argument("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="bring the data into this range")
    units.add_argument("--scaling", choices=["raw", "unit-range", "unit-variance"], help="units of the data (default: raw)")
    kinds = f"covariances of the model of data: {'; '.join(map(': '.join, KINDS.items()))} (%(default)s)"
    density.add_argument("--covariance", choices=list(KINDS), default="isotropic", help=kinds)
    density.add_argument("--family", metavar="NAME", help=f"one of {', '.join(families.FAMILIES)}")
    for name, axis in AXES.items():
        density.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="X", help=f"{axis.long_name} (family)")
    density.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="further parameters of the family")


class Given(NamedTuple):
    """The density that the flags describe, and what is known beside it."""

    density: xr.Dataset
    source: str
    beside: xr.Dataset | None = None
    replicates: xr.Dataset | None = None
    samples: empirical.Samples | None = None
    notes: tuple[str, ...] = ()


def run(options: argparse.Namespace) -> int:
    """Print the report that the flags ask for, and write its files."""
    check_folder(options.into, "--into")
    schedules, say = schedules_of(options.schedule, options.steps), _teller(options)
    say(f"reading {options.data}" if options.data is not None else f"family {options.family}")
    given = _of_data_by_flags(options) if options.data is not None else _of_family(options)
    draws = (FEWER_DRAWS if is_general(given.density) else int(DRAWS.default)) if options.draws is None else options.draws
    made = when.report(given.density, schedules, *given[1:3], given.samples, given.notes,
                       replicates=given.replicates, draws=draws, seed=options.seed, say=say)  # fmt: skip
    into = Path(options.into)
    there = {into / name for name in when.FILES if (into / name).exists()}
    say("pictures")
    paths = when.write(made, into)
    if options.json:
        print(when.as_json(made))
    else:
        print(when.text(made))
        print(f"\nWritten: {', '.join(f'{path} (replaced)' if path in there else str(path) for path in paths)}")
    return 0


def _teller(options: argparse.Namespace) -> Callable[[str], None]:
    """Prints what is computed to whoever waits at a terminal."""
    if options.json or not sys.stderr.isatty():
        return lambda _: None
    return lambda text: print(f"{text} ...", file=sys.stderr, flush=True)


def _of_data_by_flags(options: argparse.Namespace) -> Given:
    """What the data are; messages that advise a key of a study name the flag of the same meaning."""
    try:
        return _of_data(options)
    except ValueError as error:
        message = re.sub(r"\bignore: \[(.+?)\]", lambda found: f"--ignore {_quoted(found[1])}", str(error))
        raise ValueError(message.replace("missing: drop", "--missing drop")) from error


def _quoted(name: str) -> str:
    """A name as an argument of a shell; that of a column without a name is quoted already."""
    return name if name == "''" else shlex.quote(name)


def _of_data(options: argparse.Namespace) -> Given:
    """The mixture of a table, how far its isotropic score is off, bootstrap replicates, and some of its samples."""
    _refuse("--data", options, "family", *AXES, "set")
    given = {"source": options.data} if options.data in BUNDLED else {"file": options.data}
    scaling = {"scale": options.scale} if options.scale is not None else options.scaling or "raw"
    scaling = {"range": options.range} if options.range is not None else scaling
    chosen = {"label": options.label, "ignore": options.ignore or None, "missing": options.missing}
    chosen |= {"components": options.components, "seed": options.seed if options.components else None}
    parameters = {"scaling": scaling} | given | {name: value for name, value in chosen.items() if value is not None}
    density = build("data", {}, parameters | {"covariance": options.covariance})
    classes, d = density.sizes["component"], int(density.ambient_dimension)
    fitted = "components fitted to" if options.components else "classes of"
    numbers = f"{number_of(density.attrs['n_samples'], 'sample')}, {number_of(d, 'feature')}"
    source = f"{classes} {fitted} {options.data}: {numbers}; model: a Gaussian for each, {KINDS[options.covariance]}"
    beside, unknown = _beside(density, parameters, options.covariance)
    replicates, notes = _replicates(options, scaling)
    notes += unknown
    if options.components is not None:
        return Given(density, source, beside, replicates, None, (*notes, "No empirical score: the data have no labels."))
    samples = empirical.samples_of(_table(options), density, options.seed)
    if (np.unique(samples.labels, return_counts=True)[1] > 1).sum() < FEWEST:
        return Given(density, source, beside, replicates, None, (*notes, ALONE))
    return Given(density, source, beside, replicates, samples, notes)


def _beside(density: xr.Dataset, parameters: dict[str, Any], covariance: str) -> tuple[xr.Dataset | None, tuple[str, ...]]:
    """How far the isotropic score is off, or else why that is not known."""
    try:
        full = density if covariance == "full" else build("data", {}, parameters | {"covariance": "full"})
    except ValueError:  # the data themselves are fine, as there is a density
        return None, ("Whether the isotropic score may be used is not said: too few samples for covariances by class.",)
    return isotropy(full).squeeze(drop=True), ()


def _table(options: argparse.Namespace) -> Table:
    """The table of the data, with labels unless components are fitted."""
    if options.data in BUNDLED:
        return read_bundled(options.data)
    apart = "" if options.components is None else "components are to be fitted without labels"
    choice = Choice(options.label, ignore=options.ignore, missing=options.missing or "refuse", labels_apart=apart)
    return read_file(options.data, choice)


def _replicates(options: argparse.Namespace, scaling: Any) -> tuple[xr.Dataset | None, tuple[str, ...]]:
    """Replicates of the data's mixture with one variance, and what a reader must know of them; else why there are none."""
    if options.replicates is not None and (options.replicates < 0 or options.replicates == 1):
        raise ValueError(f"--replicates = {options.replicates} is not allowed; allowed: 0 (none) or a number from 2 on")
    if options.covariance != "isotropic":
        if options.replicates:
            raise ValueError("--replicates does not go with --covariance; allowed: with isotropic")
        return None, ("No standard errors from the sampling of the data: the bootstrap is of one variance.",)
    if options.replicates == 0:
        return None, ()
    count = REPLICATES if options.replicates is None else options.replicates
    if options.components is None:
        return bootstrapped(_table(options), None, scaling, count, options.seed), ()
    note = "Standard errors are of fits to samples drawn with replacement, which start from the fit to the data."
    return refitted(_table(options), options.components, scaling, count, options.seed), (note,)


def _of_family(options: argparse.Namespace) -> Given:
    """The mixture of a family, and what it is."""
    if options.family is None:
        raise ValueError("when needs --data FILE or --family NAME")
    _refuse("--family", options, "label", "ignore", "missing", "components", "scale", "range", "scaling", "replicates")
    if options.covariance != "isotropic":
        raise ValueError("--covariance does not go with --family; allowed: with --data")
    axes = {name: [getattr(options, name)] for name in AXES if getattr(options, name) is not None}
    parameters = dict(_parameter(text) for text in options.set)
    density = build(options.family, {name: _plain(values) for name, values in axes.items()}, parameters)
    if "component_mean" not in density:
        raise ValueError(f"family = {show(options.family)} has wells; allowed: a family of mixtures")
    told = ", ".join(f"{name} {values[0]:g}" for name, values in axes.items())
    notes = ("No empirical score, and no errors of the sampling of data: a family has no samples.",)
    return Given(density, f"{options.family}: {told or 'its defaults'}", notes=notes)


def _plain(values: list[float]) -> list[float] | list[int]:
    """Whole numbers as such, as axes of whole numbers need them."""
    return [int(value) for value in values] if all(value.is_integer() for value in values) else values


def _refuse(flag: str, options: argparse.Namespace, *others: str) -> None:
    for name in others:
        if getattr(options, name) not in (None, []):
            raise ValueError(f"--{name.replace('_', '-')} does not go with {flag}; allowed: one density")


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {show(text)} is not allowed; allowed: NAME=VALUE")
    return name, yaml.safe_load(value)
