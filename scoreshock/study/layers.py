"""Combine the files of a study, of which later ones override earlier ones, and values of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scoreshock.study.errors import StudyError, show
from scoreshock.study.reading import read_yaml


def read_layers(files: Iterable[str | Path], default: str | Path | None = None, top: Mapping[str, Any] | None = None) -> Any:
    """The content of the files of a study, of which later ones override earlier ones, and ``top`` overrides all.

    If none of them has sweeps, they override the file ``default``.

    Raises
    ------
    StudyError
        With file and line of what cannot be read, from all files.
    """
    layers: list[Mapping[str, Any]] = []
    problems: list[str] = []
    for file in files:
        try:
            content = read_yaml(file)
            if not isinstance(content, Mapping):
                raise StudyError([f"{file}: {show(content)} is not a mapping (key: value)"])
            layers.append(content)
        except StudyError as error:
            problems += error.problems
    if problems:
        raise StudyError(problems)
    layers.append(top or {})
    if default is not None and not any("sweeps" in layer for layer in layers):
        layers.insert(0, read_yaml(default))
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = overridden(merged, layer)
    return merged


def overridden(lower: Mapping[str, Any], upper: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[str, Any]:
    """``lower`` with the keys of ``upper``: mappings key by key, but an axis, a grid or a schedule as a whole.

    A key of ``lower`` that is null in ``upper`` is unset.

    Examples
    --------
    >>> lower = {"sweeps": {"s": {"axes": {"weight": {"start": 0.5, "stop": 0.9, "num": 5}}, "split": ["weight"]}}}
    >>> overridden(lower, {"sweeps": {"s": {"axes": {"weight": {"values": [0.5]}}, "split": None}}})
    {'sweeps': {'s': {'axes': {'weight': {'values': [0.5]}}}}}
    """
    merged = dict(lower)
    for key, value in upper.items():
        here, below = (*path, str(key)), merged.get(key)
        if value is None and key in merged:
            del merged[key]
        elif isinstance(value, Mapping) and isinstance(below, Mapping) and not _is_whole(here):
            merged[key] = overridden(below, value, here)
        else:
            merged[key] = value
    return merged


def _is_whole(path: tuple[str, ...]) -> bool:
    """Whether the mapping at ``path`` is overridden as a whole, because its keys depend on each other."""
    match path:
        case ("schedules", _) | ("sweeps", _, "axes", _) | ("sweeps", _, "figures", _, "select", _):
            return True
        case ("sweeps", _, key):
            return key not in ("axes", "parameters", "figures")
        case _:
            return False
