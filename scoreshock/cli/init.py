"""Write a study with a comment on each of its keys, from flags."""

from __future__ import annotations

import argparse
import re
import shlex
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoreshock.cli import studies

if TYPE_CHECKING:
    from scoreshock.densities.families.registry import Family

WIDTH = 110
DEFAULT_AXES: Mapping[str, Any] = {
    "separation": {"start": 0.5, "stop": 8.0, "num": 31},
    "variance": [0.25, 1.0],
    "realization": {"start": 0, "stop": 9, "num": 10},
}
"""Axes of a study that no flag names, where the family has them; our choice."""

QUANTITIES = {
    "mixture": ("speciation", "corrections", "scores", "amplification"),
    "wells": ("speciation", "scores"),
    "networks": ("diagnosis",),
}
"""Quantities of a study that no flag names, by kind of density, as far as they are defined for the density."""

KEYS = {
    "output": "Folder of the results, relative to the folder in which the study runs.",
    "schedules": "Noise schedules by labels of your own: files, or kinds with parameters.",
    "sweeps": "Sweeps by name, which is also the name of the folder in `output`.",
    "axes": "Every combination of these values is computed, and each axis is a dimension of the results: a number, a list, "
    "or a range {start, stop, num, scale} with scale linear or log.",
    "schedule": "noise schedules in whose time the results are given too, by label or by kind",
    "parameters": "Other arguments of the family, and their values unless they are set.",
    "split": "Axes of which every value is computed and stored by itself, so that a further value computes only that.",
    "quantities": "What is computed. Others for this density: {others}.",
    "figures": "What figures show, by the name of a figure or for all: x, lines, panels, select, scale, formats, skip.",
    "options": "Options of these quantities, with their defaults.",
}
"""What a comment says of each key."""

PARAMETERS = {
    "angles": "of the vertices, in degrees; regular by default",
    "branching": "branches of each node",
    "components": "number of components; of data without labels, those to fit",
    "concentration": "of the Dirichlet distribution that weights are drawn from",
    "covariance": "covariances of the components: isotropic, spherical, shared-diagonal, diagonal, shared, full",
    "decimal": "decimal mark of the text; recognised by default",
    "delimiter": "delimiter of the text; recognised by default",
    "features": "columns, or the array, of the features; all others by default",
    "file": "path of the data; of family custom a NetCDF file of means",
    "ignore": "columns that are left out",
    "label": "column, array or file of the classes; by default the one with a usual name",
    "levels": "levels of the tree",
    "marked": "number of the component that `weight` is the weight of",
    "means": "one row for each component",
    "missing": "rows without a number or label: refuse, or drop",
    "positions": "of the components, times the separation",
    "radii": "of the vertices, times the separation; 1 by default",
    "rank": "leading directions of the covariances, all by default",
    "scaling": "fixed, or per-coordinate: the separation grows as the square root of the dimension",
    "seed": "of random numbers",
    "source": "a set that comes with a package instead of a file",
    "variances": "of the components, one for each",
    "vertices": "number of vertices",
    "weights": "of the components; equal by default",
}
"""What a comment says of each parameter of a family."""

