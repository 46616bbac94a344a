"""Every wrong study is refused before anything runs, with the key path, the value, and what is allowed."""

import copy
import math
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from scoreshock.cli import main
from scoreshock.study import models
from scoreshock.study.errors import LONGEST, StudyError
from scoreshock.study.study import Study, check_output
from scoreshock.study.vocabulary import vocabulary

QUANTITIES = vocabulary().quantity_names

CASES = Path(__file__).parents[1] / "cases"

GOOD = {
    "output": "results",
    "schedules": {"ddpm": {"kind": "vp-linear", "beta_min": 0.1, "beta_max": 20.0}},
    "sweeps": {
        "pair": {
            "family": "pair",
            "axes": {
                "separation": {"start": 0.5, "stop": 8.0, "num": 76},
                "variance": [0.25, 1.0],
                "weight": [0.5, 0.6],
                "dimension": [1, 64],
                "schedule": ["ve", "ddpm"],
            },
            "split": ["dimension"],
            "quantities": ["scores", "speciation"],
        }
    },
}


def changed(path, value):
    """The good study with the value at ``path`` replaced (or added)."""
    study = copy.deepcopy(GOOD)
    keys = path.split("/")
    here = study
    for key in keys[:-1]:
        here = here[int(key) if isinstance(here, list) else key]
    here[int(keys[-1]) if isinstance(here, list) else keys[-1]] = value
    return study


def lines_of(study):
    with pytest.raises(StudyError) as caught:
        Study.from_mapping(study)
    return str(caught.value).splitlines()


AXES = "sweeps/pair/axes"

