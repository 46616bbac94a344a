"""What runs again after a change: what depends on it, and nothing else."""

from collections.abc import Mapping

import pytest

from .conftest import MINIATURE, dry, miniature, write

FIGURES = ["figures of line", "figures of ring", "figures of wells"]


def line(quantity, *weights):
    """Jobs that make a quantity of the sweep ``line`` from these blocks."""
    return [*(f"{quantity} of line, block weight={weight}" for weight in weights), f"{quantity} of line: blocks joined"]


def ring(quantity):
    return [f"{quantity} of ring, block all", f"{quantity} of ring: blocks joined"]


SWEEP_LINE = [*line("speciation", 0.5, 0.7), *line("corrections", 0.5, 0.7), "criteria of line compared", "figures of line"]
SWEEP_RING = [*ring("scores"), *ring("amplification"), *ring("layer"), "figures of ring"]
SWEEP_WELLS = [
    "speciation of wells, block all",
    "speciation of wells: blocks joined",
    "criteria of wells compared",
    "figures of wells",
]


def planned(finished, tmp_path, study):
    """What running this study where the miniature study has finished would do."""
    return dry(finished.folder, "--configfile", write(tmp_path / "study.yaml", study))


def reversed_keys(value):
    """The same study, its mappings written backwards, but for ``axes``, whose order is that of the results' dimensions."""
    if not isinstance(value, Mapping):
        return value
    return {key: value[key] if key == "axes" else reversed_keys(value[key]) for key in reversed(value)}


def test_comments_and_the_order_of_keys_rerun_nothing(finished, tmp_path):
    study = reversed_keys(miniature())
    study["sweeps"]["line"]["quantities"].reverse()
    path = tmp_path / "study.yaml"
    write(path, study)
    path.write_text("# a remark\n" + path.read_text())
    assert dry(finished.folder, "--configfile", str(path)) == []


def test_a_value_added_to_a_split_axis_runs_its_blocks_only(finished, tmp_path):
    study = miniature()
    study["sweeps"]["line"]["axes"]["weight"] = [0.6, 0.5, 0.7]
    study["sweeps"]["line"]["quantities"] = ["speciation"]
    assert planned(finished, tmp_path, study) == sorted(
        [*line("speciation", 0.6), "criteria of line compared", "figures of line"]
    )


def test_a_value_taken_off_a_split_axis_only_joins_again(finished, tmp_path):
    study = miniature()
    study["sweeps"]["line"]["axes"]["weight"] = [0.7]
    joined = [*line("speciation"), *line("corrections"), "criteria of line compared", "figures of line"]
    assert planned(finished, tmp_path, study) == sorted(joined)


def test_another_order_of_a_split_axis_only_joins_again(finished, tmp_path):
    study = miniature()
    study["sweeps"]["line"]["axes"]["weight"] = [0.7, 0.5]
    joined = [*line("speciation"), *line("corrections"), "criteria of line compared", "figures of line"]
    assert planned(finished, tmp_path, study) == sorted(joined)


def test_a_quantity_added_runs_its_own_jobs_and_what_shows_it(finished, tmp_path):
    study = miniature()
    study["sweeps"]["line"]["quantities"].append("amplification")
    own = line("amplification", 0.5, 0.7)
    assert planned(finished, tmp_path, study) == sorted([*own, "criteria of line compared", "figures of line"])


def test_a_changed_axis_reruns_its_sweep_only(finished, tmp_path):
    study = miniature()
    study["sweeps"]["ring"]["axes"]["separation"] = [1.0, 3.0]
    assert planned(finished, tmp_path, study) == sorted(SWEEP_RING)


def test_an_option_reruns_the_quantity_that_takes_it_only(finished, tmp_path):
    study = miniature()
    study["sweeps"]["line"]["order"] = 4
    wanted = [*line("corrections", 0.5, 0.7), "criteria of line compared", "figures of line"]
    assert planned(finished, tmp_path, study) == sorted(wanted)


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        ("scoreshock/kernels/series.py", '"""', '"""Said otherwise. ', []),
        ("workflow/scripts/block.py", "import json", "# a remark\nimport json", []),
        ("scoreshock/figures.py", "PANELS = 4", "PANELS = 3", FIGURES),
        (
            "scoreshock/kernels/series.py",
            "import numpy as np",
            "import numpy as np\n\nCHANGED = 1",
            [*line("corrections", 0.5, 0.7), "criteria of line compared", "figures of line"],
        ),
        ("scoreshock/kernels/well_times.py", "import numpy as np", "import numpy as np\n\nCHANGED = 1", SWEEP_WELLS),
    ],
    ids=["docstring", "comment in a script", "figures", "kernel", "kernel of wells"],
)
def test_editing_code_reruns_what_depends_on_it(finished, edited, file, old, new, jobs):
    repository = edited(file, old, new)
    assert dry(finished.folder, "--configfile", str(MINIATURE), repository=repository) == sorted(jobs)
