"""`snakemake networks`: the small version from training to tables, and what stops it before any work."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import scoreshock as ss
from scoreshock.cli.run import snakemake_words
from scoreshock.networks.damages import ALL
from scoreshock.networks.plans import PLANS
from scoreshock.networks.training import CHECKPOINTS
from scoreshock.networks.truths import DATA_SETS
from scoreshock.networks.workflow import EACH, VERSIONS, part_files, rule_of, table_files
from scoreshock.storage import store

from .conftest import snakemake

TORCH = find_spec("torch")
FIRST = Path(str(TORCH.origin)).parents[1] if TORCH else None
SMALL = ("networks", "--config", "networks=small")


def test_the_small_version_is_of_two_data_sets_and_a_quarter_of_the_steps() -> None:
    small, full = VERSIONS["small"], VERSIONS["full"]
    assert set(small.names) < set(full.names) == set(DATA_SETS)
    assert small.plan("pair") == (DATA_SETS["pair"].steps // 4, 3)
    assert full.plan("digits") == (DATA_SETS["digits"].steps, 3)
    assert small.folder != full.folder
    assert len(part_files("pair", 4)) == 4


def test_every_training_and_diagnosis_has_its_expected_seconds() -> None:
    assert len(ALL) == len(CHECKPOINTS) == EACH
    for version in VERSIONS.values():
        seconds = version.seconds()
        rules = [rule_of("train", name) for name in version.names]
        rules += [rule_of("diagnose", name, part) for name, parts in version.files.items() for part in range(parts)]
        rules += [rule_of("steps", name) for name in PLANS[version.steps].densities]
        assert sorted(seconds) == sorted(rules)
    assert 600 < sum(VERSIONS["full"].seconds().values()) < 2700  # twenty minutes on two cores
    assert sum(VERSIONS["small"].seconds().values()) < 240


@pytest.mark.slow
def test_all_networks_are_trained_diagnosed_and_compared(tmp_path: Path) -> None:
    run = snakemake(tmp_path, "networks", "--dry-run")
    trained = {f"train the networks of {name}" for name in DATA_SETS}
    assert trained <= set(run.jobs)
    assert sum(job.startswith("diagnose the networks of pair,") for job in run.jobs) == 4


@pytest.mark.slow
def test_another_version_is_refused_by_name(tmp_path: Path) -> None:
    run = snakemake(tmp_path, "networks", "--config", "networks=tiny", "--dry-run", fails=True)
    assert "networks = 'tiny' is not allowed; allowed: full, small" in run.output


@pytest.mark.slow
def test_without_torch_the_training_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first/torch.py").write_text("raise ImportError('none here')")
    run = snakemake(
        tmp_path, "results/networks-small/pair.nc", "--config", "networks=small", first=tmp_path / "first", fails=True
    )
    assert "training networks needs PyTorch: python -m pip install 'scoreshock[torch]'" in run.output


@pytest.mark.slow
@pytest.mark.skipif(TORCH is None, reason="PyTorch is not installed")
def test_the_small_version_from_training_to_tables(tmp_path: Path) -> None:
    run = snakemake(tmp_path, *SMALL, first=FIRST)
    folder = tmp_path / VERSIONS["small"].folder
    assert f"Networks, their diagnoses, tables and figures in {folder}" in run.output
    for name in VERSIONS["small"].names:
        truth = DATA_SETS[name].mixture()
        good = ss.network_score(folder / f"{name}.nc", damage="none", seed=0)
        x = np.array([[0.9, 0.1], [-0.2, 0.3], [0.0, -1.0]])
        np.testing.assert_allclose(good(x, 0.5), ss.score(truth, x, 0.5), atol=0.2)
        diagnosis = store.open_file(folder / f"{name}-diagnosis.nc").load()
        error = np.sqrt((diagnosis.score_error_relative**2).mean("sigma"))
        assert (error.sel(damage="none") < error.sel(damage=["undertrained", "layer", "rotation", "memorising"])).all()
        course = store.open_file(folder / f"{name}-training-diagnosis.nc").load()
        assert course.score_error_relative.mean(["sigma", "seed"]).argmin() == course.sizes["training_step"] - 1
    known = ss.families.networks(folder / "pair.nc")  # as docs/howto/network.md does
    assert ss.diagnose(ss.network_score(folder / "pair.nc", damage="layer", seed=0), known, [0.5, 1.0], samples=50).findings
    assert all((folder / file).stat().st_size for file in table_files(VERSIONS["small"].names))
    assert "winner" in store.open_file(folder / "steps.nc")
    assert snakemake(tmp_path, *SMALL, "--dry-run", first=FIRST).jobs == []


def test_the_command_runs_the_target() -> None:
    import argparse

    from scoreshock.cli import run

    parser = argparse.ArgumentParser()
    run.add_flags(parser)
    options = parser.parse_args(["--networks"])
    options.passed, options.allow_plugins = [], False
    assert snakemake_words(options)[-1] == "networks"
