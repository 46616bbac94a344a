"""Resolve a study to sweeps with all defaults; each part is checked by the code that uses it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock import axes as written
from scoreshock import options
from scoreshock.checks import listed, suggestion
from scoreshock.conventions import AXES, Axis, ListedAxis
from scoreshock.densities import families, sources
from scoreshock.densities.component_covariances import structure
from scoreshock.densities.tables.reading import data_files
from scoreshock.quantities.declaration import Quantity
from scoreshock.quantities.layer import codes_of
from scoreshock.schedules.schedule import schedule
from scoreshock.study import figures, limits, models
from scoreshock.study.blocks import Sweep
from scoreshock.study.errors import Report, show, unknown
from scoreshock.study.vocabulary import Vocabulary

WHOLE_VALUES_LIMIT = 10**5  # values of a range of whole numbers, which is stored as a list (our limit)
CORNERS_BYTES = 2**27  # size of a density at the ends of all axes; of larger ones only the last corner is built
HARMLESS = 0.5  # allowed on every axis of real numbers
BUILDING = (ValueError, TypeError, OverflowError, OSError, KeyError)  # errors of families for arguments that they refuse
LARGEST_WHOLE = 2**53  # larger whole numbers are not exact as floats


def resolve_schedule(spec: Any, report: Report) -> dict[str, Any] | None:
    """Kind and all parameters of a schedule, or None with its problems recorded."""
    kind, parameters = (spec, {}) if isinstance(spec, str) else (spec.kind, dict(spec.model_extra or {}))
    before = len(report.problems)
    check_plain(parameters, report)
    if len(report.problems) > before:
        return None
    resolved = report.call(schedule, kind, **parameters)
    return None if resolved is None else plain(dict(resolved.parameters))


def resolve_sweep(
    name: str, entry: Any, order: list[str], schedules: Mapping[str, Any], known: Vocabulary, report: Report
) -> Sweep | None:
    """The sweep with every default filled in, or None with its problems recorded.

    ``order`` is the axes' order as written; ``schedules`` holds the resolved schedules, None for those with a problem;
    ``known`` are the names that the study may use.
    """
    before = len(report.problems)
    family = families.FAMILIES[entry.family]
    axes = _axes(entry, family, order, report)
    available = list(dict.fromkeys([*order, *axes]))
    for position, axis in enumerate(entry.split):
        if axis not in available:
            report.at("split", position).add(unknown(axis, available))
    labels = _labels(entry, schedules, known.kinds, report)
    quantities = known.of(family.density)
    for key, allowed in (("quantities", quantities), ("criteria", known.criteria_of(family.density))):
        _check_computed(entry, key, tuple(allowed), report)
    parameters = _parameters(entry, family, report.at("parameters"))
    resolved = _options(entry, quantities, report)
    if len(report.problems) > before:
        return None
    sweep = Sweep(
        name=name,
        family=entry.family,
        parameters=parameters,
        axes={axis: spec for axis, spec in axes.items() if spec is not None},
        schedules=labels,
        split=tuple(entry.split),
        quantities=tuple(entry.quantities),
        options=resolved,
        note=entry.note,
    )
    if not limits.countable(sweep, report):
        return None
    taken = {option for quantity in sweep.quantities for option in sweep.declaration(quantity).options}
    unused = tuple(key for key in known.options if key in entry.model_fields_set and key not in taken)
    sized = _built(replace(sweep, unused=unused), report)
    if sized is None or not limits.storable(sized, report):
        return None
    return _with_figures(sized, entry, known, report.at("figures"))


def _with_figures(sweep: Sweep, entry: Any, known: Vocabulary, report: Report) -> Sweep | None:
    """The sweep with what is chosen of its figures, or None with its problems recorded."""
    if entry.figures is None:
        return sweep
    before = len(report.problems)
    chosen = figures.chosen(entry.figures.model_dump(exclude_unset=True), sweep, known.figures, report)
    return None if len(report.problems) > before else replace(sweep, figures=chosen)


def _axes(entry: Any, family: families.Family, order: list[str], report: Report) -> dict[str, Any]:
    """Axes in their plain form: those of the study, then the remaining ones of a file; problems are recorded."""
    specs: Mapping[str, Any] = vars(entry.axes)
    allowed = report.at("parameters").call(family.axes_with, entry.parameters) or AXES
    axes: dict[str, Any] = {}
    for name in (name for name in order if name != "schedule"):
        if name in allowed or name in AXES:
            axes[name] = _axis({**AXES, **allowed}[name], specs[name], report.at("axes", name))
        if name not in allowed:
            report.at("axes", name).add(
                f"not an axis of the family {entry.family}; allowed: {listed((*allowed, 'schedule'))}"
            )
    for name in family.required_axes:
        if name not in axes:
            report.at("axes", name).add(f"missing; the family {entry.family} needs this axis")
    of_file = {name: axis for name, axis in allowed.items() if isinstance(axis, ListedAxis)}
    return axes | {name: {"values": list(axis.values)} for name, axis in of_file.items() if name not in axes}


def _check_computed(entry: Any, key: str, allowed: tuple[str, ...], report: Report) -> None:
    """Record names under ``key`` that do not exist for the family."""
    for position, wanted in enumerate(getattr(entry, key) or ()):
        if wanted not in allowed:
            report.at(key, position).add(
                f"{show(wanted)} is unavailable for the family {entry.family}; allowed: {listed(allowed)}"
            )


def plain(value: Any) -> Any:
    """``value`` in plain Python types, as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{show(value)} cannot be written as JSON")


