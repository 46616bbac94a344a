"""What a session or a plugin declares takes part in studies, one of each; and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scoreshock as ss
from scoreshock import figures, plugins
from scoreshock.densities.families import FAMILIES
from scoreshock.running import tasks
from scoreshock.storage import provenance
from scoreshock.study.errors import StudyError
from scoreshock.study.schema import schema

from . import REGISTRIES, SOURCE, forgotten

SWEEP: dict[str, Any] = {
    "family": "shifted-pair",
    "axes": {"separation": [1.0, 2.0], "variance": 0.25, "schedule": ["straight"]},
    "parameters": {"shift": 3.0},
    "quantities": ["speciation", "spread"],
    "criteria": ["half-leading", "boundary"],
    "factor": 5.0,
}
STUDY = {"plugins": ["offgrid.py"], "sweeps": {"s": SWEEP}}
NAMES = ("shifted-pair", "straight", "spread", "half-leading", "distances")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the plugin, which is no longer known afterwards."""
    shutil.copy(SOURCE, tmp_path)
    monkeypatch.chdir(tmp_path)
    with forgotten():
        yield


def in_session() -> None:
    exec(compile(SOURCE.read_text(), "<session>", "exec"), {"__name__": "__main__"})


def test_a_session_declares_one_of_each() -> None:
    in_session()
    assert ss.families.shifted_pair(1.0, shift=3.0).component_mean.values.ravel().tolist() == [2.0, 4.0]
    assert float(ss.schedule("straight", rate=4.0).sigma(0.5)) == 2.0
    pair = ss.families.pair(separation=2.0, variance=0.25)
    assert ss.speciation(pair, criteria=["half-leading", "leading"]).tau_star.values.tolist() == [0.9375, 1.875]
    study = ss.load_study({"sweeps": {"s": SWEEP}})
    assert ss.evaluate(study.sweeps["s"], "spread").spread.values.ravel().tolist() == [10.0, 20.0]
    result = ss.evaluate(study.sweeps["s"], "speciation")
    assert result.tau_star.sel(criterion="half-leading").values.ravel().tolist() == [0.1875, 0.9375]
    np.testing.assert_allclose(result.time.sel(criterion="half-leading", schedule="straight")[0], np.sqrt(0.375) / 2)
    assert figures.FIGURES["distances"].of == "spread"


def test_plugins_are_in_no_default_set_and_not_in_the_schema() -> None:
    before, defaults = schema(), ss.speciation(ss.families.pair(1.0)).criterion.values.tolist()
    ss.load_study(STUDY, allow_plugins=True)
    assert set(NAMES) <= {name for registry in REGISTRIES for name in registry}
    assert schema() == before
    assert ss.speciation(ss.families.pair(1.0)).criterion.values.tolist() == defaults
    plain = {"family": "pair", "axes": {"separation": 1.0}, "quantities": ["speciation"]}
    assert "half-leading" not in ss.load_study({"sweeps": {"s": plain}}).sweeps["s"].options["criteria"]


def test_a_study_may_use_its_own_plugins_alone() -> None:
    ss.load_study(STUDY, allow_plugins=True)
    with pytest.raises(StudyError, match="'shifted-pair' is not allowed"):
        ss.load_study({"sweeps": {"s": SWEEP}})


def test_plugins_are_refused_in_one_sentence_unless_they_are_allowed() -> None:
    with pytest.raises(StudyError) as caught:
        ss.load_study(STUDY)
    (line,) = caught.value.problems
    assert line.startswith("plugins: ['offgrid.py'] would run code; allowed only with --allow-plugins")
    assert "shifted-pair" not in FAMILIES


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["nowhere.py"], "'nowhere.py' cannot be loaded: FileNotFoundError"),
        (["no_such_module"], "'no_such_module' cannot be loaded: ModuleNotFoundError"),
        (["numbers.py"], "'numbers' is not a free module name"),
        (["broken.py"], "'broken.py' cannot be loaded: ZeroDivisionError"),
        (["twice.py"], "family 'pair' is declared already, in scoreshock.densities.families.shapes"),
        (["scoreshock.cli"], "it is this package itself"),
        ([3], "3 is not a plugin"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named(given: list[Any], message: str) -> None:
    Path("numbers.py").write_text("")
    Path("broken.py").write_text("1 / 0\n")
    Path("twice.py").write_text("import scoreshock as ss\n@ss.family\ndef pair(separation): pass\n")
    with pytest.raises(StudyError, match=re.escape(message)):
        ss.load_study(STUDY | {"plugins": given}, allow_plugins=True)


def _digests(study: dict[str, Any]) -> dict[tuple[str, str], str]:
    sweeps = ss.load_study(study, allow_plugins=True).sweeps
    quantities = {(name, q): sweep.planned(q).digest for name, sweep in sweeps.items() for q in sweep.quantities}
    return quantities | {(name, "figures"): sweep.product_digest("figures") for name, sweep in sweeps.items()}


@pytest.mark.slow
def test_the_source_is_part_of_the_digest_of_what_it_computes_and_of_nothing_else() -> None:
    plain = {"family": "pair", "axes": {"separation": [1.0, 2.0]}, "quantities": ["speciation", "scores"]}
    study = STUDY | {"sweeps": {"s": SWEEP, "plain": plain, "chosen": plain | {"criteria": ["half-leading"]}}}
    before = _digests(study)
    Path("offgrid.py").write_text(SOURCE.read_text() + "\n# another text\n")
    after = _digests(study)
    assert {key for key in before if before[key] != after[key]} == {
        ("s", "speciation"),
        ("s", "spread"),
        ("s", "figures"),
        ("chosen", "speciation"),
        ("chosen", "figures"),
        ("plain", "figures"),  # which a plugin may add to
    }
    sweep = ss.load_study(study, allow_plugins=True).sweeps["s"]
    content = sweep.content("spread")
    assert content["plugins"] == {"offgrid.py": f"sha256 {plugins.digest('offgrid.py')}"}
    told = provenance.attributes(content, "spread", module=sweep.planned("spread").module)
    assert str(told["plugins"]).startswith("offgrid.py: sha256 ")


def test_jobs_load_the_plugins_and_refuse_changed_ones() -> None:
    handed = json.loads(json.dumps(tasks.content_of(ss.load_study(STUDY, allow_plugins=True))["plugins"]))
    plugins.restore(handed)
    Path("offgrid.py").write_text(SOURCE.read_text() + "\n# another text\n")
    with pytest.raises(ValueError, match=r"the plugin offgrid\.py has changed since the run began"):
        plugins.restore(handed)


@pytest.mark.slow
def test_opening_results_imports_no_plugin(tmp_path: Path) -> None:
    study = ss.load_study(STUDY | {"output": str(tmp_path / "results")}, allow_plugins=True)
    content = tasks.content_of(study)
    tasks.write_plan(content, "s", "")
    tasks.compute(content, "s", "spread", study.sweeps["s"].planned("spread").digest)
    Path("offgrid.py").unlink()
    code = "import sys, scoreshock as ss; ds = ss.open_results('results', 's', 'spread'); print(ds.spread.values.sum())"
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + "; assert 'offgrid' not in sys.modules"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout.strip(), ended.stderr) == ("30.0", "")