BAD = {
    "unknown top key": ("sweps", {}, "sweps: unknown key", "did you mean 'sweeps'?"),
    "unknown sweep key": ("sweeps/pair/quantites", [], "sweeps.pair.quantites: unknown key", "did you mean 'quantities'?"),
    "unknown axis": (f"{AXES}/varience", [1.0], "sweeps.pair.axes.varience: unknown key", "did you mean 'variance'?"),
    "unknown range key": (
        f"{AXES}/separation",
        {"start": 0.5, "stop": 8.0, "number": 3},
        "sweeps.pair.axes.separation.number: unknown key",
        "allowed: start, stop, num, scale",
    ),
    "range without num": (
        f"{AXES}/separation",
        {"start": 0.5, "stop": 8.0},
        "sweeps.pair.axes.separation.num: missing",
        "needed",
    ),
    "empty mapping": (f"{AXES}/separation", {}, "sweeps.pair.axes.separation.values: missing", "needed"),
    "negative variance": (f"{AXES}/variance/1", -0.5, "sweeps.pair.axes.variance[1]: -0.5 is not", "a finite number >= 0"),
    "negative in values": (
        f"{AXES}/variance",
        {"values": [1.0, -2]},
        "sweeps.pair.axes.variance.values[1]: -2 is not",
        "a finite number >= 0",
    ),
    "range of one": (
        f"{AXES}/variance",
        {"start": 0, "stop": 1, "num": 1},
        "sweeps.pair.axes.variance.num: 1 is not",
        "a whole number >= 2",
    ),
    "negative single number": (f"{AXES}/variance", -0.5, "sweeps.pair.axes.variance: -0.5 is not", ">= 0"),
    "weight 0": (f"{AXES}/weight/0", 0, "sweeps.pair.axes.weight[0]: 0 is not", "strictly between 0 and 1"),
    "weight 1": (f"{AXES}/weight/0", 1.0, "sweeps.pair.axes.weight[0]: 1.0 is not", "strictly between 0 and 1"),
    "weight 1.2": (f"{AXES}/weight/1", 1.2, "sweeps.pair.axes.weight[1]: 1.2 is not", "strictly between 0 and 1"),
    "weight range to 1": (
        f"{AXES}/weight",
        {"start": 0.1, "stop": 1.0, "num": 4},
        "sweeps.pair.axes.weight.stop: 1.0 is not",
        "strictly between 0 and 1",
    ),
    "1e-3 is text": (f"{AXES}/variance/0", "1e-3", "sweeps.pair.axes.variance[0]: '1e-3' is not", "write 0.001"),
    "1e6 is text": (f"{AXES}/variance/0", "1e6", "sweeps.pair.axes.variance[0]: '1e6' is not", "write 1000000.0"),
    "1.5e3 is text": (f"{AXES}/variance/0", "1.5e3", "sweeps.pair.axes.variance[0]", "write 1500.0"),
    "quoted number": (
        f"{AXES}/variance/0",
        "0.5",
        "sweeps.pair.axes.variance[0]: '0.5' is not",
        "text, not a number: write 0.5",
    ),
    "word as number": (f"{AXES}/variance", "small", "sweeps.pair.axes.variance: 'small' is not", "not a number"),
    "bool as number": (f"{AXES}/variance/0", True, "sweeps.pair.axes.variance[0]: true is not", "a finite number"),
    "null as number": (f"{AXES}/variance", None, "sweeps.pair.axes.variance: null is not", "a finite number"),
    "list in list": (f"{AXES}/variance/0", [1.0], "sweeps.pair.axes.variance[0]: [1.0] is not", "a finite number"),
    "NaN": (f"{AXES}/variance/0", math.nan, "sweeps.pair.axes.variance[0]: nan is not", "finite number"),
    "infinity": (f"{AXES}/separation/stop", math.inf, "sweeps.pair.axes.separation.stop: inf is not", "finite number"),
    "endless whole number": (f"{AXES}/variance/0", 10**400, "sweeps.pair.axes.variance[0]", "allowed: a finite number"),
    "empty axis": (f"{AXES}/variance", [], "sweeps.pair.axes.variance: is empty", "at least one"),
    "empty values": (f"{AXES}/variance", {"values": []}, "sweeps.pair.axes.variance.values: is empty", "at least one"),
    "values twice": (f"{AXES}/variance", [0.25, 1, 1.0], "sweeps.pair.axes.variance: 1.0 appears twice", "once"),
    "schedule twice": (f"{AXES}/schedule", ["ve", "ve"], "sweeps.pair.axes.schedule: 've' appears twice", "once"),
    "half dimension": (f"{AXES}/dimension/0", 1.5, "sweeps.pair.axes.dimension[0]: 1.5 is not", "a whole number >= 1"),
    "dimension 0": (f"{AXES}/dimension/0", 0, "sweeps.pair.axes.dimension[0]: 0 is not", "a whole number >= 1"),
    "dimension beyond floats": (f"{AXES}/dimension/0", 10**30, "sweeps.pair.axes.dimension[0]", "below 2^53"),
    "dimension between": (
        f"{AXES}/dimension",
        {"start": 1, "stop": 10, "num": 5},
        "sweeps.pair.axes.dimension: holds 3.25",
        "a whole number >= 1",
    ),
    "dimension rounds twice": (
        f"{AXES}/dimension",
        {"start": 1, "stop": 4, "num": 9, "scale": "log"},
        "sweeps.pair.axes.dimension: 9 values rounded to whole numbers repeat",
        "smaller num",
    ),
    "start is stop": (
        f"{AXES}/separation",
        {"start": 1, "stop": 1.0, "num": 3},
        "sweeps.pair.axes.separation: start and stop are both 1",
        "write the number alone",
    ),
    "num 0": (f"{AXES}/separation/num", 0, "sweeps.pair.axes.separation.num: 0 is not", ">= 2"),
    "num 2.5": (f"{AXES}/separation/num", 2.5, "sweeps.pair.axes.separation.num: 2.5 is not", "whole number"),
    "num true": (f"{AXES}/separation/num", True, "sweeps.pair.axes.separation.num: true is not", "whole number"),
    "log from 0": (
        f"{AXES}/separation",
        {"start": 0, "stop": 8, "num": 4, "scale": "log"},
        "sweeps.pair.axes.separation: start 0, stop 8",
        "both above 0",
    ),
    "unknown scale": (f"{AXES}/separation/scale", "cubic", "sweeps.pair.axes.separation.scale: 'cubic'", "linear, log"),
    "values too close": (
        f"{AXES}/separation",
        {"start": 1.0, "stop": 1.0 + 1e-15, "num": 100},
        "sweeps.pair.axes.separation: 100 values",
        "too close",
    ),
    "axis of another family": (
        f"{AXES}/ratio",
        [0.5],
        "sweeps.pair.axes.ratio: not an axis of the family pair",
        "separation, variance, weight, dimension, schedule",
    ),
    "axes missing": ("sweeps/pair/axes", {"dimension": 2}, "sweeps.pair.axes.separation: missing", "needs this axis"),
    "axes are a list": ("sweeps/pair/axes", [1, 2], "sweeps.pair.axes: [1, 2] is not", "a mapping"),
    "unknown family": ("sweeps/pair/family", "pairs", "sweeps.pair.family: 'pairs' is not", "did you mean 'pair'?"),
    "family is a number": ("sweeps/pair/family", 3, "sweeps.pair.family: 3 is not", "pair, collinear"),
    "unknown schedule": (f"{AXES}/schedule/1", "dppm", "sweeps.pair.axes.schedule[1]: 'dppm'", "did you mean 'ddpm'?"),
    "schedule is a number": (f"{AXES}/schedule/1", 5, "sweeps.pair.axes.schedule[1]: 5 is", "write it in quotes"),
    "unknown kind": ("schedules/ddpm/kind", "vp-liner", "schedules.ddpm.kind: 'vp-liner'", "did you mean 'vp-linear'?"),
    "unknown kind alone": ("schedules/new", "vee", "schedules.new: 'vee' is not", "did you mean 've'?"),
    "kind missing": ("schedules/new", {"beta": 1.0}, "schedules.new.kind: missing", "needed"),
    "unknown schedule key": ("schedules/ddpm/beta_mx", 1.0, "schedules.ddpm", "beta_max"),
    "negative beta": ("schedules/ddpm/beta_min", -1.0, "schedules.ddpm", "-1.0"),
    "beta is text": ("schedules/ddpm/beta_min", "1e-1", "schedules.ddpm.beta_min: '1e-1' is not", "write 0.1"),
    "label is a path": ("schedules/..", "ve", "'..' is not a name", "letters"),
    "table not monotone": (
        "schedules/mine",
        {"kind": "table", "alphas_cumprod": [0.9, 0.95, 0.1]},
        "schedules.mine: ",
        "monotone",
    ),
    "table file missing": ("schedules/mine", {"kind": "table", "file": "none.csv"}, "schedules.mine: ", "none.csv"),
    "unknown quantity": ("sweeps/pair/quantities/0", "score", "sweeps.pair.quantities[0]: 'score'", "mean 'scores'?"),
    "no quantity": ("sweeps/pair/quantities", [], "sweeps.pair.quantities: is empty", "at least one"),
    "quantity twice": ("sweeps/pair/quantities", ["scores", "scores"], "sweeps.pair.quantities: 'scores'", "once"),
    "quantities are text": ("sweeps/pair/quantities", "scores", "sweeps.pair.quantities: 'scores' is not", "a list"),
    "unknown criterion": ("sweeps/pair/criteria", ["exakt"], "sweeps.pair.criteria[0]: 'exakt'", "mean 'exact'?"),
    "negative order": ("sweeps/pair/order", -1, "sweeps.pair.order: -1 is not", "a whole number from 0 to 40"),
    "high order": ("sweeps/pair/order", 99, "sweeps.pair.order: 99 is not", "a whole number from 0 to 40"),
    "negative tau_min": ("sweeps/pair/tau_min", -1.0, "sweeps.pair.tau_min: -1.0 is not", ">= 0"),
    "negative tau": ("sweeps/pair/tau", [0.1, -1], "sweeps.pair.tau: -1", "numbers >= 0"),
    "negative tau_max": ("sweeps/pair/tau_max", -1.0, "sweeps.pair.tau_max: -1.0 is not", ">= 0"),
    "tau_max as text": ("sweeps/pair/tau_max", "1e1", "sweeps.pair.tau_max: '1e1' is not", "write 10.0"),
    "no bias": ("sweeps/pair/bias", 0.0, "sweeps.pair.bias: 0.0 is not", "a number other than 0"),
    "bias as text": ("sweeps/pair/bias", "small", "sweeps.pair.bias: 'small' is not", "not a number"),
    "unknown place": (
        "sweeps/pair/error_support",
        "layers",
        "sweeps.pair.error_support: 'layers' is not",
        "did you mean 'layer'?",
    ),
    "unknown form": ("sweeps/pair/forms", ["burger"], "sweeps.pair.forms[0]: 'burger' is not", "did you mean 'burgers'?"),
    "form twice": ("sweeps/pair/forms", ["vp", "vp"], "sweeps.pair.forms: 'vp' appears twice", "once"),
    "terms are a number": ("sweeps/pair/terms", 1, "sweeps.pair.terms: 1 is not", "true or false"),
    "unit of starts": (
        "sweeps/pair/starts",
        {"values": [1], "units": "layer"},
        "sweeps.pair.starts.units: unknown key",
        "(did you mean 'unit'?)",
    ),
    "unit of distance": (
        "sweeps/pair/distance",
        {"values": [1], "unit": "layer"},
        "sweeps.pair.distance.unit: unknown key",
        "unknown key; allowed: values",
    ),
    "distances too close": (
        "sweeps/pair/distance",
        {"start": 1.0, "stop": 1.0 + 1e-15, "num": 100},
        "sweeps.pair.distance: 100 values",
        "too close",
    ),
    "unit of tau": ("sweeps/pair/tau", {"values": [1.0], "unit": "layer"}, "sweeps.pair.tau.unit: 'layer'", "speciation"),
    "unit of x": (
        "sweeps/pair/x",
        {"start": -1, "stop": 1, "num": 3, "unit": "speciation"},
        "sweeps.pair.x.unit: 'speciation'",
        "absolute, separation, layer",
    ),
    "unknown key of x": (
        "sweeps/pair/x",
        {"values": [1], "units": "layer"},
        "sweeps.pair.x.units: unknown key",
        "(did you mean 'unit'?)",
    ),
    "split of no axis": ("sweeps/pair/split", ["ratio"], "sweeps.pair.split[0]: 'ratio' is not", "separation, var"),
    "split misspelt": ("sweeps/pair/split", ["dimensions"], "sweeps.pair.split[0]", "did you mean 'dimension'?"),
    "split twice": ("sweeps/pair/split", ["weight", "weight"], "sweeps.pair.split: 'weight' appears twice", "once"),
    "unknown parameter": (
        "sweeps/pair/parameters",
        {"scalling": "fixed"},
        "sweeps.pair.parameters.scalling: not a parameter of the family pair",
        "did you mean 'scaling'?",
    ),
    "axis among parameters": (
        "sweeps/pair/parameters",
        {"variance": 1.0},
        "sweeps.pair.parameters.variance: variance is an axis",
        "under axes",
    ),
    "unknown scaling": (
        "sweeps/pair/parameters",
        {"scaling": "percoordinate"},
        "sweeps.pair.parameters.scaling: ",
        "per-coordinate",
    ),
    "sweep named ../x": ("sweeps/..", GOOD["sweeps"]["pair"], "'..' is not a name", "a letter or digit"),
    "no sweeps": ("sweeps", {}, "sweeps: is empty", "at least one"),
    "sweeps are a list": ("sweeps", [1], "sweeps: [1] is not", "a mapping"),
    "sweep is empty": ("sweeps/pair", None, "sweeps.pair: null is not", "a mapping"),
    "output is a number": ("output", 3, "output: 3 is not text", "in quotes"),
    "output is empty": ("output", "", "output: is empty", "text"),
    "output is a wildcard": ("output", "res{x}", "output: 'res{x}' is not", "braces"),
    "grid of 1e12 points": (
        f"{AXES}/separation/num",
        250_000_000_000,
        "sweeps.pair.axes: scores has",
        "points in each block; at most 1e+09",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("path", "value", "where", "what"), BAD.values(), ids=BAD.keys())
def test_one_line_names_the_key_its_value_and_the_allowed_ones(path, value, where, what):
    lines = lines_of(changed(path, value))
    assert len(lines) == 1
    assert where in lines[0]
    assert what in lines[0]
    assert "pydantic" not in lines[0]


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a b", "-x", ".x", "a..b", "x" * 65, "é", "a\nb", "{x}"])
def test_a_sweep_named_like_a_path_is_refused(name):
    lines = lines_of({"sweeps": {name: GOOD["sweeps"]["pair"]}, "schedules": GOOD["schedules"]})
    assert len(lines) == 1
    assert "is not a name; allowed: a letter or digit" in lines[0]


@pytest.mark.parametrize("name", [1, True, 0.5])
def test_a_name_that_yaml_reads_as_no_text_is_refused(name):
    (line,) = lines_of({"sweeps": {name: GOOD["sweeps"]["pair"]}, "schedules": GOOD["schedules"]})
    assert "is not text; write it in quotes" in line


@pytest.mark.parametrize("mapping", [None, [], "sweeps", 3])
def test_a_study_must_be_a_mapping(mapping):
    assert lines_of(mapping) == [lines_of(mapping)[0]]
    assert "is not a mapping; allowed keys: output, schedules, sweeps" in lines_of(mapping)[0]


def test_a_study_without_sweeps_is_refused():
    assert lines_of({"output": "results"}) == ["sweeps: missing; this key is needed"]


def test_all_problems_are_reported_at_once():
    study = changed(f"{AXES}/variance", [-1.0, "1e-3"])
    study["sweeps"]["pair"]["famly"] = "pair"
    study["sweeps"]["other"] = {
        "family": "pair",
        "axes": {"separation": [1.0], "weight": [2.0, 0.5, -3]},
        "quantities": ["scores"],
    }
    study["schedules"]["bad"] = {"kind": "ve", "t_end": -1.0}
    lines = lines_of(study)
    assert {line.split(": ")[0] for line in lines} == {
        "sweeps.pair.famly",
        "sweeps.other.axes.weight[0]",
        "sweeps.other.axes.weight[2]",
        "sweeps.pair.axes.variance[1]",
        "schedules.bad",
    }
    assert len(lines) == 5


def test_wrong_parameters_are_reported_beside_wrong_names():
    sweep = {"family": "data", "parameters": {"labl": "species"}, "axes": {}, "quantities": ["speciatoin"]}
    lines = lines_of({"sweeps": {"flowers": sweep}})
    assert [line.split(": ")[0] for line in lines] == ["sweeps.flowers.quantities[0]", "sweeps.flowers.parameters.labl"]
    assert "not a parameter of the family data (did you mean 'label'?)" in lines[1]


def test_a_wrong_schedule_is_blamed_once_and_not_on_its_users():
    (line,) = lines_of(changed("schedules/ddpm/beta_min", "1e-3"))
    assert line.startswith("schedules.ddpm.beta_min: ")


def test_names_that_differ_in_case_only_are_refused():
    study = changed("sweeps/PAIR", GOOD["sweeps"]["pair"])
    assert lines_of(study) == ["sweeps.PAIR: differs from pair in case only; some file systems cannot tell them apart"]


@pytest.mark.parametrize(
    ("name", "said"), [("index", "folder or page"), ("Logs", "folder or page"), ("a.HTML", "without .html")]
)
def test_a_sweep_is_not_named_as_a_page_or_folder_of_the_results(name, said):
    (line,) = lines_of({"sweeps": {name: GOOD["sweeps"]["pair"]}, "schedules": GOOD["schedules"]})
    assert line.startswith("sweeps")
    assert name in line
    assert said in line


def test_a_grid_is_refused_with_its_size():
    sweep = {
        "family": "pair",
        "axes": {name: {"start": 0.1, "stop": 0.9, "num": 10**4} for name in ("separation", "variance", "weight")},
        "quantities": ["speciation"],
    }
    (line,) = lines_of({"sweeps": {"big": sweep}})
    assert line.startswith("sweeps.big.axes: speciation has 1e+12 points in each block")
    assert "our limit" in line
    (line,) = lines_of({"sweeps": {"big": sweep | {"split": ["separation", "variance"]}}})
    assert line.startswith("sweeps.big.split: the study has 1e+08 blocks; at most 100,000")
    axes = {"separation": sweep["axes"]["separation"], "variance": {"start": 0.1, "stop": 0.9, "num": 10**12}}
    (line,) = lines_of({"sweeps": {"big": sweep | {"axes": axes, "split": ["variance"]}}})
    assert "1e+12 blocks" in line


def test_results_too_large_for_a_disk_are_refused_with_their_size():
    sweep = {
        "family": "simplex",
        "axes": {"separation": {"start": 0.1, "stop": 0.9, "num": 10**6}},
        "parameters": {"vertices": 64},
        "quantities": ["scores"],
        "tau": 0.5,
        "x": {"start": -1, "stop": 1, "num": 500},
    }
    (line,) = lines_of({"sweeps": {"big": sweep}})
    assert "scores has 477 GiB in each block" in line


def test_a_family_checks_its_own_arguments():
    sweep = {"family": "polygon", "axes": {"separation": 1.0}, "quantities": ["speciation"]}
    (line,) = lines_of({"sweeps": {"t": sweep | {"parameters": {"vertices": 2}}}})
    assert line.startswith("sweeps.t.parameters.vertices: vertices = 2 is not allowed")
    (line,) = lines_of({"sweeps": {"t": sweep | {"axes": {"separation": 1.0, "dimension": [1, 3]}}}})
    assert line.startswith("sweeps.t.axes.dimension: dimension = 1 is not allowed")
    (line,) = lines_of({"sweeps": {"t": sweep | {"family": "random", "parameters": {"components": 1}}}})
    assert line.startswith("sweeps.t.parameters: the mixture has one component")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"quantities": ["speciation", "corrections"]},
            "sweeps.w.quantities[1]: 'corrections' is unavailable for the family quartic; "
            "allowed: layer, scores, speciation",
        ),
        (
            {"criteria": ["boundary", "exact"]},
            "sweeps.w.criteria[1]: 'exact' is unavailable for the family quartic; "
            "allowed: boundary, merging, matched-gaussian",
        ),
        (
            {"axes": {"half_distance": 1.0, "tilt": 0.1}},
            "sweeps.w.axes.tilt: not an axis of the family quartic; allowed: quartic_coefficient, half_distance, schedule",
        ),
        (
            {"axes": {"quartic_coefficient": [1.0, 0.0]}},
            "sweeps.w.axes.quartic_coefficient[1]: 0.0 is not allowed; allowed: a finite number > 0",
        ),
        ({"axes": {"half_distance": -1}}, "sweeps.w.axes.half_distance: -1 is not allowed; allowed: a finite number >= 0"),
    ],
)
def test_wells_refuse_options_of_mixtures(changes, line):
    good = {"family": "quartic", "axes": {"half_distance": [1.0]}, "quantities": ["speciation"]}
    assert Study.from_mapping({"sweeps": {"w": good}}).sweeps["w"].components == 2
    assert lines_of({"sweeps": {"w": good | changes}}) == [line]