def check_plain(value: Any, report: Report) -> None:
    """Record numbers that YAML read as text, and values that are no numbers, text, lists or mappings."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                report.at(str(key)).add(f"the key {show(key)} is not text; write it in quotes")
            check_plain(item, report.at(str(key)))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            check_plain(item, report.at(position))
    elif isinstance(value, str):
        if options.spelling(value):
            report.add(f"{show(value)} is not allowed{options.text_hint(value)}")
    elif value is not None and not isinstance(value, bool):
        try:
            models.number(value)
        except ValueError as error:
            report.add(str(error))


def _axis(axis: Axis, spec: Any, report: Report) -> dict[str, Any] | None:
    """An axis in its plain form, its values checked against what the axis allows."""
    if isinstance(spec, models.Range) and not isinstance(axis, ListedAxis):
        return _range(axis, spec, report)
    if isinstance(spec, models.Range):
        spec = written.values(spaced(spec)).tolist()
    numbers = spec.values if isinstance(spec, models.Values) else spec if isinstance(spec, list) else [spec]
    for position, value in enumerate(numbers):
        keys = ("values", position) if isinstance(spec, models.Values) else (position,) if isinstance(spec, list) else ()
        _accepted(axis, value, report.at(*keys))
    good = [v for v in numbers if not axis.integer or (math.isfinite(v) and v == int(v))]
    return {"values": [int(v) if axis.integer else float(v) + 0.0 for v in good]}


def _range(axis: Axis, spec: models.Range, report: Report) -> dict[str, Any] | None:
    if not all(_accepted(axis, getattr(spec, key), report.at(key)) for key in ("start", "stop")):
        return None
    if not _resolved(spec):
        report.add(f"{spec.num:,} values between {show(spec.start)} and {show(spec.stop)} are too close to differ")
        return None
    if not axis.integer:
        return spaced(spec)
    if spec.num > WHOLE_VALUES_LIMIT:
        report.at("num").add(f"{spec.num:,} is not allowed; allowed: at most {WHOLE_VALUES_LIMIT:,} whole numbers")
        return None
    exact = written.values(spaced(spec))
    whole = [int(value) for value in np.round(exact)]
    if spec.scale == "linear" and (off := np.abs(exact - whole) > 1e-9 * np.abs(exact)).any():
        report.add(f"holds {float(exact[off][0])!r}; allowed: {_allowed(axis)} (choose num so that every step is whole)")
    elif len(set(whole)) < len(whole):
        report.add(f"{spec.num} values rounded to whole numbers repeat; choose a smaller num")
    else:
        return {"values": whole}
    return None


def _accepted(axis: Axis, value: float, report: Report) -> bool:
    """Whether the axis can have the value; a problem is recorded otherwise."""
    accepted = bool(axis.accepts(np.asarray([value], dtype=float))[0]) and not (axis.integer and value >= LARGEST_WHOLE)
    if not accepted:
        report.add(f"{show(value)} is not allowed; allowed: {_allowed(axis)}")
    return accepted


def spaced(spec: models.Range) -> dict[str, Any]:
    """A range in its plain form."""
    return {"start": float(spec.start), "stop": float(spec.stop), "num": spec.num, "scale": spec.scale}


def _resolved(spec: models.Range) -> bool:
    """Whether neighbouring values of a range differ in double precision, with room for rounding."""
    largest = max(abs(float(spec.start)), abs(float(spec.stop)))
    if spec.scale == "linear":
        step = abs(float(spec.stop) - float(spec.start)) / (spec.num - 1)
        return math.isfinite(step) and step >= 4 * float(np.spacing(largest))
    step = abs(math.log(spec.stop) - math.log(spec.start)) / (spec.num - 1)
    return step >= 64 * float(np.finfo(float).eps)


def _allowed(axis: Axis) -> str:
    return axis.allowed + (", below 2^53" if axis.integer and not isinstance(axis, ListedAxis) else "")


def _labels(entry: Any, schedules: Mapping[str, Any], kinds: Sequence[str], report: Report) -> dict[str, Any]:
    """Resolved schedules of the schedule axis; a kind that is no label is a schedule with its defaults."""
    spec: Any = vars(entry.axes)["schedule"]
    labels = [] if spec is None else spec if isinstance(spec, list) else [spec]
    resolved_schedules: dict[str, Any] = {}
    for position, label in enumerate(labels):
        here = report.at("axes", "schedule", *([position] if isinstance(spec, list) else []))
        if label in schedules:
            resolved = schedules[label]  # None: its own problem is already recorded
        elif label in kinds:
            resolved = resolve_schedule(label, here)
        else:
            resolved = None
            here.add(unknown(label, dict.fromkeys([*schedules, *kinds])))
        if resolved is not None:
            resolved_schedules[label] = resolved
    return resolved_schedules


def _parameters(entry: Any, family: families.Family, report: Report) -> dict[str, Any]:
    """The family's arguments that are no axes, defaults filled in."""
    _check_parameters(entry.parameters, entry.family, report)
    check_plain(entry.parameters, report)
    known = {key: value for key, value in family.parameters.items() if value is not families.REQUIRED}
    return plain({**known, **entry.parameters})


