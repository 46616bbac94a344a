"""Noise levels of one rule as a file that other programs take, and `scoreshock.schedule` reads back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.checks import one_of, show

FORMATS: dict[str, Callable[[list[float]], str]] = {
    ".json": lambda levels: json.dumps(levels) + "\n",
    ".txt": lambda levels: ", ".join(map(repr, levels)) + "\n",
}
"""Texts of a list of levels by the ending of a file's name: a list for diffusers, a line for ComfyUI's custom sigmas."""


def save_steps(allocated: xr.Dataset, path: str | Path, rule: str = "") -> Path:
    """Write the noise levels of one rule as the list that diffusers and ComfyUI take, with all digits.

    Parameters
    ----------
    allocated
        Of :func:`allocate_steps`.
    path
        A file that ends in ``.json``, a list, or in ``.txt``, one line with ``", "`` between the levels.
    rule
        One of its rules; it may be left out where there is only one.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        Where there are no such levels, several rules and none chosen, or another ending.

    Notes
    -----
    ``EulerDiscreteScheduler.set_timesteps(sigmas=json.load(...))`` of diffusers takes the list as it is. Its
    ``DPMSolverMultistepScheduler`` takes timesteps only, which the ``time`` of :func:`allocate_steps` in the schedule of the
    model is, rounded. The line goes into ComfyUI's node CustomSigmas of KJNodes, with as many steps; it keeps the levels and
    replaces the last by 0.

    Examples
    --------
    >>> import tempfile, scoreshock as ss
    >>> found = ss.allocate_steps(ss.mixture([-1.0, 1.0]), 2, "karras", sigma_min=0.5, sigma_max=8.0)
    >>> file = ss.save_steps(found, tempfile.mkdtemp() + "/karras.txt")
    >>> file.read_text()
    '8.0, 0.5, 0.0\\n'
    >>> ss.schedule(str(file)).sample_sigmas().round(12).tolist()
    [8.0, 0.5, 0.0]
    """
    if not isinstance(allocated, xr.Dataset) or "sigma_level" not in allocated or "rule" not in allocated.dims:
        raise ValueError(f"allocated = {show(allocated)} has no levels by rule; allowed: what ss.allocate_steps returns")
    file = _file(path)
    rules = [str(each) for each in allocated.rule.values]
    chosen = rules[0] if isinstance(rule, str) and not rule and len(rules) == 1 else one_of("rule", rule, rules)
    row = allocated.sigma_level.isel(rule=rules.index(chosen))
    file.write_text(FORMATS[file.suffix](np.asarray(row, float).tolist()), encoding="utf-8")
    return file


def _file(path: Any) -> Path:
    if not isinstance(path, str | Path) or Path(path).suffix not in FORMATS:
        raise ValueError(f"path = {show(path)} is not allowed; allowed: a file that ends in {' or '.join(FORMATS)}")
    if not Path(path).parent.is_dir():
        raise ValueError(f"path = {show(str(path))} is not allowed; allowed: a file in a folder that exists")
    return Path(path)