def test_a_mixture_has_no_matched_gaussians():
    (line,) = lines_of(changed("sweeps/pair/criteria", ["exact", "matched-gaussian"]))
    assert line.startswith(
        "sweeps.pair.criteria[1]: 'matched-gaussian' is unavailable for the family pair; allowed: leading"
    )


@pytest.mark.parametrize(
    ("groups", "line"),
    [
        ([[0], [2]], "sweeps.pair.groups: groups = [[0], [2]] is not allowed; allowed: two lists of different components"),
        ([[0], [0, 1]], "sweeps.pair.groups: groups = [[0], [0, 1]] is not allowed"),
        ([[0]], "sweeps.pair.groups: groups = [[0]] is not allowed"),
        ([[0], []], "sweeps.pair.groups: groups = [[0], []] is not allowed"),
        ([[0], [True]], "sweeps.pair.groups[1][0]: true is not allowed; allowed: a whole number"),
        ([[0], 1], "sweeps.pair.groups[1]: 1 is not allowed; allowed: a list"),
        (0, "sweeps.pair.groups: 0 is not allowed; allowed: two lists, such as [[0], [1]]"),
    ],
)
def test_groups_are_two_lists_of_components(groups, line):
    (result,) = lines_of(changed("sweeps/pair/groups", groups))
    assert result.startswith(line)


