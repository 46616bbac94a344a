"""What stands for a kind and its parameters, recognised by its content: files, configurations, live schedulers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from scoreshock.schedules import files
from scoreshock.schedules.diffusers import as_parameters
from scoreshock.schedules.scheduler_config import config_of, is_config


def recognised(kind: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Kind and parameters, where a file, a configuration or a live scheduler stands for the kind, table or config."""
    parameters = dict(parameters)
    if (found := parameters_of(kind)) is not None:
        kind, parameters = found.pop("kind"), {**found, **parameters}
    if not isinstance(kind, str):
        return kind, parameters
    for name in ("file", "config"):
        if isinstance(parameters.get(name), os.PathLike):
            parameters[name] = os.fspath(parameters[name])
    if kind == "table" and _holds_config(parameters.get("file")):
        parameters["config"] = parameters.pop("file")
        kind = "diffusers"
    if kind == "diffusers":  # whose own arguments are None where they are not given
        parameters = {name: value for name, value in parameters.items() if value is not None}
    if kind == "diffusers" and config_of(parameters.get("config")) is not parameters.get("config"):
        parameters = as_parameters(parameters["config"], parameters)
    return kind, parameters


def parameters_of(value: Any) -> dict[str, Any] | None:
    """Kind and parameters of a path to a file, a scheduler's configuration or a live scheduler; None for anything else."""
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if files.is_file(value):
        key, kind = ("config", "diffusers") if _holds_config(value) else ("file", "table")
        return {"kind": kind, key: value}
    if is_config(value) and not (isinstance(value, Mapping) and "kind" in value):
        return {"kind": "diffusers", "config": value}
    return None


def _holds_config(file: Any) -> bool:
    """Whether a file holds a scheduler's configuration; not where it cannot be read, which is said when it is."""
    if not isinstance(file, str) or not file.lower().endswith((".json", ".yaml", ".yml")):
        return False
    try:
        return is_config(files.read({"file": file}))
    except ValueError:
        return False
