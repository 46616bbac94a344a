"""Labels of samples as classes: text, whole numbers or booleans, none of them missing."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import numpy as np

from scoreshock.checks import as_array, shortened, show

MOST_CLASSES = 4096  # as of the components of a family; a column of numbers taken for labels has more

MISSING = ("nan", "NaN", "NaT", "<NA>", "NA", "N/A", "#N/A", "null", "NULL", "None", "none")
"""Text that stands for a missing label in tables of NumPy, pandas, R and spreadsheets."""


def classes_of(labels: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Names of the classes in sorted order, and the class index of each of ``n`` samples."""
    array = _label_array(labels, n)
    classes, member = np.unique(array, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"labels has one class, {shortened(classes[0])}; allowed: at least two classes")
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"labels has {len(classes):,} classes; allowed: at most {MOST_CLASSES:,}")
    return classes.astype(str), member


def _label_array(labels: Any, n: int) -> np.ndarray:
    """The labels as text, whole numbers or booleans (n,), each of them there."""
    array = as_array("labels", labels)
    if array.shape != (n,):
        raise ValueError(f"labels has shape {array.shape}; allowed: ({n},), one label for each row of features")
    if array.dtype.kind == "O":
        array = np.array([label_text(label) for label in array])
    elif array.dtype.kind in "SU":
        spellings, index = np.unique(array, return_inverse=True)
        array = np.array([label_text(label) for label in spellings])[index]
    elif array.dtype.kind == "f":
        if not (np.isfinite(array) & (array == np.floor(array))).all():
            bad = array[~(np.isfinite(array) & (array == np.floor(array)))][0]
            raise ValueError(f"labels has the value {bad}; allowed: text or whole numbers")
        array = array.astype(np.int64)
    if array.dtype.kind not in "iubU":
        raise ValueError(f"labels of type {array.dtype} are not allowed; allowed: text, whole numbers or booleans")
    if array.dtype.kind == "U":
        if (array == "").any():
            raise ValueError("labels has an empty label; allowed: a label for each sample")
        if (lost := np.isin(array, MISSING)).any():
            raise ValueError(f"labels has {show(array[lost][0])}, which stands for a missing label; allowed: a class")
    return array


def missing_labels(labels: np.ndarray) -> np.ndarray:
    """Which of the labels (n,) stand for a missing one."""
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype.kind not in "OSU":
        return np.zeros(len(labels), dtype=bool)
    return np.isin([label_text(label) for label in labels], ("", *MISSING))


def label_text(label: Any) -> str:
    """A label as text, in one spelling, without blanks around it; whatever stands for a missing one is empty."""
    if isinstance(label, bytes):
        try:
            label = label.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"labels has {show(label)}, which is not UTF-8; allowed: text or whole numbers") from None
    if isinstance(label, float | np.floating) and not math.isnan(label):
        if label != math.floor(label) if math.isfinite(label) else True:
            raise ValueError(f"labels has the value {label}; allowed: text or whole numbers")
        label = int(label)
    missing = label is None or type(label).__name__ in ("NAType", "NaTType") or label != label
    return "" if missing else unicodedata.normalize("NFC", str(label)).strip()


def whole_where_possible(source: str, spellings: list[str]) -> np.ndarray:
    """Spellings of labels as whole numbers where all of them are (so that 10 sorts after 9), else as they are."""
    values: dict[float, str] = {}
    for label in spellings:
        try:
            number = float(label)
        except ValueError:
            continue
        if math.isfinite(number) and number != math.floor(number):
            raise ValueError(f"{source} has the label {label}; allowed: names of classes or whole numbers")
        if (other := values.setdefault(number, label)) != label:
            raise ValueError(f"{source} has the labels {other} and {label}, which are one number; allowed: one spelling")
    plain = all(label.isascii() and label.isdigit() and str(int(label)) == label for label in spellings)
    return np.array(spellings, dtype=np.int64 if plain else None)