TRIANGLE = "this one has 3 components in 2 features"
LINE_OR_PAIR = "is computed of mixtures on a line and of pairs"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"quantities": ["scores", "regions"]}, f"quantities[1]: 'regions' {LINE_OR_PAIR}; {TRIANGLE}"),
        (
            {"quantities": ["divergence"], "error_support": "layer"},
            f"error_support: divergence under an error 'layer' {LINE_OR_PAIR}; {TRIANGLE}",
        ),
        (
            {"quantities": ["divergence"], "tau_max": 1, "tau_min": 2},
            "tau_max: 1.0 is not allowed; allowed: a number above tau_min, which is 2.0",
        ),
        (
            {"quantities": ["burgers"], "forms": ["vp", "conservation"]},
            f"forms[1]: 'conservation' is a form in one dimension; {TRIANGLE}",
        ),
        (
            {"quantities": ["trajectories"], "tau": 1.0},
            "tau: one value is not allowed; allowed: at least two, for trajectories run from the largest to the smallest",
        ),
    ],
)
def test_a_quantity_that_the_family_cannot_have_is_refused_before_anything_runs(changes, line):
    triangle = {"family": "polygon", "axes": {"separation": [1.0]}}
    assert lines_of({"sweeps": {"t": triangle | changes}}) == [f"sweeps.t.{line}"]
    assert Study.from_mapping({"sweeps": {"t": triangle | changes | {"quantities": ["scores"]}}})