def _check_parameters(names: Iterable[str], family: str, report: Report) -> None:
    """Record names that are no parameters of the family."""
    allowed = list(families.FAMILIES[family].parameters)
    for key in names:
        if key in AXES or key == "schedule":
            report.at(key).add(f"{key} is an axis: write it under axes")
        elif key not in allowed:
            report.at(key).add(
                f"not a parameter of the family {family}{suggestion(key, allowed)}; allowed: {listed(allowed)}"
            )


def check_unread(spec: Any, report: Report) -> None:
    """Record unknown parameters of a sweep that has other problems, too, and cannot be read for them."""
    family, parameters = (spec.get(key) if isinstance(spec, Mapping) else None for key in ("family", "parameters"))
    if isinstance(family, str) and family in families.FAMILIES and isinstance(parameters, Mapping):
        _check_parameters(filter(lambda key: isinstance(key, str), parameters), family, report.at("parameters"))


def _options(entry: Any, known: Mapping[str, Quantity], report: Report) -> dict[str, Any]:
    """The options of the quantities of a family in plain form, defaults filled in."""
    takers = {name: each for each in reversed(list(known.values())) for name in each.options}
    order = dict.fromkeys(name for each in known.values() for name in each.options)
    return {name: _option(name, getattr(entry, name), takers[name], report.at(name)) for name in order}


def _option(name: str, value: Any, taker: Quantity, report: Report) -> Any:
    """An option in its plain form, its default where the study does not have it."""
    option = taker.options[name]
    if value is None:
        return plain(taker.default(name))
    if isinstance(option, options.Grid):
        return _grid(value, option, report)
    return value + 0.0 if isinstance(value, float) else value  # without negative zeros


