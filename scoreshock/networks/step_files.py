"""Files of a study of steps: its dataset, what it says, and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from scoreshock.figures import save
from scoreshock.figures.captions import caption
from scoreshock.figures.description import FIGURES, Choice
from scoreshock.networks.workflow import KINDS, STEP_FIGURES, step_files
from scoreshock.storage import store
from scoreshock.storage.staging import write_file


def write_steps(
    found: xr.Dataset, folder: Path, attributes: Mapping[str, Any] | None = None, digest: str = ""
) -> list[Path]:
    """Write the result of `step_winners.joined`, its sentences and its figures.

    Returns
    -------
    list of Path
        Those of `workflow.step_files`, in ``folder``.
    """
    store.write(found, folder / "steps.nc", attributes)
    said = str(found.attrs["findings"]).split("\n")
    write_file("".join(f"* {sentence}\n" for sentence in said).encode(), folder / "steps.md")
    for name, (figure, select) in STEP_FIGURES.items():
        panels = FIGURES[figure].panels({FIGURES[figure].of: found}, Choice(select=select))
        words = caption(FIGURES[figure].words, panels)
        for kind in KINDS:
            save(panels, folder / f"{name}.{kind}", name, words, digest)
    return [folder / name for name in step_files()]
