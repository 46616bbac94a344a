"""What runs again after a change: what depends on it, and nothing else."""

import json
import re
import shutil
from collections.abc import Mapping

import pytest

from scoreshock import records, results
from scoreshock.uniting import unite

from .conftest import MINIATURE, checksums, dry, miniature, snakemake, write

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
    assert planned(finished, tmp_path, study) == sorted([*own, "figures of line"])


def test_an_extension_of_both_kinds_runs_what_is_new_and_touches_no_old_block(copy, tmp_path):
    def blocks():
        paths = sorted(copy.glob("results/*/blocks/*/*.nc"))
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns, checksums(path)) for path in paths}

    before = blocks()
    study = miniature()
    study["sweeps"]["line"]["axes"]["weight"] = [0.5, 0.6, 0.7]
    study["sweeps"]["line"]["quantities"].append("amplification")
    given = ["--configfile", write(tmp_path / "study.yaml", study)]
    names = [f"results/line/{name}.nc" for name in ("speciation", "corrections", "amplification", "comparison")]
    run = snakemake(copy, *names, *given)
    new = [*line("speciation", 0.6), *line("corrections", 0.6), *line("amplification", 0.5, 0.6, 0.7)]
    assert run.jobs == sorted([*new, "criteria of line compared"])
    after = blocks()
    assert len(before) == 8
    assert len(after) == len(before) + 5
    assert {path: after[path] for path in before} == before
    assert dry(copy, *given) == ["figures of line"]


def test_an_option_reruns_its_quantity_an_axis_its_sweep_and_a_new_sweep_runs(finished, tmp_path):
    study = miniature()
    study["sweeps"]["again"] = study["sweeps"]["line"] | {}
    study["sweeps"]["line"]["order"] = 4
    study["sweeps"]["ring"]["axes"]["separation"] = [1.0, 3.0]
    option = [*line("corrections", 0.5, 0.7), "criteria of line compared", "figures of line"]
    added = [job.replace("line", "again") for job in SWEEP_LINE]
    assert planned(finished, tmp_path, study) == sorted([*option, *SWEEP_RING, *added])


CHANGED = ("import numpy as np", "import numpy as np\n\nCHANGED = 1")


@pytest.mark.parametrize(
    ("edits", "jobs"),
    [
        (
            {
                "scoreshock/kernels/series.py": ('"""', '"""Said otherwise. '),
                "workflow/scripts/block.py": ("import json", "# a remark\nimport json"),
            },
            [],
        ),
        ({"scoreshock/figures/curves.py": ("PANELS = 4", "PANELS = 3")}, FIGURES),
        (
            {"scoreshock/kernels/series.py": CHANGED, "scoreshock/kernels/well_times.py": CHANGED},
            [*line("corrections", 0.5, 0.7), "criteria of line compared", "figures of line", *SWEEP_WELLS],
        ),
    ],
    ids=["docstring and comment in a script", "figures", "kernels of mixtures and of wells"],
)
def test_editing_code_reruns_what_depends_on_it(finished, edited, edits, jobs):
    for file, (old, new) in edits.items():
        repository = edited(file, old, new)
    assert dry(finished.folder, "--configfile", str(MINIATURE), repository=repository) == sorted(jobs)


def part(finished, folder, *weights):
    """A folder of results with these blocks of the sweep ``line``, as a run of them on another machine leaves it."""
    shutil.copytree(finished.file("line"), folder / "line")
    for path in folder.joinpath("line").iterdir():
        if path.name == "figures":
            shutil.rmtree(path)
        elif path.is_file() and path.name != "sweep.json":
            path.unlink()
    plan = json.loads((folder / "line/sweep.json").read_text())
    for block in plan["blocks"]:
        if block["values"]["weight"] not in weights:
            shutil.rmtree(folder / "line/blocks" / block["name"])
    plan["blocks"] = [block for block in plan["blocks"] if block["values"]["weight"] in weights]
    (folder / "line/sweep.json").write_text(json.dumps(plan))
    return folder


def only_line(tmp_path):
    study = miniature()
    study["sweeps"] = {"line": study["sweeps"]["line"]}
    return write(tmp_path / "line.yaml", study)


JOINING = sorted([*line("speciation"), *line("corrections"), "criteria of line compared", "figures of line"])


def test_results_of_two_machines_are_only_joined(finished, tmp_path):
    one, two = part(finished, tmp_path / "one", 0.5), part(finished, tmp_path / "two", 0.7)
    assert unite([one, two], tmp_path / "both" / "results") == {"line": 4}
    assert dry(tmp_path / "both", "--configfile", only_line(tmp_path)) == JOINING


def test_results_of_another_machine_added_to_joined_ones_are_only_joined(finished, tmp_path):
    one, two = part(finished, tmp_path / "run" / "results", 0.5), part(finished, tmp_path / "two", 0.7)
    less = {**miniature(), "sweeps": {"line": miniature()["sweeps"]["line"]}}
    less["sweeps"]["line"]["axes"]["weight"] = [0.5]
    run = snakemake(one.parent, "results/line/speciation.nc", "--configfile", write(tmp_path / "less.yaml", less))
    assert run.jobs == ["speciation of line: blocks joined"]
    assert unite([one, two], one) == {"line": 2}
    assert dry(one.parent, "--configfile", only_line(tmp_path)) == JOINING


def test_every_block_is_known_by_what_its_job_wrote_in_its_log(finished):
    blocks = sorted(finished.file("").glob("*/blocks/*/*.nc"))
    assert blocks
    for block in blocks:
        receipt = records.receipt_of(block)
        assert receipt is not None
        assert receipt.is_of(block.stat())


def test_blocks_too_large_to_be_joined_stay_the_dataset_and_their_catalogue_opens(finished, edited, tmp_path):
    repository = edited("scoreshock/study/blocks.py", "JOINED_BYTES = 64 * 2**30", "JOINED_BYTES = 0")
    folder = part(finished, tmp_path / "results", 0.5, 0.7).parent
    run = snakemake(folder, "--configfile", only_line(tmp_path), repository=repository)
    assert run.jobs == ["corrections of line: blocks listed", "speciation of line: blocks listed"]
    assert re.search(r"line: speciation.catalogue.nc, corrections.catalogue.nc\n", run.output)
    assert "open_results" in run.output
    assert not (folder / "results/line/speciation.nc").exists()
    dataset = results.open_results(folder / "results", "line", "speciation")
    joined = results.open_results(finished.file(""), "line", "speciation")
    assert dataset.drop_attrs().identical(joined.drop_attrs())
    assert "Nothing to be done" in snakemake(folder, "--configfile", only_line(tmp_path), repository=repository).output
