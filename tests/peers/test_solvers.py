"""Our samplers against those of diffusers, from the same noise levels."""

from __future__ import annotations

import numpy as np
import pytest

from scoreshock.kernels.flow.solvers import sample
from tests.kernels.flow.test_solvers import START, denoise

torch = pytest.importorskip("torch", reason="torch is not installed")
diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
pytestmark = pytest.mark.slow


def of_diffusers(scheduler, x: np.ndarray) -> np.ndarray:
    """Ends of a scheduler's own steps in EDM's coordinates, x (N, 2)."""
    x = torch.as_tensor(x)
    for t in scheduler.timesteps:
        given = scheduler.scale_model_input(x, t)
        sigma = float(scheduler.sigmas[scheduler.step_index])
        # EDM's schedulers take the network F of their preconditioning.
        x_now = x.double().numpy()
        skip = scheduler.config.sigma_data**2 / (sigma**2 + scheduler.config.sigma_data**2)
        out = sigma * scheduler.config.sigma_data / np.hypot(sigma, scheduler.config.sigma_data)
        network = (denoise(x_now, sigma) - skip * x_now) / out
        assert given.shape == x.shape
        x = scheduler.step(torch.as_tensor(network), t, x).prev_sample
    return x.numpy()


@pytest.mark.parametrize("steps", [5, 18])
@pytest.mark.parametrize(
    ("solver", "name"), [("euler", "EDMEulerScheduler"), ("dpmpp-2m", "EDMDPMSolverMultistepScheduler")]
)
def test_ends_are_those_of_diffusers(solver: str, name: str, steps: int) -> None:
    scheduler = getattr(diffusers, name)(sigma_min=0.05, sigma_max=5.0)
    scheduler.set_timesteps(steps)
    levels = scheduler.sigmas.double().numpy()
    ours = sample(denoise, START, levels, solver).ends
    np.testing.assert_allclose(of_diffusers(scheduler, START), ours, rtol=2e-4, atol=2e-4)
