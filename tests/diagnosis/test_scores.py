"""Networks of every prediction, read as scores: against the exact score of a mixture, in NumPy, PyTorch and JAX."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.diagnosis.scores import PREDICTIONS
from scoreshock.kernels.gaussian import mixture as gaussian

PAIR = ss.mixture([[-1.0, 0.0], [1.0, 0.5]], weights=[0.3, 0.7], variance=0.09)
X = np.random.default_rng(0).normal(size=(7, 2))
PATHS = [None, "vp-linear", "flow-matching", "sub-vp"]
SIGMA_DATA = 0.7


def network(predicts: str, path: str | None, takes: str = "scaled"):
    """What a perfect network of the pair returns."""
    schedule = None if path is None else ss.schedule(path)
    means, weights = PAIR.component_mean.values, PAIR.component_weight.values

    def model(y: np.ndarray, t: np.ndarray) -> np.ndarray:
        if predicts == "edm":
            sigma = np.exp(4 * t)[:, None]
            spread = np.hypot(sigma, SIGMA_DATA)
            x = y * spread
            clean = gaussian.denoiser(x, means, weights, 0.09, sigma[:, 0] ** 2 / 2)
            return (clean - SIGMA_DATA**2 / spread**2 * x) * spread / (sigma * SIGMA_DATA)
        alpha = np.ones_like(t) if schedule is None else schedule.alpha(t)
        noise = np.sqrt(2 * t) if schedule is None else schedule.noise(t)
        alpha, noise = alpha[:, None], noise[:, None]
        sigma = noise / alpha
        x = y / alpha if takes == "scaled" else y
        clean = gaussian.denoiser(x, means, weights, 0.09, sigma[:, 0] ** 2 / 2)
        z = (x - clean) / sigma
        return {
            "score": -z / noise,
            "rescaled_score": -z / sigma,
            "epsilon": z,
            "sample": clean,
            "v_prediction": alpha * z - noise * clean,
            "flow_prediction": z - clean,
        }[predicts]

    return model


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("predicts", PREDICTIONS)
def test_each_prediction_is_the_exact_score(predicts: str, path: str | None) -> None:
    score = ss.learned_score(network(predicts, path), predicts, path, sigma_data=SIGMA_DATA)
    tau = np.array([0.01, 0.05, 0.1, 0.3, 0.5, 1.0, 4.0])
    exact = np.concatenate([ss.score(PAIR, x[None], t).values for x, t in zip(X, tau, strict=True)])
    np.testing.assert_allclose(score(X, tau), exact, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(score(X, 0.3), ss.score(PAIR, X, 0.3).values, rtol=1e-11, atol=1e-11)


def test_positions_without_scaling() -> None:
    score = ss.learned_score(network("epsilon", "vp-linear", "unscaled"), "epsilon", "vp-linear", takes="unscaled")
    np.testing.assert_allclose(score(X, 0.3), ss.score(PAIR, X, 0.3).values, rtol=1e-11)


def test_jacobian_by_differences_is_within_its_error() -> None:
    score = ss.learned_score(network("epsilon", "vp-linear"), "epsilon", "vp-linear")
    for tau in (0.01, 0.3, 5.0):
        found, error = score.jacobian(X, tau)
        exact = ss.score_jacobian(PAIR, X, tau).values
        apart = np.abs(found - exact).max(axis=(1, 2))
        assert (apart <= error).all()
        assert (error < 1e-5 * np.abs(exact).max()).all()


def torch_pair(dtype):
    torch = pytest.importorskip("torch")

    class Pair(torch.nn.Module):
        """The exact score of the pair."""

        def __init__(self) -> None:
            super().__init__()
            self.means = torch.nn.Parameter(torch.as_tensor(PAIR.component_mean.values, dtype=dtype))
            self.logs = torch.nn.Parameter(torch.as_tensor(np.log(PAIR.component_weight.values), dtype=dtype))

        def forward(self, x, tau):
            v = 0.09 + 2 * tau[:, None]
            apart = ((x[:, None] - self.means) ** 2).sum(-1)
            r = torch.softmax(self.logs - apart / (2 * v), dim=-1)
            return (r @ self.means - x) / v

    return Pair()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("float32", 1e-5), ("float64", 1e-13)])
def test_torch_by_autograd_agrees_with_differences(name: str, least: float) -> None:
    torch = pytest.importorskip("torch")
    score = ss.learned_score(torch_pair(getattr(torch, name)))
    assert score.framework == "torch"
    np.testing.assert_allclose(score(X, 0.3), ss.score(PAIR, X, 0.3).values, rtol=100 * least, atol=least)
    found, error = score.jacobian(X, 0.3)
    exact = ss.score_jacobian(PAIR, X, 0.3).values
    assert (np.abs(found - exact).max(axis=(1, 2)) <= error).all()
    assert (error < 100 * least).all()
    other, rough = ss.learned_score(lambda x, tau: score(x, tau)).jacobian(X, 0.3)
    if name == "float64":
        assert (np.abs(found - other).max(axis=(1, 2)) <= error + rough).all()


@pytest.mark.slow
def test_jax_by_autograd() -> None:
    jax = pytest.importorskip("jax")
    numbers = jax.numpy
    means, logs = numbers.asarray(PAIR.component_mean.values), numbers.asarray(np.log(PAIR.component_weight.values))

    def model(x, tau):
        v = 0.09 + 2 * tau[:, None]
        r = jax.nn.softmax(logs - ((x[:, None] - means) ** 2).sum(-1) / (2 * v), axis=-1)
        return (r @ means - x) / v

    score = ss.learned_score(model, framework="jax")
    found, error = score.jacobian(X, 0.3)
    exact = ss.score_jacobian(PAIR, X, 0.3).values
    assert (np.abs(found - exact).max(axis=(1, 2)) <= error).all()


@pytest.mark.slow
def test_a_network_of_diffusers() -> None:
    torch = pytest.importorskip("torch")
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    unet = diffusers.UNet2DModel(8, 1, 1, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, **blocks)
    scheduler = diffusers.DDPMScheduler()
    score = ss.learned_score(unet.eval(), "epsilon", scheduler, shape=(1, 8, 8))
    x, tau = np.random.default_rng(1).normal(size=(3, 64)), 0.7
    t = float(score.schedule.time(tau))
    alpha = float(score.schedule.alpha_at(tau))
    with torch.no_grad():
        noise = unet(torch.as_tensor(alpha * x, dtype=torch.float32).reshape(3, 1, 8, 8), torch.full((3,), t)).sample
    np.testing.assert_allclose(score(x, tau), -noise.reshape(3, 64).double().numpy() / np.sqrt(1.4), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"predicts = 'sample' is not what the scheduler says; allowed: 'epsilon'"):
        ss.learned_score(unet, "sample", scheduler, shape=(1, 8, 8))
    with pytest.raises(ValueError, match=r"x has shape \(3, 60\); allowed: \(points, 64\)"):
        score(x[:, :60], tau)


@pytest.mark.slow
def test_without_torch_the_message_says_what_to_install() -> None:
    code = """
