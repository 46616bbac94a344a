"""Configurations of diffusers' schedulers: reference cases, published numbers, the layouts in use, refusals."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from scoreshock.quantities.schedule_time import schedule_time
from scoreshock.schedules import scheduler_config
from scoreshock.schedules.inputs import as_schedules
from scoreshock.schedules.schedule import schedule
from tests.reference import cases, check, identify

from .scheduler_configs import CONFIGS


def of_case(case):
    inputs = case["inputs"]
    config = {"_class_name": inputs["scheduler"], **inputs["config"]}
    return schedule("diffusers", config=config, num_inference_steps=inputs["num_inference_steps"], **inputs["call"])


@pytest.mark.parametrize("case", cases("schedules"), ids=identify)
def test_configurations_meet_the_reference_and_the_published_formulas(case):
    result, expected = of_case(case), case["expected"]
    flow = "FlowMatch" in case["inputs"]["scheduler"]
    got = {"timesteps": result.timesteps(), "sigmas": result.sample_noise() if flow else result.sample_sigmas()}
    if "alpha_bar" in expected:
        got["alpha_bar"] = result.alpha_bar(result.timesteps())
    if "table_steps" in expected:
        got["table_alpha_bar"] = result.alpha_bar(np.array(expected["table_steps"], float))
    exact = {**case, "expected": case["exact"], "rtol": case["exact_rtol"], "atol": {}}
    for field, values in got.items():
        for each in (case, exact):
            check(each, field, values[: len(each["expected"][field])])
    assert set(case["exact"]) <= set(got)


def test_cogview4_shifts_its_ten_levels_linearly():
    handed = [1, 0.889, 0.778, 0.667, 0.556, 0.445, 0.334, 0.223, 0.112, 0.001]
    published = [1, 0.9630, 0.9193, 0.8668, 0.8028, 0.7227, 0.6198, 0.4826, 0.2907, 0.0032]
    result = schedule("diffusers", config=CONFIGS["cogview4"][0], mu=3.25, sigmas=handed)
    np.testing.assert_allclose(result.sample_noise(), [*published, 0], atol=1e-4)
    np.testing.assert_allclose(result.sample_times(), 1000 * result.sample_noise(), rtol=1e-12)


def test_guidance_intervals_of_kynkaanniemi_et_al_hold_their_steps():
    dit = schedule("vp-cosine", steps=250)  # 75 of 250 in (0.34, 1.02]
    last, first = dit.sampling_step(np.array([0.34, 1.02]) ** 2 / 2)
    assert last - first == pytest.approx(74.99, abs=0.005)
    levels = schedule("edm", steps=32).sample_sigmas()  # EDM2-XXL: 6 of 32 in (0.19, 1.61]
    assert np.count_nonzero((levels > 0.19) & (levels <= 1.61)) == 6


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_in_use_are_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    config, call, first = CONFIGS[name]
    (tmp_path / "scheduler_config.json").write_text(json.dumps(config))
    result = schedule("diffusers", config="scheduler_config.json", **call)
    flow = "FlowMatch" in config["_class_name"] or config.get("use_flow_sigmas")
    levels = result.sample_noise() if flow else result.sample_sigmas()
    assert levels[0] == pytest.approx(first, rel=1e-3)
    assert levels[-1] in (0, levels[-2]) or not config.get("set_alpha_to_one", True)
    assert np.all(np.diff(levels) <= 0)
    assert len(result.timesteps()) >= 999
    assert re.fullmatch("[0-9a-f]{64}", result.parameters["digest"])
    inline = schedule("diffusers", config=config, **call)
    assert (
        inline.parameters["prediction_type"]
        == result.parameters["prediction_type"]
        == config.get("prediction_type", "flow_prediction" if "FlowMatch" in config["_class_name"] else "epsilon")
    )
    for same in (schedule(**result.parameters), schedule(**json.loads(json.dumps(inline.parameters))), inline):
        np.testing.assert_array_equal(same.sample_sigmas(), result.sample_sigmas())


def test_a_configuration_is_taken_wherever_a_schedule_is(tmp_path):
    config = CONFIGS["stable diffusion xl"][0]
    path = tmp_path / "scheduler_config.json"
    path.write_text(json.dumps(config))
    expected = schedule("diffusers", config=config).time(2.0)
    assert schedule("diffusers", config=config, mu=None, num_inference_steps=None) == schedule("diffusers", config=config)
    assert schedule(str(path)) == schedule(path) == schedule("diffusers", config=path)
    for given in (str(path), path, config, {"mine": str(path)}, [config], {"kind": "table", "file": str(path)}):
        assert next(iter(as_schedules(given).values())).time(2.0) == expected
        assert schedule_time(2.0, given).time.item() == expected


class EulerDiscreteScheduler(SimpleNamespace):
    """A live scheduler as far as it is looked at."""


def live(**more):
    config = {key: value for key, value in CONFIGS["stable diffusion xl"][0].items() if key != "_class_name"}
    return EulerDiscreteScheduler(config=config, **more)


def test_a_live_scheduler_is_its_configuration_with_its_steps():
    steps = np.arange(0, 1000, 33)[::-1][-30:] + 1.0
    result = next(iter(as_schedules(live(num_inference_steps=30, timesteps=steps)).values()))
    np.testing.assert_array_equal(result.timesteps(), steps)
    assert schedule(live(num_inference_steps=30, timesteps=steps)) == result
    assert schedule("diffusers", config=live(num_inference_steps=None)).parameters["num_inference_steps"] == 999
    with pytest.raises(ValueError, match=r"the scheduler's timesteps .* are not those of its configuration"):
        schedule("diffusers", config=live(num_inference_steps=30, timesteps=steps - 9))


def test_levels_of_a_table_follow_the_solvers_own_reading_of_linspace():
    euler = schedule("diffusers", config={"_class_name": "EulerDiscreteScheduler"}, num_inference_steps=20)
    ddim = schedule(
        "diffusers", config={"_class_name": "DDIMScheduler", "timestep_spacing": "linspace"}, num_inference_steps=20
    )
    dpm = schedule("diffusers", config={"_class_name": "DPMSolverMultistepScheduler"}, num_inference_steps=20)
    np.testing.assert_allclose(euler.timesteps(), np.linspace(999, 0, 20), atol=1e-10)
    np.testing.assert_array_equal(ddim.timesteps(), np.round(np.linspace(999, 0, 20)))
    np.testing.assert_array_equal(dpm.timesteps(), np.round(np.linspace(999, 0, 21))[:-1])
    # Euler's sigma is linear between entries, and sigma(t) at its times is what it visits.
    np.testing.assert_allclose(euler.sigma(euler.sample_times()), euler.sample_sigmas()[:-1], rtol=1e-12)


def test_solvers_of_second_order_visit_levels_twice():
    heun = schedule("diffusers", config={"_class_name": "HeunDiscreteScheduler"}, num_inference_steps=5)
    sigmas = heun.sample_sigmas()
    np.testing.assert_array_equal(sigmas[1:-2:2], sigmas[2:-1:2])
    np.testing.assert_allclose(heun.sampling_step(sigmas[:-1] ** 2 / 2), [0, 1, 1, 3, 3, 5, 5, 7, 7], atol=1e-9)


def test_zero_snr_ends_without_signal_or_where_sigma_based_solvers_put_it():
    rescaled = {**scheduler_config.SOLVERS["DDIMScheduler"].keys, "rescale_betas_zero_snr": True}
    whole = schedule("diffusers", config={"_class_name": "DDIMScheduler", **rescaled})
    assert whole.alpha_bar(999) == 0
    assert whole.alpha_bar(0) == pytest.approx(0.9999, rel=1e-12)
    stable = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "rescale_betas_zero_snr": True}
    euler = schedule("diffusers", config={"_class_name": "EulerDiscreteScheduler", **stable})
    assert euler.alpha_bar(999) == pytest.approx(2.0**-24, rel=1e-12)


@pytest.mark.parametrize(
    ("config", "call", "said"),
    [
        (
            {"_class_name": "ScoreSdeVeScheduler"},
            {},
            "_class_name = 'ScoreSdeVeScheduler' is not known; allowed, with Scheduler",
        ),
        ({"_class_name": "EulerDiscreteSchedule"}, {}, "is not known (did you mean 'EulerDiscreteScheduler'?)"),
        ({"beta_schedule": "linear"}, {}, "_class_name = None is not known (rates alone are kind table with them)"),
        (
            {"_class_name": "DDIMScheduler", "use_karras_sigmas": True},
            {},
            "DDIMScheduler does not read use_karras_sigmas = True",
        ),
        (
            {"_class_name": "DDIMScheduler", "beta_strt": 0.1},
            {},
            "beta_strt = 0.1 is not known (did you mean 'beta_start'?)",
        ),
        (
            {"_class_name": "DDIMScheduler", "beta_schedule": "sigmoid"},
            {},
            "beta_schedule = 'sigmoid' is not allowed; allowed: l",
        ),
        ({"_class_name": "DDIMScheduler", "beta_end": 20.0}, {}, "beta_end = 20 is not allowed; allowed: a rate per step"),
        (
            {"_class_name": "DDIMScheduler", "beta_start": "1e-4"},
            {},
            "beta_start = '1e-4' is not allowed (text, not a number: write",
        ),
        (
            {"_class_name": "DDIMScheduler", "num_train_timesteps": 1.5},
            {},
            "num_train_timesteps = 1.5 is not allowed; allowed: a w",
        ),
        (
            {"_class_name": "DDIMScheduler", "prediction_type": "x"},
            {},
            "prediction_type = 'x' is not allowed; allowed: epsilon",
        ),
        (
            {"_class_name": "DDIMScheduler", "trained_betas": [0.1, 0.2]},
            {},
            "trained_betas has 2 entries; allowed: num_train",
        ),
        ({"_class_name": "DDIMScheduler", "trained_betas": [2.0, 0.2]}, {}, "trained_betas = [2.0, 0.2] is not allowed"),
        (
            {"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": True, "use_beta_sigmas": True},
            {},
            "use_karras_sigmas and use_beta_sigmas are set; allowed: at most one",
        ),
        (
            {"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": True, "use_flow_sigmas": True},
            {},
            "use_karras_sigmas with use_flow_sigmas gives no levels of a flow",
        ),
        (
            {"_class_name": "DDIMScheduler", "steps_offset": 1},
            {"num_inference_steps": 1000},
            "steps_offset = 1 with these steps visits entry 1000; allowed: entries 0 to 999",
        ),
        (
            {"_class_name": "DDIMScheduler"},
            {"num_inference_steps": 1001},
            "num_inference_steps = 1001 is not allowed; allowed: at",
        ),
        ({"_class_name": "DDIMScheduler"}, {"mu": 1.0}, "mu = 1 is not used; allowed: with use_dynamic_shifting: true"),
        (
            {"_class_name": "DDIMScheduler"},
            {"sigmas": [1.0, 0.5]},
            "sigmas = [1.0, 0.5] is not used: DDIMScheduler takes none",
        ),
        (
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True},
            {},
            "use_dynamic_shifting needs mu, or image_seq_len",
        ),
        (
            {"_class_name": "FlowMatchEulerDiscreteScheduler"},
            {"sigmas": [14.6, 0.5, 0.0]},
            "allowed: falling numbers in (0, 1], without the final 0",
        ),
        (
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True, "time_shift_type": "linear"},
            {"mu": -1.0},
            "mu = -1 is not allowed; allowed: a number above 0",
        ),
        (
            {"_class_name": "DDIMScheduler"},
            {"timesteps": [9, 1]},
            "timesteps = [9, 1] is not used: DDIMScheduler takes none",
        ),
        ({"_class_name": "DDPMScheduler"}, {"timesteps": [1, 9]}, "allowed: falling whole numbers from 999 to 0"),
        (
            {"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": True},
            {"timesteps": [9, 1]},
            "timesteps = [9, 1] is not used",
        ),
        ({"_class_name": "PNDMScheduler"}, {"num_inference_steps": 3}, "allowed: at least 4, or skip_prk_steps: true"),
        ({"_class_name": "LCMScheduler"}, {"num_inference_steps": 60}, "at most original_inference_steps = 50"),
        (None, {}, "config is missing"),
        (3, {}, "config = 3 is not allowed; allowed: a path, a mapping with _class_name, or a scheduler"),
        ("none.json", {}, "file none.json does not exist"),
    ],
)
def test_what_would_be_ignored_or_is_not_known_is_refused(tmp_path, monkeypatch, config, call, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        schedule("diffusers", **({} if config is None else {"config": config}), **call)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300
