"""Parameters of the kinds of schedules."""

import json
import pickle

import numpy as np
import pytest

from scoreshock.schedules.schedule import KINDS, schedule

from .test_schedule import NEEDED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spacing", [None, "uniform", "karras"])
def test_resolved_parameters_are_json_and_make_the_same_schedule(kind, spacing):
    result = schedule(kind, **NEEDED.get(kind, {}), **({"spacing": spacing} if spacing else {}))
    again = schedule(**json.loads(json.dumps(result.parameters)))
    assert again == result
    assert again.parameters == result.parameters
    assert hash(again) == hash(result)
    assert pickle.loads(pickle.dumps(result)).time(0.5) == result.time(0.5)
    result.parameters.clear()
    assert result.parameters["kind"] == kind


@pytest.mark.parametrize("size", [1e-50, 1e59])
def test_parameters_of_any_allowed_size_give_finite_noise(size):
    wide = schedule("ve-geometric", sigma_min=1e-59, sigma_max=size * 10)
    for each in (wide, schedule("ve", t_end=size), schedule("edm", sigma_max=size, spacing="uniform")):
        assert 0 < each.tau(each.end) < np.inf
        assert each.time(each.tau(each.end / 2)) == pytest.approx(each.end / 2, rel=1e-12)


def test_stated_defaults():
    def shown(kind):
        return {name: value for name, value in schedule(kind).parameters.items() if name not in ("kind", "spacing")}

    assert shown("ve") == {"t_end": 3200.0, "steps": 1000}
    assert shown("ve-geometric") == {"sigma_min": 0.01, "sigma_max": 50.0, "variant": "sde", "steps": 1000}
    assert shown("edm") == {"sigma_max": 80.0, "steps": 18, "rho": 7.0, "sigma_min": 0.002}
    assert shown("vp-constant") == {"beta": 1.0, "t_end": 10.0, "steps": 1000}
    assert shown("vp-linear") == shown("sub-vp") == {"beta_min": 0.1, "beta_max": 20.0, "steps": 1000}
    assert shown("vp-cosine") == {"s": 0.008, "steps": 1000}
    assert shown("flow-matching") == {"shift": 1.0, "steps": 1000}


def test_every_parameter_has_a_description():
    for kind in KINDS.values():
        assert kind.definition
        assert all(rule.meaning and rule.allowed for rule in kind.parameters.values())