import sys
sys.modules["torch"] = None
import scoreshock as ss
try:
    ss.learned_score(lambda x, _: -x, framework="torch")
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "a score of torch needs torch: python -m pip install 'torch==2.13.0'\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"predicts": "epsilom"}, r"predicts = 'epsilom' is not allowed \(did you mean 'epsilon'\?\); allowed: score, "),
        ({"takes": "x"}, r"takes = 'x' is not allowed; allowed: scaled, unscaled, preconditioned"),
        ({"time": "hours"}, r"time = 'hours' is not allowed; allowed: tau, sigma, noise, "),
        ({"framework": "tensorflow"}, r"framework = 'tensorflow' is not allowed; allowed: numpy, torch, jax"),
        ({"schedule": ["edm", "ve"]}, r"schedule stands for 2 schedules; allowed: one"),
        ({"model": 3}, r"model = 3 is not allowed; allowed: a function of x and time"),
    ],
)
def test_what_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ss.learned_score(**({"model": lambda x, _: -x} | arguments))


def test_points_and_times_that_are_refused() -> None:
    score = ss.learned_score(lambda x, _: -x)
    with pytest.raises(ValueError, match=r"x has shape \(2,\); allowed: \(points, features\)"):
        score(np.zeros(2), 1.0)
    with pytest.raises(ValueError, match=r"tau = 0.0 is not allowed; allowed: a number > 0, or 7 of them"):
        score(X, 0.0)
    with pytest.raises(ValueError, match=r"sigma = 100 is outside of the schedule; allowed: 0 to 80"):
        ss.learned_score(lambda x, _: -x, schedule="edm")(X, 5000.0)
    with pytest.raises(ValueError, match=r"the model returns the shape \(7, 1\) for x of \(7, 2\); allowed: the same"):
        ss.learned_score(lambda x, _: x[:, :1])(X, 1.0)


def test_the_mixture_s_own_score_is_a_score() -> None:
    score = ss.learned_score(lambda x, tau: ss.score(PAIR, x, xr.DataArray(tau, dims="point")).values)
    np.testing.assert_array_equal(score(X, 0.3), ss.score(PAIR, X, 0.3).values)
