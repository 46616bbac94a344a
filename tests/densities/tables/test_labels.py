"""Labels that are classes, and text that is a number."""

import re

import numpy as np
import pytest

from scoreshock.densities.tables.labels import classes_of, missing_labels, whole_where_possible


@pytest.mark.parametrize(
    "labels", [["b ", "a", " b", "a"], np.array(["b", "a", "b", "a"], dtype=object), [b"b", b"a", b"b", b"a"]]
)
def test_spellings_of_a_class_are_one(labels):
    names, member = classes_of(labels, 4)
    assert names.tolist() == ["a", "b"]
    assert member.tolist() == [1, 0, 1, 0]


def test_a_million_labels_of_text_are_read_by_their_few_spellings():
    labels = np.array(["elm ", "ash"])[np.arange(10**6) % 2]
    assert classes_of(labels, 10**6)[0].tolist() == ["ash", "elm"]


def test_missing_labels_of_every_kind():
    assert missing_labels(np.array(["a", "", "NA", "nan "])).tolist() == [False, True, True, True]
    assert missing_labels(np.array([1.0, np.nan])).tolist() == [False, True]
    assert missing_labels(np.array([None, "b", np.nan, 3], dtype=object)).tolist() == [True, False, True, False]
    assert missing_labels(np.array([1, 2])).tolist() == [False, False]


def test_text_of_whole_numbers_sorts_as_numbers():
    assert whole_where_possible("t", ["10", "9"]).tolist() == [10, 9]
    assert whole_where_possible("t", ["10", "x"]).tolist() == ["10", "x"]
    assert whole_where_possible("t", ["07", "8"]).tolist() == ["07", "8"]
    with pytest.raises(ValueError, match=re.escape("t has the labels 1 and 1.0, which are one number")):
        whole_where_possible("t", ["1", "1.0"])
