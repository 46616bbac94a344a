"""The density and the schedules that the flags of the command ``when`` describe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from scoreshock.checks import number_of, show
from scoreshock.conventions import AXES
from scoreshock.densities import families
from scoreshock.densities.bootstrap import REPLICATES, bootstrapped
from scoreshock.densities.families.registry import build
from scoreshock.densities.tables.bundled import BUNDLED, read_bundled
from scoreshock.quantities.isotropy import isotropy
from scoreshock.reports import when
from scoreshock.schedules.inputs import as_schedules
from scoreshock.schedules.schedule import Schedule, schedule

FOLDER = "when"
"""Folder of the report, by default."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``when``."""
    density = parser.add_argument_group("density: data, or a family")
    density.add_argument("--data", metavar="FILE", help=f"a table of samples, or one of {', '.join(BUNDLED)}")
    density.add_argument("--label", metavar="COLUMN", help="column, array or file of the classes (default: the usual names)")
    density.add_argument("--components", type=int, metavar="K", help="fit so many components to data without labels")
    units = density.add_mutually_exclusive_group()
    units.add_argument(
        "--scale", type=float, metavar="FACTOR", help="factor into the model's units, such as 0.18215 of latents"
    )
    units.add_argument("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="bring the data into this range")
    units.add_argument("--scaling", choices=["raw", "unit-range", "unit-variance"], help="units of the data (default: raw)")
    density.add_argument("--family", metavar="NAME", help=f"one of {', '.join(families.FAMILIES)}")
    for name, axis in AXES.items():
        density.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="X", help=f"{axis.long_name} (family)")
    density.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="further parameters of the family")
    parser.add_argument(
        "--schedule",
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="noise schedule by name or file; may be repeated",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="steps of the sampler")
    parser.add_argument("--draws", type=int, metavar="N", help="draws of each component, beyond two dimensions")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (%(default)s)")
    parser.add_argument(
        "--replicates",
        type=int,
        metavar="N",
        help=f"bootstrap replicates of labelled data, for standard errors ({REPLICATES}; 0: none)",
    )
    parser.add_argument("--into", default=FOLDER, metavar="FOLDER", help="folder of when.nc and when.html (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print the report that the flags ask for, and write its files."""
    schedules = _schedules(options.schedule, options.steps)
    known = {"draws": options.draws} if options.draws is not None else {}
    density, source, beside, replicates = _of_data(options) if options.data is not None else _of_family(options)
    made = when.report(density, schedules, source, beside, replicates=replicates, seed=options.seed, **known)
    paths = when.write(made, Path(options.into))
    if options.json:
        print(when.as_json(made))
    else:
        print(when.text(made))
        print(f"\nWritten: {', '.join(map(str, paths))}")
    return 0


def _of_data(options: argparse.Namespace) -> tuple[xr.Dataset, str, xr.Dataset, xr.Dataset | None]:
    """The mixture of a table, what it is of, how far its isotropic score is off, and bootstrap replicates of it."""
    _refuse("--data", options, "family", *AXES, "set")
    given = {"source": options.data} if options.data in BUNDLED else {"file": options.data}
    scaling = {"scale": options.scale} if options.scale is not None else options.scaling or "raw"
    scaling = {"range": options.range} if options.range is not None else scaling
    chosen = {"label": options.label, "components": options.components, "seed": options.seed if options.components else None}
    parameters = {"scaling": scaling} | given | {name: value for name, value in chosen.items() if value is not None}
    density = build("data", {}, parameters)
    classes, d = density.sizes["component"], int(density.ambient_dimension)
    fitted = "components fitted to" if options.components else "classes of"
    source = (
        f"{classes} {fitted} {options.data}: {number_of(density.attrs['n_samples'], 'sample')}, {number_of(d, 'feature')}"
    )
    beside = isotropy(build("data", {}, parameters | {"covariance": "full"})).squeeze(drop=True)
    return density, source, beside, _replicates(options, scaling)


def _replicates(options: argparse.Namespace, scaling: Any) -> xr.Dataset | None:
    """Replicates of labelled data; a fit to data without labels has none."""
    if options.components is not None or options.replicates == 0:
        if options.replicates:
            raise ValueError("--replicates does not go with --components; allowed: with labelled data")
        return None
    count = REPLICATES if options.replicates is None else options.replicates
    table = read_bundled(options.data) if options.data in BUNDLED else options.data
    return bootstrapped(table, options.label, scaling, count, options.seed)


def _of_family(options: argparse.Namespace) -> tuple[xr.Dataset, str, None, None]:
    """The mixture of a family, and what it is."""
    if options.family is None:
        raise ValueError("when needs --data FILE or --family NAME")
    _refuse("--family", options, "label", "components", "scale", "range", "scaling", "replicates")
    axes = {name: [getattr(options, name)] for name in AXES if getattr(options, name) is not None}
    parameters = dict(_parameter(text) for text in options.set)
    density = build(options.family, {name: _plain(values) for name, values in axes.items()}, parameters)
    if "component_mean" not in density:
        raise ValueError(f"family = {show(options.family)} has wells; allowed: a family of mixtures")
    told = ", ".join(f"{name} {values[0]:g}" for name, values in axes.items())
    return density, f"{options.family}: {told or 'its defaults'}", None, None


def _plain(values: list[float]) -> list[float] | list[int]:
    """Whole numbers as such, as axes of whole numbers need them."""
    return [int(value) for value in values] if all(value == int(value) for value in values) else values


def _refuse(flag: str, options: argparse.Namespace, *others: str) -> None:
    for name in others:
        if getattr(options, name) not in (None, []):
            raise ValueError(f"--{name.replace('_', '-')} does not go with {flag}; allowed: one density")


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {show(text)} is not allowed; allowed: NAME=VALUE")
    return name, yaml.safe_load(value)


def _schedules(names: list[str], steps: int | None) -> dict[str, Schedule]:
    """The schedules by label: their names, or those of their files."""
    made = {Path(name).stem if Path(name).suffix else name: next(iter(as_schedules(name).values())) for name in names}
    return made if steps is None else {label: _in_steps(one, steps) for label, one in made.items()}


def _in_steps(one: Schedule, steps: int) -> Schedule:
    """The schedule with another number of steps, where its sampler can have one."""
    known = one.parameters
    key = "num_inference_steps" if one.kind in ("diffusers", "table") else "steps"
    return schedule(**known | {key: steps})
