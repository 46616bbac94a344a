"""A small study, and the results of one."""

import pytest

from .. import runs

STUDY = """
output: {folder}
sweeps:
  line:
    family: pair
    axes: {{separation: [1.0, 2.0], weight: [0.5, 0.6, 0.7]}}
    split: [weight]
    quantities: [speciation]
"""


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(folder=tmp_path / "results"))
    return str(file)


@pytest.fixture(scope="session")
def computed(tmp_path_factory):
    """A folder of results: speciation of six pairs in two schedules."""
    folder = tmp_path_factory.mktemp("computed")
    runs.run(runs.study(folder), "plan", "compute", "join")
    return folder
