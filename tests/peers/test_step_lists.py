"""Lists of levels in diffusers' own schedulers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import scoreshock as ss

if not os.environ.get("CI"):
    for name in ("torch", "diffusers"):
        pytest.importorskip(name, reason="needs diffusers and torch: pip install -e '.[peers]'")
import diffusers

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

PAIR = ss.mixture([-1.0, 1.0], variance=0.09)
LINEAR = ss.schedule("table", betas=np.linspace(1e-4, 0.02, 1000).tolist())
FOUND = ss.allocate_steps(PAIR, 6, "rescaled", LINEAR, 0.03, 14.0)
ROW = FOUND.sigma_level.values[0]


def test_euler_takes_the_file_as_it_is(tmp_path: Path) -> None:
    scheduler = diffusers.EulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=json.loads(ss.save_steps(FOUND, tmp_path / "levels.json").read_text()))
    np.testing.assert_allclose(scheduler.sigmas.numpy(), ROW, rtol=1e-6)
    assert scheduler.num_inference_steps == 6


def test_dpm_takes_the_rounded_times_in_the_schedule_of_the_model() -> None:
    """It has no argument ``sigmas``; timesteps are entries of the training table, half of one apart at most."""
    config = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02, "final_sigmas_type": "zero"}
    scheduler = diffusers.DPMSolverMultistepScheduler(**config)
    steps = np.round(FOUND.time.values.ravel()[:-1]).astype(int)
    scheduler.set_timesteps(timesteps=steps.tolist())
    table = np.asarray(LINEAR.sigma(np.arange(1000.0)))
    sigmas = scheduler.sigmas.numpy()
    np.testing.assert_allclose(sigmas[:-1], table[steps], rtol=1e-4)
    assert (table[np.maximum(steps - 1, 0)] <= ROW[:-1]).all()
    assert (ROW[:-1] <= table[np.minimum(steps + 1, 999)]).all()
    assert sigmas[-1] == 0
