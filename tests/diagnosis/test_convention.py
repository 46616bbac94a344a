"""Wrong readings of a network are refused by name, and the stated one is kept where it is right."""

from __future__ import annotations

import numpy as np
import pytest

import scoreshock as ss
from tests.diagnosis.test_scores import PAIR, SIGMA_DATA, network

RNG = np.random.default_rng(0)
DATA = PAIR.component_mean.values[RNG.choice(2, 2000, p=PAIR.component_weight.values)] + 0.3 * RNG.normal(size=(2000, 2))


@pytest.mark.slow
@pytest.mark.parametrize("path", [None, "vp-linear", "flow-matching"])
@pytest.mark.parametrize("predicts", ["score", "epsilon", "sample", "v_prediction", "edm"])
def test_the_right_reading_is_kept_and_has_the_least_error(predicts: str, path: str | None) -> None:
    found = ss.check_convention(ss.learned_score(network(predicts, path), predicts, path, sigma_data=SIGMA_DATA), DATA)
    mean = found.denoising_error.mean("sigma")
    assert float(mean[0]) <= float(mean.min()) * (1 + 1e-6)
    # The error is the mean squared error of the exact denoiser.
    exact = [float(ss.clock_rates(PAIR, sigma**2 / 2).mmse) for sigma in found.sigma.values]
    spread = float(DATA.var(axis=0).sum())
    apart = found.denoising_error[0] - np.array(exact) / spread
    assert (abs(apart) < 4 * found.denoising_standard_error[0] + 0.02).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"predicts": "sample"}, "predicts='sample': the model denoises .* better with predicts='epsilon'; allowed"),
        ({"takes": "unscaled"}, "takes='unscaled': the model denoises .* better with takes='scaled'; allowed"),
        ({"time": "sigma"}, "time='sigma': the model denoises .* better with time='time'; allowed"),
        ({"predicts": "score"}, "predicts='score': the model denoises .* better with predicts='epsilon'"),
        (
            {"predicts": "rescaled_score", "takes": "unscaled"},
            "predicts='rescaled_score', takes='unscaled': the model denoises .* better "
            "with predicts='epsilon', takes='scaled'",
        ),
    ],
)
def test_a_wrong_reading_is_named(stated: dict, message: str) -> None:
    score = ss.learned_score(network("epsilon", "vp-linear"), **({"predicts": "epsilon", "schedule": "vp-linear"} | stated))
    with pytest.raises(ValueError, match=message):
        ss.check_convention(score, DATA)


@pytest.mark.slow
def test_sigma_for_the_noise_of_a_variance_preserving_path_is_named() -> None:
    """The commonest mistake: a network that is told sqrt(1 - alpha_bar) is told sigma."""
    vp = ss.schedule("vp-linear")

    def model(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
        tau = 0.5 * noise**2 / np.maximum(1 - noise**2, 1e-9)
        return network("epsilon", "vp-linear")(x, vp.time(np.minimum(tau, vp.tau(vp.end))))

    ss.check_convention(ss.learned_score(model, "epsilon", vp, time="noise"), DATA)
    with pytest.raises(ValueError, match=r"time='sigma': the model denoises .* better with time='noise'"):
        ss.check_convention(ss.learned_score(model, "epsilon", vp, time="sigma"), DATA)


def test_a_model_of_other_data_is_refused() -> None:
    with pytest.raises(ValueError, match=r"denoises no better than the data's mean does .*, however it is read"):
        ss.check_convention(ss.learned_score(lambda x, _: 0 * x + 37.0, "sample"), DATA)
    with pytest.raises(ValueError, match=r"the schedule has sigma from 0 to 80, the data a spread of 7341"):
        ss.check_convention(ss.learned_score(lambda x, _: -x, schedule="edm"), 1e4 * DATA)