def test_all_quantities_of_a_mixture_on_a_line_go_together():
    on_a_line = [name for name in QUANTITIES if name not in ("plane", "diagnosis")]
    line = {"family": "collinear", "axes": {"separation": [1.0]}, "quantities": on_a_line}
    assert Study.from_mapping({"sweeps": {"t": line | {"error_support": "layer", "forms": ["conservation"]}}})


def test_a_random_draw_that_fits_no_memory_is_refused():
    sweep = {"family": "random", "axes": {"realization": [0], "dimension": [2, 10**11]}, "quantities": ["speciation"]}
    (line,) = lines_of({"sweeps": {"t": sweep}})
    assert line.startswith("sweeps.t.axes.dimension: a draw of 4 means has 2,981 GiB")


def test_a_data_file_without_labels_is_refused(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n3,4\n")
    sweep = {"family": "data", "axes": {"schedule": ["ve"]}, "quantities": ["speciation"]}
    (line,) = lines_of({"sweeps": {"t": sweep | {"parameters": {"file": str(table)}}}})
    assert line.startswith("sweeps.t.parameters.file: ")
    assert "no labels" in line
    (line,) = lines_of({"sweeps": {"t": sweep | {"parameters": {"file": str(tmp_path / "none.csv")}}}})
    assert "does not exist" in line
    (line,) = lines_of({"sweeps": {"t": sweep | {"parameters": {"source": "digit"}}}})
    assert line.startswith("sweeps.t.parameters.source: ")
    assert "digits" in line
    (line,) = lines_of({"sweeps": {"t": sweep}})
    assert "source or file" in line


def test_an_output_folder_that_cannot_be_written_is_refused(tmp_path):
    check_output(tmp_path / "new" / "results")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"output: .*file/results' cannot be a folder"):
        check_output(tmp_path / "file" / "results")
    with pytest.raises(StudyError, match="cannot be a folder"):
        check_output(tmp_path / "file")


