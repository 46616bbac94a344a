"""What the diagnosis of learned scores costs: one network alone, in the plane and in 64 features, and many together.

Run ``python benchmarks/diagnosis.py``. Networks are not trained: what they cost does not depend on it. Scores of PyTorch are
left out where it is not installed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import scoreshock as ss
from scoreshock.networks import files
from scoreshock.networks.diagnosis import diagnosis
from scoreshock.networks.perceptron import Architecture
from scoreshock.networks.truths import DATA_SETS

TOGETHER, SIGMA_DATA = 12, 0.8
"""Networks of the batch, and the spread of EDM's preconditioning."""


def timed(function: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processor


def written(name: str, folder: Path) -> Path:
    """File of networks of a data set's form, whose parameters are small random numbers."""
    data_set = DATA_SETS[name]
    truth = data_set.mixture()
    shape = Architecture(truth.sizes["feature"], data_set.hidden, data_set.layers, SIGMA_DATA)
    rows = 0.1 * np.random.default_rng(0).normal(size=(TOGETHER, shape.size))
    files.write(
        folder / f"{name}.nc", truth, xr.DataArray(rows, {"seed": np.arange(TOGETHER)}, ("seed", "parameter")), shape
    )
    return folder / f"{name}.nc"


def of_torch(features: int, hidden: int) -> Any:
    """A perceptron of three layers inside EDM's preconditioning, as a score."""
    import torch

    torch.manual_seed(0)
    widths = [features + 1, hidden, hidden, hidden]
    layers = [part for i, o in pairwise(widths) for part in (torch.nn.Linear(i, o), torch.nn.SiLU())]

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(*layers, torch.nn.Linear(hidden, features))

        def forward(self, x: Any, c_noise: Any) -> Any:
            return self.layers(torch.cat([x, c_noise[:, None]], dim=-1))

    return ss.learned_score(Network(), predicts="edm", shape=(features,), sigma_data=SIGMA_DATA)


def main() -> None:
    """Print the times."""
    with tempfile.TemporaryDirectory() as temporary:
        known = {name: written(name, Path(temporary)) for name in ("pair", "eight-gaussians", "checkerboard", "digits")}
        print("ss.diagnose of one network alone, 16 levels and 2,000 samples: seconds of the clock, of the processor")
        cases = [(name, "NumPy", ss.network_score(known[name], seed=0)) for name in ("pair", "eight-gaussians")]
        if find_spec("torch") is None:
            print("  PyTorch is not installed: left out")
        else:
            cases += [
                ("eight-gaussians", "PyTorch, 3 x 64", of_torch(2, 64)),
                ("digits", "PyTorch, 3 x 128", of_torch(64, 128)),
            ]
        for name, kind, score in cases:
            spent = timed(lambda score=score, name=name: ss.diagnose(score, DATA_SETS[name].mixture()))
            print(f"  {name}, {kind}: {spent[0]:.1f}, {spent[1]:.1f}")
        print(f"{TOGETHER} networks together, 8 levels and 500 samples: processor, a network; alone over that")
        for name, file in known.items():
            learned = ss.families.networks(file)
            together = timed(lambda learned=learned: diagnosis(learned))[1] / TOGETHER
            alone = timed(lambda learned=learned: [diagnosis(learned.isel(seed=[i])) for i in range(3)])[1] / 3
            print(f"  {name}: {together:.2f} s, {alone / together:.2f}")


if __name__ == "__main__":
    main()
