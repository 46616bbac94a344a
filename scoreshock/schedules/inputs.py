"""Schedules by label, from everything that stands for one or several of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoreshock.checks import repeated, show
from scoreshock.schedules.recognition import parameters_of
from scoreshock.schedules.schedule import Schedule, schedule

Schedules = Any
"""Schedules as functions take them; see :func:`as_schedules`."""


def as_schedules(schedules: Any) -> dict[str, Schedule]:
    """Schedules by label, from what stands for them: no schedule, one, or several.

    Parameters
    ----------
    schedules
        A name of a kind, a `Schedule`, a mapping of parameters with ``kind``, a path to a file (a table, a list of noise
        levels, diffusers' ``scheduler_config.json``), the contents of that, a live scheduler, a list of these, or a mapping
        from labels to these. Without labels the kinds are the labels. None and what is empty stand for no schedule.

    Raises
    ------
    ValueError
        For anything else, unknown kinds, and two schedules of one label.

    Examples
    --------
    >>> list(as_schedules("edm")), list(as_schedules(["edm", schedule("ve")])), list(as_schedules({"fine": "edm"}))
    (['edm'], ['edm', 've'], ['fine'])
    """
    if schedules is None:
        return {}
    single = isinstance(schedules, Mapping) and (isinstance(schedules.get("kind"), str) or parameters_of(schedules))
    if isinstance(schedules, Mapping) and not single:
        return {str(label): _as_schedule(one, f"schedules[{show(label)}]") for label, one in schedules.items()}
    several = schedules if isinstance(schedules, list | tuple) else [schedules]
    result = [_as_schedule(one) for one in several]
    kinds = [each.kind for each in result]
    if again := repeated(kinds):
        raise ValueError(
            f"schedules = {show(schedules)} has kind {again[0]!r} more than once; "
            "allowed: a mapping from labels to schedules"
        )
    return dict(zip(kinds, result, strict=True))


def _as_schedule(one: Any, name: str = "schedules") -> Schedule:
    if isinstance(one, Schedule):
        return one
    if (found := parameters_of(one)) is not None:
        return schedule(**found)
    if isinstance(one, str):
        return schedule(one)
    if isinstance(one, Mapping) and "kind" in one:
        return schedule(**{str(name): value for name, value in one.items()})
    raise ValueError(
        f"{name} = {show(one)} is not allowed; allowed: a name such as 'edm', a schedule of ss.schedule, a mapping "
        "with kind, a path to a file, a list of these, or a mapping from labels to these"
    )
