"""Mixtures from files, and digests of files."""

import numpy as np
import pytest
import xarray as xr

from scoreshock.densities import mixture_files, sources
from scoreshock.study.study import Study


def test_checking_a_study_reads_a_file_of_mixtures_once_and_again_where_it_changed(tmp_path, monkeypatch):
    path, reads, original = tmp_path / "means.nc", [], mixture_files.read_netcdf
    monkeypatch.setattr(mixture_files, "read_netcdf", lambda file: reads.append(file) or original(file))
    sweep = {"family": "custom", "axes": {"separation": [1.0]}, "parameters": {"file": str(path)}}
    for number in (2, 3):
        xr.Dataset({"means": (("component", "feature"), np.eye(number))}).to_netcdf(path, engine="netcdf4")
        study = Study.from_mapping({"sweeps": {"mine": sweep | {"quantities": ["speciation", "layer"]}}})
        assert study.sweeps["mine"].components == number
        assert len(reads) == number - 1


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
    ids=["empty", "abc", "a million times a"],
)
def test_the_digest_of_a_file_is_that_of_its_bytes(content, digest, tmp_path):
    # The examples of FIPS 180-4.
    (tmp_path / "file").write_bytes(content)
    assert sources.digest(tmp_path / "file") == digest
