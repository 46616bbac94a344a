"""Schedules as people have them: samplers' lists, spacings by formula, files, studies, indices of other programs."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules.inputs import as_schedules
from scoreshock.schedules.lists import fitting
from scoreshock.schedules.recognition import parameters_of
from scoreshock.schedules.schedule import schedule
from scoreshock.study.errors import StudyError
from scoreshock.study.study import load_study

from .scheduler_configs import CONFIGS

CASES = Path(__file__).parents[1] / "cases"
SD = {"beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000, "beta_schedule": "scaled_linear"}


def study_of(schedules, label="mine"):
    """A study of one point with these schedules."""
    sweep = {"family": "pair", "axes": {"separation": 2.0, "schedule": label}, "quantities": ["speciation"]}
    return load_study({"schedules": schedules, "sweeps": {"s": sweep}})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("k6a_beta_start", {"kind": "vp-linear", "beta_min": 0.1, "beta_max": 20.0}),
        ("k6b_alpha_bar", {"kind": "table", "file": "k6b_alpha_bar.csv"}),
        ("k7a_betas_list", {"kind": "table", "spacing": "table"}),
        ("k9a_scheduler_config", {"kind": "diffusers", "config": "k9a_scheduler_config.json", "num_inference_steps": 499}),
        ("k9b_flow_shift", {"kind": "flow-matching", "shift": 3.0}),
        ("k9f_repeated_level", {"kind": "table", "sigma_n": [9.0, 3.0, 3.0, 0.5, 0.0], "order": "noisy-first"}),
    ],
)
def test_studies_with_schedules_of_other_programs_are_read(monkeypatch, name, expected):
    monkeypatch.chdir(CASES)
    resolved = dict(load_study(CASES / f"{name}.yaml").sweeps["s"].schedules["mine"])
    assert {key: resolved[key] for key in expected} == expected
    assert schedule(**resolved).parameters == resolved


def test_a_list_of_a_thousand_rates_is_their_cumulative_product():
    betas = load_study(CASES / "k7a_betas_list.yaml").sweeps["s"].schedules["mine"]["betas"]
    table = schedule("table", betas=betas)
    np.testing.assert_allclose(table.alpha_bar(np.arange(len(betas))), np.cumprod(1 - np.array(betas)), rtol=1e-12)


def test_the_scheduler_of_a_study_is_a_file_or_its_contents(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = CONFIGS["stable diffusion xl"][0]
    Path("scheduler_config.json").write_text(json.dumps(config))
    Path("sigmas.txt").write_text("14.6, 3.0, 0.5, 0.0")
    by_file = study_of({"mine": "scheduler_config.json"}).sweeps["s"].schedules["mine"]
    assert by_file["kind"] == "diffusers"
    assert re.fullmatch("[0-9a-f]{64}", by_file["digest"])
    inline = study_of({"mine": config}).sweeps["s"].schedules["mine"]
    assert inline["config"]["_class_name"] == "EulerDiscreteScheduler"
    assert study_of({"mine": "sigmas.txt"}).sweeps["s"].schedules["mine"]["kind"] == "table"
    with pytest.raises(StudyError, match=r"schedules.mine.*file none.json does not exist"):
        study_of({"mine": "none.json"})
    with pytest.raises(StudyError, match=r"schedules.mine"):
        study_of({"mine": "none.xls"})


def test_files_are_taken_wherever_a_schedule_is(tmp_path):
    (tmp_path / "sigmas.txt").write_text("14.6, 3.0, 0.5, 0.0")
    inline = schedule("table", sigma_n=[14.6, 3.0, 0.5, 0.0]).time(1.0)
    for given in (str(tmp_path / "sigmas.txt"), tmp_path / "sigmas.txt", [os.fspath(tmp_path / "sigmas.txt")]):
        assert schedule_time(1.0, given).time.item() == inline
    assert list(as_schedules({"a": str(tmp_path / "sigmas.txt"), "b": "edm"})) == ["a", "b"]
    assert parameters_of("edm") is None
    assert parameters_of({"kind": "edm"}) is None


def test_levels_handed_in_are_what_the_sampler_visits():
    text = schedule("table", **SD, spacing="levels", levels="14.614, 6.0, 6.0, 1.5, 0.03, 0.0")
    np.testing.assert_array_equal(text.sample_sigmas(), [14.614, 6.0, 6.0, 1.5, 0.03, 0.0])
    np.testing.assert_allclose(text.sigma(text.sample_times()), [14.614, 6.0, 6.0, 1.5, 0.03], rtol=1e-9)
    assert len(text.timesteps()) == 5
    np.testing.assert_allclose(text.sampling_step(np.array([14.614, 6.0, 1.5, 0.03]) ** 2 / 2), [0, 1, 3, 4], atol=1e-9)
    edm = schedule("edm", spacing="levels", levels=[10.0, 1.0, 0.0])
    np.testing.assert_array_equal(edm.sample_times(), [10, 1, 0])
    assert schedule(**edm.parameters) == edm


def test_published_lists_are_interpolated_as_comfyui_does_and_end_at_zero():
    own = schedule("table", **SD, spacing="levels", levels="align-your-steps-sdxl").sample_sigmas()
    assert len(own) == 11
    np.testing.assert_allclose(own[:3], [14.6146412293, 6.3184485287, 3.7681790315], rtol=1e-12)
    assert own[-1] == 0
    twenty = schedule("table", **SD, spacing="levels", levels="align-your-steps-sdxl", steps=20).sample_sigmas()
    np.testing.assert_allclose(twenty[:-1:2], own[:-1], rtol=1e-12)
    gits = [14.61464119, 7.49001646, 1.84880662, 0.02916753]  # of three steps
    six = schedule("table", **SD, spacing="levels", levels=gits, steps=6).sample_sigmas()
    np.testing.assert_allclose(six[:-1:2], gits[:-1], rtol=1e-12)
    np.testing.assert_allclose(six[1], np.sqrt(gits[0] * gits[1]), rtol=1e-12)
    assert six[-1] == 0


def test_timesteps_handed_in_are_the_entries_visited():
    steps = [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]  # of Align Your Steps for Stable Diffusion 1.5
    table = schedule("table", **SD, timesteps=steps)
    np.testing.assert_array_equal(table.sample_times(), steps)
    np.testing.assert_allclose(
        table.sample_sigmas(),
        schedule("table", **SD, spacing="levels", levels="align-your-steps-sd1").sample_sigmas(),
        rtol=3e-3,
    )
    assert schedule(**table.parameters) == table
    for wrong in ([999, 999], [1000, 5], [5, -1], [5.5, 1], []):
        with pytest.raises(ValueError, match=r"timesteps = .* is not allowed; allowed: falling whole numbers from 999 to 0"):
            schedule("table", **SD, timesteps=wrong)
    with pytest.raises(ValueError, match="allowed: 2, as timesteps say"):
        schedule("table", **SD, timesteps=[999, 0], num_inference_steps=3)


def test_formulas_of_k_diffusion_space_any_schedule():
    vp = {"kind": "vp-linear", "steps": 12}
    karras = schedule(**vp, spacing="karras", sigma_min=0.03, sigma_max=14.6).sample_sigmas()
    ramp = np.linspace(0, 1, 12)
    np.testing.assert_allclose(karras[:-1], (14.6 ** (1 / 7) + ramp * (0.03 ** (1 / 7) - 14.6 ** (1 / 7))) ** 7, rtol=1e-12)
    equal = schedule(**vp, spacing="exponential", sigma_min=0.03, sigma_max=14.6).sample_sigmas()
    np.testing.assert_allclose(equal[:-1], np.exp(np.linspace(np.log(14.6), np.log(0.03), 12)), rtol=1e-12)
    powers = schedule(**vp, spacing="polyexponential", rho=2.0, sigma_min=0.03, sigma_max=14.6).sample_sigmas()
    np.testing.assert_allclose(powers[:-1], np.exp((1 - ramp) ** 2 * np.log(14.6 / 0.03) + np.log(0.03)), rtol=1e-12)
    own = schedule(**vp, spacing="vp")
    np.testing.assert_allclose(
        own.sample_times()[:-1], np.linspace(1, 1e-3, 12), rtol=1e-9
    )  # get_sigmas_vp is its own clock
    assert own.sample_sigmas()[-1] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "levels are missing; allowed: a list of falling noise levels"),
        ({"levels": [80.0, 1.0, 0.0]}, "levels has 80; allowed: the schedule's own sigma_n, 0.0291"),
        ({"levels": [1.0, 2.0]}, "allowed: falling numbers >= 0"),
        ({"levels": [2.0, -1.0]}, "allowed: falling numbers >= 0"),
        ({"levels": [2.0]}, "allowed: a list of 2 or more numbers"),
        ({"levels": "align-your-steps-sd3"}, "levels = 'align-your-steps-sd3' is not allowed; allowed: numbers with commas"),
        ({"levels": [9.0, 1.0, 0.0], "steps": 4}, "levels end at 0 and cannot be interpolated"),
    ],
)
def test_levels_that_the_schedule_does_not_have_are_refused(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        schedule("table", **SD, spacing="levels", **given)


def test_indices_of_other_programs_give_times_and_come_back():
    table = schedule("table", **SD, num_inference_steps=10)
    np.testing.assert_array_equal(table.time_at([0, 999], "table"), [0, 999])
    np.testing.assert_array_equal(table.time_at([1, 1000], "table", base=1), [0, 999])
    np.testing.assert_array_equal(table.time_at([0, 9, 1.5]), [999, 0, 832.5])
    np.testing.assert_array_equal(table.time_at([1, 10], "sampler", base=1), [999, 0])
    np.testing.assert_array_equal(table.time_at([-1, 10], "sampler"), [np.nan, np.nan])
    # ComfyUI's percent_to_sigma of a discrete model reads the table at (1 - percent) 999.
    percent = np.array([0.0, 0.25, 1.0])
    np.testing.assert_allclose(table.time_at(percent, "percent"), (1 - percent) * 999)
    np.testing.assert_allclose(table.percent(table.tau(table.time_at(percent, "percent"))), percent, atol=1e-12)
    # That of a flow has the noise shift t/(1 + (shift - 1) t) at t = 1 - percent.
    flow = schedule("flow-matching", shift=3.0)
    np.testing.assert_allclose(flow.noise(flow.time_at(0.25, "percent")), 3 * 0.75 / (1 + 2 * 0.75), rtol=1e-12)
    steps = np.array([0.0, 2.5, 9.0])
    np.testing.assert_allclose(table.sampling_step(table.tau(table.time_at(steps))), steps, atol=1e-9)
    assert schedule("diffusers", config=CONFIGS["stable diffusion xl"][0]).percent(table.tau(999.0)) == 0
    for one, of, base, said in (
        (table, "step", 0, "index of 'step' is not allowed of table; allowed: sampler, table, percent"),
        (table, "table", 2, "base = 2 is not allowed; allowed: 0 or 1"),
        (table, "percent", 1, "base = 1 is not allowed; allowed: 0"),
        (flow, "table", 0, "index of 'table' is not allowed of flow-matching; allowed: sampler, percent"),
        (schedule("edm"), "percent", 0, "index of 'percent' is not allowed of edm; allowed: sampler"),
        (schedule("diffusers", config=CONFIGS["stable diffusion 3"][0]), "percent", 0, "of diffusers; allowed: sampler"),
    ):
        with pytest.raises(ValueError, match=said):
            one.time_at(0.5, of, base)
    with pytest.raises(ValueError, match="index of 'percent' is not allowed of edm"):
        schedule("edm").percent(1.0)


def test_steps_count_as_the_sampler_runs_everywhere():
    for kind in ("vp-linear", "edm", "flow-matching"):
        each = schedule(kind, steps=20)
        times = each.sample_times()
        inside = times[(times > each.start) & (times < each.end)]
        positions = each.sampling_step(each.tau(inside))
        np.testing.assert_allclose(each.time_at(positions), inside, rtol=1e-9)
        assert np.all(np.diff(positions) > 0)
        assert len(each.timesteps()) == 20
        assert np.all(np.diff(each.sample_sigmas()) < 0)


def test_lists_fit_the_conventions_that_their_values_allow():
    assert fitting(np.array([14.6, 1.0, 0.0])) == ["sigma_n"]
    assert fitting(np.array([5.0, -5.0])) == ["log_snr"]
    assert fitting(np.array([0.9, 0.5, 0.1])) == ["sigma_n", "flow", "vp", "alphas_cumprod", "betas"]
    assert fitting(np.array([0.1, 0.3, 0.2])) == ["betas"]
    assert fitting(np.array([3.0, 1.0, 2.0])) == []