SCALING_OF_DATA = "units: raw, unit-range, unit-variance, {scale: FACTOR}, {range: [LOW, HIGH]}"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``init``."""
    from scoreshock.conventions import AXES
    from scoreshock.densities.families import FAMILIES
    from scoreshock.densities.tables.bundled import BUNDLED

    parser.add_argument(
        "file", nargs="?", default=studies.OWN, metavar="FILE", help=f"study to write; it must not exist ({studies.OWN})"
    )
    families = [name for name in FAMILIES if name != "data"]
    parser.add_argument("--family", choices=families, metavar="NAME", help=f"one of {', '.join(families)} (pair)")
    parser.add_argument("--data", metavar="FILE", help=f"a table of samples, or one of {', '.join(BUNDLED)}")
    parser.add_argument("--label", metavar="COLUMN", help="column, array or file of the classes (default: the usual names)")
    parser.add_argument("--components", type=int, metavar="K", help="fit so many components to data without labels")
    parser.add_argument("--scaling", choices=["raw", "unit-range", "unit-variance"], help="units of the data (raw)")
    parser.add_argument("--covariance", metavar="FORM", help="covariances of the data's components (isotropic)")
    for name, axis in AXES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", nargs="+", type=_number, metavar="X", help=axis.long_name)
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="further parameters of the family")
    parser.add_argument("--schedule", action="append", default=[], metavar="NAME|FILE",
                        help="noise schedule by kind or file, or LABEL=FILE; may be repeated")  # fmt: skip
    parser.add_argument("--quantities", nargs="+", metavar="NAME", help="what is computed")
    parser.add_argument("--name", metavar="NAME", help="name of the sweep (that of the family or the data)")
    parser.add_argument("--output", default="results", metavar="FOLDER", help="folder of the results (%(default)s)")


def run(options: argparse.Namespace) -> int:
    """Write the study, unless the file exists or the study is not valid."""
    from scoreshock.study.study import Study

    path = Path(options.file)
    if path.exists() or path.is_symlink():
        raise FileExistsError(f"{path} exists and is not overwritten; give another name, or remove it")
    content = content_of(options)
    Study.from_mapping(content)
    text = text_of(content, options.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    print(f"Written: {path}\nIts cost: scoreshock plan {shlex.quote(options.file)}")
    print(f"To run it: {shlex.join(studies.running([options.file]))}")
    return 0


def content_of(options: argparse.Namespace) -> dict[str, Any]:
    """The study that the flags describe."""
    from scoreshock.conventions import AXES
    from scoreshock.densities.families import FAMILIES

    name = options.family or ("data" if options.data is not None else "pair")
    family = FAMILIES[name]
    schedules = dict(map(_schedule, options.schedule))
    axes = {axis: _plain(getattr(options, axis)) for axis in AXES if getattr(options, axis) is not None}
    default = {axis: value for axis, value in DEFAULT_AXES.items() if axis in family.axes and name not in ("data", "custom")}
    axes = {axis: (default | axes)[axis] for axis in dict.fromkeys([*family.axes, *axes]) if axis in default | axes}
    if schedules:
        axes["schedule"] = list(schedules)
    parameters = _parameters(options, name)
    sweep = {"family": name, "axes": axes, "parameters": parameters}
    if not parameters:
        del sweep["parameters"]
    sweep["quantities"] = options.quantities or _quantities(family, parameters)
    files = {label: file for label, file in schedules.items() if file}
    study: dict[str, Any] = {"output": options.output}
    if files:
        study["schedules"] = files
    return study | {"sweeps": {options.name or _name(options.data, name): sweep}}


def text_of(content: Mapping[str, Any], file: str) -> str:
    """The study as YAML, with a comment on each key."""
    quoted = shlex.quote(file)
    lines = [
        "# A study of scoreshock.",
        *(f"# {text:12} scoreshock {command} {quoted}" for text, command in
          (("Check it:", "validate"), ("Its cost:", "plan"), ("Run it:", "run"), ("Its results:", "open"))),
        "# All keys: `scoreshock schema`, and config/README.md of scoreshock.",
        "",
        *_comment("output"),
        f"output: {_flow(content['output'])}",
        "",
    ]  # fmt: skip
    if "schedules" in content:
        lines += [*_comment("schedules"), "schedules:"]
        lines += [f"  {_flow(label)}: {_flow(value)}" for label, value in content["schedules"].items()] + [""]
    lines += [*_comment("sweeps"), "sweeps:"]
    for name, sweep in content["sweeps"].items():
        lines += [f"  {_flow(name)}:", *(f"    {line}".rstrip() for line in _sweep(sweep))]
    return "\n".join(lines) + "\n"


def _sweep(sweep: Mapping[str, Any]) -> Iterable[str]:
    """Lines of a sweep."""
    from scoreshock.densities.families import FAMILIES
    from scoreshock.figures import FORMATS
    from scoreshock.study.vocabulary import vocabulary

    family, known = FAMILIES[sweep["family"]], vocabulary().of(FAMILIES[sweep["family"]].density)
    yield from _comment(f"One of {', '.join(FAMILIES)}.")
    yield f"family: {sweep['family']}"
    yield ""
    yield from _comment("parameters") if family.parameters else ()
    yield from ["parameters:"] if sweep.get("parameters") else ["# parameters:"] if family.parameters else []
    yield from _parameter_lines(sweep, family)
    yield ""
    yield from _comment("axes")
    yield from _axes(sweep, family)
    yield ""
    yield from _comment("split")
    yield f"# split: [{next(iter(sweep['axes']), '')}]"
    yield ""
    others = [name for name in known if name not in sweep["quantities"]]
    yield from _comment(KEYS["quantities"].format(others=", ".join(others)))
    yield f"quantities: {_flow(sweep['quantities'])}"
    yield ""
    yield from _comment("figures")
    yield f"# figures: {_flow({'all': {'formats': list(FORMATS)}})}"
    yield ""
    yield from _options([known[name] for name in sweep["quantities"]])


def _parameter_lines(sweep: Mapping[str, Any], family: Family) -> Iterable[str]:
    """Lines of the parameters: those of the sweep, then those with their defaults."""
    given = sweep.get("parameters", {})
    for name in (*given, *(name for name in family.parameters if name not in given)):
        value = given.get(name, family.parameters.get(name))
        text = SCALING_OF_DATA if (sweep["family"], name) == ("data", "scaling") else PARAMETERS[name]
        yield f"  {'' if name in given else '# '}{name}:{'' if value is None else f' {_flow(value)}'}  # {text}"


def _axes(sweep: Mapping[str, Any], family: Family) -> Iterable[str]:
    """Lines of the axes: those of the sweep, then those that it could have."""
    from scoreshock.conventions import AXES

    yield "axes:" if sweep["axes"] else "axes: {}"
    for name, value in sweep["axes"].items():
        yield f"  {name}: {_flow(value)}  # {KEYS['schedule'] if name == 'schedule' else AXES[name].long_name}"
    for name in (*family.axes, "schedule"):
        if name not in sweep["axes"]:
            yield f"  # {name}:  # {KEYS['schedule'] if name == 'schedule' else AXES[name].long_name}"


def _options(quantities: Iterable[Any]) -> Iterable[str]:
    """Lines of the options that the quantities take."""
    from scoreshock.quantities.declaration import criteria_of

    takers = {name: quantity for quantity in quantities for name in quantity.options}
    yield from _comment("options") if takers else ()
    for name, quantity in takers.items():
        default = list(criteria_of(quantity.density, True)) if name == "criteria" else quantity.default(name)
        meaning = "criteria of the speciation time" if name == "criteria" else quantity.options[name].meaning
        yield f"# {name}:{'' if default is None else f' {_flow(default)}'}  # {meaning}"


def _comment(text: str) -> list[str]:
    """A comment: the text, or what is said of a key."""
    return [f"# {line}" for line in textwrap.wrap(KEYS.get(text, text), WIDTH)]


def _parameters(options: argparse.Namespace, family: str) -> dict[str, Any]:
    """The parameters of the family: where the data are, and what else the flags say."""
    import yaml

    from scoreshock.densities.tables.bundled import BUNDLED

    of_data = {name: getattr(options, name) for name in ("label", "components", "scaling", "covariance")}
    if family != "data" and (flags := [f"--{name}" for name, value in (("data", options.data), *of_data.items()) if value]):
        raise ValueError(f"{', '.join(flags)} does not go with --family {family}; allowed: --data, or a family")
    given = {"source" if options.data in BUNDLED else "file": options.data} if family == "data" else {}
    given |= {name: value for name, value in of_data.items() if value is not None}
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set {text!r:.80} is not allowed; allowed: NAME=VALUE")
        given[key] = yaml.safe_load(value)
    return given


def _quantities(family: Family, parameters: Mapping[str, Any]) -> list[str]:
    """The usual quantities, as far as they are defined for the covariances."""
    from scoreshock.study.vocabulary import vocabulary

    known = vocabulary().of(family.density)
    if parameters.get("covariance", "isotropic") == "isotropic":
        return list(QUANTITIES[family.density])
    return [name for name in QUANTITIES[family.density] if known[name].covariances]


def _schedule(text: str) -> tuple[str, str]:
    """Label and file of a schedule; a kind is its own label, without a file."""
    label, equals, file = text.partition("=")
    if equals:
        return label, file
    return (_label(Path(text).stem), text) if Path(text).suffix or "/" in text else (text, "")


def _name(data: str | None, family: str) -> str:
    return family if data is None else _label(Path(data).name.partition(".")[0])


def _label(text: str) -> str:
    """A name as studies allow it."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._") or "data"


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def _plain(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
