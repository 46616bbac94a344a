"""Schedules of a command line: parameters after a colon, files, numbers of steps, and what is refused."""

from __future__ import annotations

import json

import pytest

import scoreshock as ss
from scoreshock.reports.schedules import schedules_of

FLUX = {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True, "num_train_timesteps": 1000}


def test_parameters_are_those_of_the_schedule():
    made = schedules_of(["edm:sigma_max=40,rho=5", "vp-linear:beta_min=1e-1", "flow-matching:shift=3"])
    assert made["edm:sigma_max=40,rho=5"] == ss.schedule("edm", sigma_max=40, rho=5)
    assert made["vp-linear:beta_min=1e-1"] == ss.schedule("vp-linear", beta_min=0.1)
    assert made["flow-matching:shift=3"] == ss.schedule("flow-matching", shift=3)


def test_lists_are_parameters_too():
    (made,) = schedules_of(["edm:spacing=levels,levels=[8, 2.0, 0.5, 0]"]).values()
    assert made.sample_sigmas().tolist() == [8.0, 2.0, 0.5, 0.0]


def test_a_configuration_gets_what_it_lacks_and_a_number_of_steps(tmp_path):
    file = tmp_path / "scheduler_config.json"
    file.write_text(json.dumps(FLUX))
    ((label, made),) = schedules_of([f"{file}:image_seq_len=4096"], 10).items()
    assert label == "scheduler_config:image_seq_len=4096"
    assert made == ss.schedule("diffusers", config=str(file), image_seq_len=4096, num_inference_steps=10)
    with pytest.raises(ValueError, match="needs mu, or image_seq_len"):
        schedules_of([str(file)])


def test_a_file_with_a_colon_in_its_name_is_a_file(tmp_path):
    file = tmp_path / "a:sigma=1.json"
    file.write_text(json.dumps(FLUX | {"use_dynamic_shifting": False}))
    assert [each.kind for each in schedules_of([str(file)]).values()] == ["diffusers"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("edm:foo=3", "schedule edm: foo = 3 is no parameter of it; allowed: rho, sigma_max, sigma_min, spacing, steps"),
        ("edm:rho=x", "schedule edm: rho = 'x' is not allowed"),
        ("edm:rho=[1", "--schedule parameters 'rho=\\[1' cannot be read; allowed: NAME or FILE"),
        ("edm:rho", "schedule kind = 'edm:rho' is not known"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, said):
    with pytest.raises(ValueError, match=said) as error:
        schedules_of([text])
    assert len(str(error.value)) < 300


def test_the_same_schedule_twice_is_refused():
    with pytest.raises(ValueError, match="--schedule 'edm' is there more than once; allowed: each once"):
        schedules_of(["edm", "edm"])