def _grid(spec: Any, option: options.Grid, report: Report) -> dict[str, Any]:
    """A grid in its plain form, with its unit if it has one; values are sorted, because coordinates must be monotonic."""
    if isinstance(spec, models.Range):
        if not _resolved(spec):
            report.add(f"{spec.num:,} values between {show(spec.start)} and {show(spec.stop)} are too close")
        grid = spaced(spec)
    else:
        numbers = spec.values if isinstance(spec, models.Values) else spec if isinstance(spec, list) else [spec]
        grid = {"values": sorted(float(v) + 0.0 for v in numbers)}
    for value in grid.get("values", [grid.get("start"), grid.get("stop")]):
        if value < option.low:
            report.add(f"{show(value)} is not allowed; allowed: numbers >= {option.low:g}")
    return grid | ({"unit": getattr(spec, "unit", option.units[0])} if option.units else {})


def _built(sweep: Sweep, report: Report) -> Sweep | None:
    """The sweep with its densities' size, after building a few of them: the family itself checks its arguments."""
    if "realization" in families.FAMILIES[sweep.family].axes and not limits.drawable(sweep, report):
        return None
    ends = {axis: np.unique(_ends(spec)) for axis, spec in sweep.axes.items()}
    corners = {axis: values[:1] for axis, values in ends.items()}
    try:
        density = _density(sweep, corners)
        few = density.nbytes * math.prod(map(len, ends.values())) <= CORNERS_BYTES
        corners = {axis: values if few else values[-1:] for axis, values in ends.items()}
        _density(sweep, corners)
    except BUILDING as error:
        text = " ".join(str(error).split())
        report.at(*_blamed(text, sweep, corners)).add(text)
        return None
    # Wells have two parts, of one variable.
    components, features = int(density.sizes.get("component", 2)), int(density.sizes.get("feature", 1))
    if components < 2:
        report.at("parameters").add("the mixture has one component; a transition needs at least two")
        return None
    groups = sweep.options.get("groups")
    if groups is not None and report.at("groups").call(codes_of, groups, components) is None:
        return None
    files = data_files(sweep.parameters)
    sized = replace(
        sweep,
        components=components,
        features=features,
        covariances=structure(density) if "component" in density.dims else "isotropic",
        data=sources.digest(*files) if files else None,
        density_bytes=_density_bytes(density, sweep),
    )
    problems = [*limits.of_covariances(sized)]
    problems = problems or [problem for each in sized.quantities for problem in sized.declaration(each).problems(sized)]
    for path, message in problems:
        report.at(*path).add(message)
    return None if problems else sized


def _density_bytes(density: xr.Dataset, sweep: Sweep) -> dict[tuple[str, ...], int]:
    """Bytes of the variables of a density of which every axis has one value, by the axes that they have."""
    sizes: dict[tuple[str, ...], int] = {}
    for variable in density.data_vars.values():
        depends = tuple(str(dim) for dim in variable.dims if dim in sweep.axes)
        sizes[depends] = sizes.get(depends, 0) + variable.nbytes
    return sizes


def _ends(spec: Mapping[str, Any]) -> list[Any]:
    """Smallest value of an axis, smallest positive one, and largest: a family accepts an axis if it accepts these."""
    if "values" in spec:
        values = spec["values"]
    else:
        start, stop = spec["start"], spec["stop"]
        values = [start, stop, *([type(stop)(stop / (spec["num"] - 1))] if start == 0 else [])]
    return [min(values), max(values), *sorted(v for v in values if v > 0)[:1]]


def _density(sweep: Sweep, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """The sweep's density at these values of its axes, in all combinations."""
    if "realization" in families.FAMILIES[sweep.family].axes:
        values = {axis: array[:1] if axis in ("realization", "dimension") else array for axis, array in values.items()}
    return families.build(sweep.family, values, dict(sweep.parameters))


def _blamed(message: str, sweep: Sweep, values: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Key of the value that a family refuses: the axis that begins its message, or whose change avoids the error."""
    word = message.split(" ")[0].rstrip(":")
    if word in sweep.axes:
        return ("axes", word)
    for axis in (axis for axis in values if axis in AXES and not AXES[axis].integer):
        try:
            _density(sweep, {**values, axis: np.array([HARMLESS])})
        except BUILDING:
            continue
        return ("axes", axis)
    return ("parameters", *([word] if word in sweep.parameters else []))