@pytest.mark.parametrize("folder", ["~/results", "$SCRATCH/results", "a/${HOME}"])
def test_an_output_that_only_a_shell_would_understand_is_refused(folder):
    (line,) = lines_of(GOOD | {"output": folder})
    assert line.startswith(f"output: '{folder}' is not allowed; allowed: a path")


@pytest.fixture
def closed():
    """A folder in which nobody may write, and a user who is not root, who may all the same."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield Path(folder)
        os.seteuid(user)
        Path(folder).chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_an_output_folder_without_permission_is_refused(closed):
    with pytest.raises(StudyError, match="cannot be written"):
        check_output(closed / "results")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that takes no files")
def test_an_output_folder_on_a_system_folder_is_refused():
    with pytest.raises(StudyError, match="output: '/proc/results' cannot be written"):
        check_output("/proc/results")


def test_numbers_of_numpy_are_numbers():
    study = changed(f"{AXES}/variance", np.array([0.25, 1.0]).tolist())
    assert Study.from_mapping(study).sweeps["pair"].axes["variance"] == {"values": [0.25, 1.0]}


CASE_LINES = {
    "k1k_octal": "k1k_octal.yaml: line 5: YAML reads 010 as the octal number 8; write 10",
    "k2e_output_backslash": "is not allowed; allowed: a path on this machine, with / and without ~, $ and braces",
    "k2e_output_long": "cannot be written: File name too long",
    "k3a_large_value": "sweeps.s.axes.separation: means has a coordinate of size 1e+200; allowed: at most 1e+150",
    "k6c_nan": "sweeps.s.axes.separation[0]: 'nan' is not allowed (text, not a number); allowed: a finite number",
    "k6d_schedule_mapping": "sweeps.s.axes.schedule[0]: {'kind': 'edm'} is not text; allowed: labels such as [ve, edm]",
    "k6d_step": "sweeps.s.axes.separation.step: unknown key (did you mean 'num'?); allowed: start, stop, num, scale",
}


@pytest.mark.parametrize(("name", "line"), CASE_LINES.items())
def test_a_case_is_refused_with_one_line(name, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["validate", str(CASES / f"{name}.yaml")]) == 2
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "The study is not valid:"
    assert [line in each for each in lines] == [True]


WRONG = [None, 3, -1.5, True, "text", [], {}, [[1]], {"a": {"b": [None]}}, {3: 4}, float("nan"), 10**400, "x" * 10**5, b"x"]
PLACES = [
    *("output", "schedules", "schedules/ddpm", "schedules/ddpm/kind", "schedules/ddpm/beta_min", "sweeps", "sweeps/pair"),
    *(f"sweeps/pair/{key}" for key in models.builtin().sweep.model_fields),
    *(f"{AXES}/{axis}" for axis in ("separation", "dimension", "schedule", "tilt")),
    *(f"{AXES}/separation/{key}" for key in ("start", "stop", "num", "scale")),
]


@pytest.mark.slow
@pytest.mark.parametrize("path", PLACES)
def test_any_value_under_any_key_is_used_or_refused_in_bounded_lines(path):
    refused = []
    for value in WRONG:
        try:
            Study.from_mapping(changed(path, value))
        except StudyError as error:
            refused.append(str(error))
    assert len(refused) > len(WRONG) / 2
    assert all(0 < len(line) <= LONGEST for text in refused for line in text.split("\n"))


EXTREMES = {
    "greatest": ("pair", {"separation": [1.0, 1e200]}, {}, "separation"),
    "end of a range": ("pair", {"separation": {"start": 1.0, "stop": 1e200, "num": 3}}, {}, "separation"),
    "two axes together": (
        "pair",
        {"separation": [1.0, 1e149], "dimension": [1, 10**6]},
        {"scaling": "per-coordinate"},
        "separation",
    ),
    "axis and parameter": ("custom", {"separation": [1.0, 1e100]}, {"means": [-1e60, 1e60]}, "separation"),
    "of a draw": ("random", {"realization": [0, 9], "separation": [1.0, 1e151]}, {}, "separation"),
}


@pytest.mark.parametrize(("family", "axes", "parameters", "axis"), EXTREMES.values(), ids=EXTREMES.keys())
def test_both_ends_of_every_axis_are_tried_before_anything_runs(family, axes, parameters, axis):
    (line,) = lines_of(
        {"sweeps": {"s": {"family": family, "axes": axes, "parameters": parameters, "quantities": ["scores"]}}}
    )
    assert line.startswith(f"sweeps.s.axes.{axis}: means has a coordinate of size ")
    assert line.endswith("; allowed: at most 1e+150")


@pytest.mark.parametrize(
    "separation",
    [
        1e-200,
        [0.0, 1e-155, 1.0],
        {"start": 0.0, "stop": 1e-149, "num": 101},
        {"start": 1e-160, "stop": 1.0, "num": 3, "scale": "log"},
    ],
)
def test_means_whose_squared_distances_underflow_are_refused_before_anything_runs(separation):
    sweep = {"family": "polygon", "axes": {"separation": separation}, "quantities": ["scores"]}
    (line,) = lines_of({"sweeps": {"s": sweep}})
    assert line.startswith("sweeps.s.axes.separation: means differ by at most ")
    assert line.endswith("; allowed: 0, or at least 1e-150")


def test_an_output_that_is_a_link_to_nowhere_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("out").symlink_to(tmp_path / "purged")
    assert main(["validate", str(CASES / "plain.yaml")]) == 2
    assert f"{tmp_path}/out is a link to {tmp_path}/purged, which is not there" in capsys.readouterr().err
    with pytest.raises(StudyError, match="which is not there"):
        check_output("out/results")
    (tmp_path / "purged").mkdir()
    assert main(["validate", str(CASES / "plain.yaml")]) == 0


@pytest.mark.parametrize("output", ["x" * 256, "/".join(["x" * 200] * 20), "a/" * 1950])
def test_an_output_whose_results_would_have_too_long_paths_is_refused(output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="cannot be written: File name too long"):
        check_output(output)
    check_output("x" * 255)


def test_a_label_is_not_the_name_of_another_kind_of_schedule():
    sweep = {"family": "pair", "axes": {"separation": 1.0, "schedule": ["edm"]}, "quantities": ["speciation"]}
    assert Study.from_mapping({"schedules": {"edm": {"kind": "edm", "sigma_max": 50.0}}, "sweeps": {"s": sweep}})
    for other in ("ve", {"kind": "vp-linear"}):
        with pytest.raises(StudyError, match=r"schedules\.edm: is the name of another kind than"):
            Study.from_mapping({"schedules": {"edm": other}, "sweeps": {"s": sweep}})
