"""Files as people have them (``tests/cases``): used as their authors mean them, or refused in one sentence."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from scoreshock.densities import families
from scoreshock.densities.data import from_labelled
from scoreshock.densities.fitted_models import from_sklearn
from scoreshock.densities.mixtures import mixture
from tests.densities.test_component_covariances import matrices

CASES = Path(__file__).parents[1] / "cases"


def refused(action, *said: str) -> None:
    """The action is refused in one line that says all of these, and is short besides the path of a file."""
    with pytest.raises(ValueError, match=re.escape(said[0])) as caught:
        action()
    message = str(caught.value)
    for text in said:
        assert text in message
    assert "\n" not in message
    assert len(message.replace(str(CASES), "")) <= 300
    assert "float64(" not in message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("k1a_index_column.csv", ("column without a name (column 1)", "index=False")),
        ("k2a_header_only.csv", ("has no rows", "u, v, label")),
        ("k2f_other_dims.nc", ("labels on m, features on n, d", "the dimension of the samples")),
    ],
)
def test_a_labelled_table_that_would_be_misread_is_refused_with_the_remedy(name, said):
    refused(lambda: families.data(file=str(CASES / name)), *said)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("k1g_trailing_blank.csv", {"label_column": "label (by its name)", "delimiter": ",", "decimal": "."}),
        ("k9c_upper_suffix.CSV", {"label_column": "Label (by its name)", "delimiter": ",", "decimal": "."}),
        ("k9c_target_column.csv", {"label_column": "species (by its name)", "delimiter": ",", "decimal": "."}),
        ("k9d_semicolon.csv", {"label_column": "label (by its name)", "delimiter": ";", "decimal": ","}),
        ("k9d_tabs.tsv", {"label_column": "label (by its name)", "delimiter": "tab", "decimal": "."}),
    ],
)
def test_a_table_as_people_have_it_is_read_as_they_mean_it_and_the_result_says_how(name, told):
    mark = {"tab": "\t"}.get(told["delimiter"], told["delimiter"])
    lines = [line.split(mark) for line in (CASES / name).read_text().split("\n")[1:] if line]
    rows = [[entry.replace(",", ".").strip() for entry in line] for line in lines]
    groups = {kind: np.array([[float(u), float(v)] for u, v, label in rows if label == kind]) for kind in ("ash", "elm")}
    result = families.data(file=str(CASES / name))
    assert result.label.values.tolist() == ["ash", "elm"]
    assert told.items() <= result.attrs.items()
    gap = np.linalg.norm(groups["elm"].mean(axis=0) - groups["ash"].mean(axis=0))
    assert abs(result.component_mean.diff("component")).item() == pytest.approx(gap, rel=1e-12)


def test_covariances_and_variances_by_component_of_a_file_are_those_of_the_mixture():
    path = CASES / "k1b_covariances.nc"
    stored, read = xr.load_dataset(path), families.custom(file=str(path))
    np.testing.assert_allclose(matrices(read), stored.covariances, rtol=1e-14, atol=1e-15)
    path = CASES / "k1c_variance_by_component.nc"
    stored, read = xr.load_dataset(path), families.custom(file=str(path))
    assert read.component_variance.dims == ("component",)
    assert read.component_variance.values.tolist() == stored.variance.values.tolist()


def test_a_list_of_as_many_variances_as_components_is_refused_with_both_readings():
    both = "dims='component'), or for a sweep dims='variance'"
    refused(lambda: mixture([-5.0, 0.0, 5.0], [0.2, 0.3, 0.5], variance=[0.5, 1.0, 2.0]), both)


FOUR = [[0.0, 1.0], [1.0, 1.5], [4.0, 1.0], [5.0, 0.0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("u,u,label\n1,2,a\n3,4,b\n", "has the column 'u' more than once"),
        ("u,label,Label\n1,0,0\n3,1,1\n", "has the column 'label' more than once"),
        ("u,v,label,\n1,2,a,\n3,4,b,\n", "a column without a name (column 4)"),
        ("Unnamed: 0,u,label\n0,2,a\n1,4,b\n", "a column without a name (column 1)"),
        ("id,u,label\n1,2,a\n2,4,b\n", "the column 'id', which numbers the rows"),
        ("u,label\n1,a\n2,\n", "an empty label"),
        ("u,label\n1,a\n2\n3,b\n", "an empty label"),
        ("u,label\n1,a\n2,nan\n", "'nan', which stands for a missing label"),
        ("u,label\n1,a\n2,None\n", "'None', which stands for a missing label"),
        ("u,label\n1,12.5\n2,13.1\n", "has the label 12.5; allowed: names of classes or whole numbers"),
        ("u,label\n1e200,a\n2,b\n", "features has a value of size 1e+200; allowed: at most 1e+150"),
        ("u,label\n1,1\n2,1.0\n3,2\n", "the labels 1 and 1.0, which are one number"),
        ('u,label\n"1,234",a\n2,b\n', "column 'u' has the value '1,234' in row 1"),
        ("u,label\n5%,a\n2,b\n", "column 'u' has the value '5%' in row 1"),
        ("u,label\n2024-01-01,a\n2024-01-02,b\n", "column 'u' has the value '2024-01-01' in row 1"),
        ("u,label\nTrue,a\nFalse,b\n", "column 'u' has the value 'True' in row 1; allowed: numbers"),
        ("u,label\n1e999,a\n2,b\n", "features has the value inf at [0, 0]"),
        ("u;v,w;label\n1;2,3;a\n2;3,4;b\n", "several delimiters: ',' (2 columns), ';' (3 columns); allowed: delimiter"),
        ("\n\n", "cannot be read as CSV: it is empty"),
        (",".join(f"c{j}" for j in range(5000)) + "\n1\n", "has no labels"),
    ],
)
def test_an_odd_csv_table_is_refused_in_one_sentence(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    Path("odd.csv").write_text(text)
    refused(lambda: families.data(file="odd.csv"), said)


@pytest.mark.parametrize(
    "content",
    [
        b"u,v,label\n0,1,a\n1,1.5,a\n4,1,b\n5,0,b\n",
        b"\xef\xbb\xbfu,v,label\r\n0,1,a\r\n1,1.5,a\r\n4,1,b\r\n5,0,b\r\n",
        b"\n u , v , LABEL \n\n0, 1, a \n1, 1.5,a\n\n4,1,b\n5,0,\tb\n",
        b'"u","v","label"\n"0","1","a"\n"1","1.5","a"\n"4","1","b"\n"5","0","b"\n',
        b"label,u,v\na,0,1\na,1,1.5\nb,4.0e0,1\nb,5,0",
    ],
    ids=["plain", "bom and crlf", "blanks", "quotes", "label first, no last newline"],
)
def test_a_csv_table_written_by_any_program_is_read_alike(tmp_path, content):
    path = tmp_path / "table.CSV"
    path.write_bytes(content)
    assert families.data(file=str(path)).component_mean.identical(from_labelled(FOUR, list("aabb")).component_mean)


def test_errors_name_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("u,label\n1,hêtre\n2,elm\n".encode("latin-1"))
    refused(lambda: families.data(file=str(path)), "not UTF-8 at byte 11; allowed: UTF-8")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"labels": (("sample",), [0, 0, 1, 1]), "mask": (("sample",), [1, 0, 1, 1])}, "mask, which would be ignored"),
        ({"labels": (("other",), [0, 0, 1, 1])}, "labels on other, features on sample, feature"),
        ({"labels": (("sample", "feature"), np.zeros((4, 2)))}, "labels has shape (4, 2); allowed: (4,)"),
    ],
)
def test_netcdf_tables_that_would_be_misread_are_refused(tmp_path, variables, said):
    path = tmp_path / "odd.nc"
    xr.Dataset({"features": (("sample", "feature"), FOUR)} | variables).to_netcdf(path, engine="netcdf4")
    refused(lambda: families.data(file=str(path)), said)


def test_coordinates_of_the_dimensions_are_no_features(tmp_path):
    path = tmp_path / "table.nc"
    coords = {"sample": np.arange(4), "feature": ["u", "v"]}
    stored = {"features": (("feature", "sample"), np.transpose(FOUR)), "labels": ("sample", [0, 0, 1, 1])}
    xr.Dataset(stored, coords).to_netcdf(path, engine="netcdf4")
    assert families.data(file=str(path)).component_mean.identical(from_labelled(FOUR, [0, 0, 1, 1]).component_mean)


def test_arrays_of_an_npz_file_that_would_be_ignored_are_named(tmp_path):
    path = tmp_path / "odd.npz"
    np.savez(path, features=FOUR, labels=[0, 0, 1, 1], sample_weight=[1, 2, 3, 4])
    refused(lambda: families.data(file=str(path)), "sample_weight, which would be ignored")
    np.savez(path, features=FOUR, labels=np.array(list("aabb"), dtype=object))
    refused(lambda: families.data(file=str(path)), "save labels.astype(str)")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"means": (("k", "n"), np.eye(2)), "component_mean": (("k", "n"), np.eye(2))}, "both 'means' and 'component_mean'"),
        ({"means": (("k", "n"), np.eye(2)), "variance": ("m", [1.0, 2.0])}, "has the dimension 'm' without a coordinate"),
        ({"means": (("feature",), [0.0, 1.0])}, "means on the dimension 'feature' alone"),
        ({"means": (("k", "n"), np.eye(2)), "labels": ("k", [0, 1])}, "labels, which would be ignored"),
    ],
)
def test_files_of_a_mixture_that_would_be_misread_are_refused(tmp_path, variables, said):
    path = tmp_path / "odd.nc"
    xr.Dataset(variables).to_netcdf(path, engine="netcdf4")
    refused(lambda: families.custom(file=str(path)), said)


@pytest.mark.parametrize("name", ["means", "component_mean"])
def test_means_are_read_by_the_names_of_their_dimensions(tmp_path, name):
    means = xr.Dataset({name: (("feature", "component"), [[0.0, 5.0], [1.0, 2.0]])})
    means.to_netcdf(tmp_path / "means.nc", engine="netcdf4")
    assert families.custom(file=str(tmp_path / "means.nc")).component_mean.values.tolist() == [[0.0, 1.0], [5.0, 2.0]]


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "table.csv").mkdir()
    refused(lambda: families.data(file=str(tmp_path / "table.csv")), "is a folder or a device; allowed: a file")


class Tensor:
    """Behaves as a tensor of PyTorch that carries a gradient."""

    def __init__(self, values, gradient=True):
        self.values, self.gradient, self.shape = np.asarray(values), gradient, np.shape(values)

    def detach(self):
        return Tensor(self.values, gradient=False)

    def __array__(self, dtype=None, copy=None):
        if self.gradient:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.values


def test_tensors_with_a_gradient_are_their_numbers():
    assert from_labelled(Tensor(FOUR), Tensor([0, 0, 1, 1])).identical(from_labelled(FOUR, [0, 0, 1, 1]))


@pytest.mark.parametrize(
    ("features", "labels", "said"),
    [
        (FOUR, pd.array(["a", pd.NA, "b", "b"], dtype="string"), "an empty label"),
        (FOUR, [pd.NaT, 1, 2, 2], "an empty label"),
        (FOUR, np.array([1, 1.5, 2, 2], dtype=object), "labels has the value 1.5"),
        (FOUR, [b"\xff", b"a", b"b", b"b"], "not UTF-8"),
        (np.eye(60) + 1j, [0, 1] * 30, "is not numeric"),
        (np.ma.masked_equal(FOUR, 4.0), [0, 0, 1, 1], "features has masked entries"),
        (pd.DataFrame(FOUR, columns=["Unnamed: 0", "u"]), [0, 0, 1, 1], "features has a column without a name (column 1)"),
        (np.zeros((4, 2), dtype="M8[s]"), [0, 0, 1, 1], "is not numeric"),
    ],
)
def test_odd_tables_of_a_session_are_refused_in_one_sentence(features, labels, said):
    refused(lambda: from_labelled(features, labels), said)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32", ">f8"])
def test_features_of_any_real_type_are_their_numbers(dtype):
    assert from_labelled(np.array(FOUR, dtype=dtype) * 2, list("aabb")).identical(
        from_labelled(np.array(FOUR, dtype=dtype).astype(float) * 2, list("aabb"))
    )


def test_one_spelling_of_a_class_is_one_class():
    mixed = np.array([1, 1.0, "2", 2], dtype=object)
    assert from_labelled(FOUR, mixed).label.values.tolist() == ["1", "2"]
    accents = ["h\u00eatre", "he\u0302tre", "elm ", "elm"]
    assert from_labelled(FOUR, accents).label.values.tolist() == ["elm", "h\u00eatre"]


def test_labelled_arrays_are_read_by_their_dimensions():
    turned = xr.DataArray(np.transpose(FOUR), dims=("feature", "sample"))
    labels = xr.DataArray([0, 0, 1, 1], dims="sample")
    assert from_labelled(turned, labels).identical(from_labelled(FOUR, [0, 0, 1, 1]))
    refused(lambda: from_labelled(turned, labels.rename(sample="row")), "labels has the dimension 'row'")


class Fitted:
    """What is read of a fitted model of scikit-learn."""

    def __init__(self, **changed):
        held = {"means_": np.array([[0.0, 0.0], [3.0, 1.0]]), "weights_": np.array([0.5, 0.5])}
        held |= {"covariances_": np.stack([np.eye(2)] * 2), "covariance_type": "full"}
        self.__dict__.update(held | changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"covariance_type": "banded"},
            "covariance_type = 'banded' is not known; allowed: full, tied, diag, spherical",
        ),
        ({"means_": np.full((2, 2), np.nan)}, "means_ has the value nan at [0, 0]"),
        ({"covariances_": np.eye(2)}, "covariances_ has shape (2, 2); allowed: (2, 2, 2) for full covariances"),
        ({"weights_": np.array([0.5, np.nan])}, "weights_ has the value nan at [1]"),
        ({"weights_": np.array([1.0])}, "means_ has shape (2, 2), weights_ (1,)"),
    ],
)
def test_a_fitted_model_that_cannot_be_read_is_named(changed, said):
    refused(lambda: from_sklearn(Fitted(**changed)), said)
