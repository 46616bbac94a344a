"""The key figures of a sweep: what it refuses in one sentence, and what of it reaches the figures."""

from typing import Any

import pytest

from scoreshock.figures import FIGURES
from scoreshock.study import figures
from scoreshock.study.errors import StudyError
from scoreshock.study.study import Study

SWEEP: dict[str, Any] = {
    "family": "pair",
    "axes": {"separation": [1.0, 2.0], "variance": [0.25, 1.0], "schedule": ["ve", "edm"]},
    "quantities": ["speciation", "corrections"],
}


def sweep_of(**of_figures: Any) -> Any:
    return Study.from_mapping({"sweeps": {"s": SWEEP | {"figures": of_figures}}}).sweeps["s"]


def test_what_is_under_all_is_below_what_is_under_a_name() -> None:
    chosen = sweep_of(
        all={"formats": ["svg"], "select": {"variance": 0.25}},
        speciation={"select": {"separation": {"start": 1.5}}, "scale": {"y": "log"}},
        time={"formats": ["html"], "skip": True},
    ).figures
    every = {"formats": ["svg"], "select": {"variance": 0.25}}
    assert chosen == {
        **{name: every for name, each in FIGURES.items() if each.of in SWEEP["quantities"]},
        "speciation": {
            "formats": ["svg"],
            "select": {"variance": 0.25, "separation": {"start": 1.5}},
            "scale": {"y": "log"},
        },
        "time": {"formats": ["html"], "select": {"variance": 0.25}, "skip": True},
    }
    assert {"corrections", "phase-diagram", "branches", "schedule"} < set(chosen)


def test_formats_are_those_of_any_figure() -> None:
    assert figures.formats(sweep_of(speciation={"formats": ["svg"]})) == ["png", "svg"]
    assert figures.formats(sweep_of(all={"formats": ["svg", "png"]})) == ["png", "svg"]
    assert figures.formats(Study.from_mapping({"sweeps": {"s": SWEEP}}).sweeps["s"]) == ["png"]


def test_without_the_key_and_with_an_empty_one_nothing_is_chosen() -> None:
    assert Study.from_mapping({"sweeps": {"s": SWEEP}}).sweeps["s"].figures == {}
    assert Study.from_mapping({"sweeps": {"s": SWEEP | {"figures": None}}}).sweeps["s"].figures == {}
    assert sweep_of().figures == {}


@pytest.mark.parametrize(
    ("of_figures", "problem"),
    [
        ({"speciaton": {}}, "sweeps.s.figures.speciaton: unknown key (did you mean 'speciation'?); allowed: all, "),
        ({"cascade": {}}, "sweeps.s.figures.cascade: is drawn of cascade, which the sweep does not compute; allowed: all, "),
        ({"speciation": {"lnes": "variance"}}, "figures.speciation.lnes: unknown key (did you mean 'lines'?); allowed: x, "),
        ({"speciation": {"x": "varience"}}, "x: 'varience' is not allowed (did you mean 'variance'?); allowed: sep"),
        ({"all": {"lines": "weight"}}, "sweeps.s.figures.all.lines: 'weight' is not allowed"),
        ({"speciation": {"x": "variance", "panels": "variance"}}, "panels: 'variance' is chosen twice; allowed: each of"),
        ({"speciation": {"formats": ["pdf"]}}, "formats[0]: 'pdf' is not allowed; allowed: html, png, svg"),
        ({"speciation": {"formats": []}}, "formats: is empty; at least one is needed"),
        ({"speciation": {"scale": {"y": "linea"}}}, "scale.y: 'linea' is not allowed (did you mean 'linear'?)"),
        ({"speciation": {"scale": {"z": "log"}}}, "'z' is not allowed; allowed: x, y"),
        ({"speciation": {"skip": "yes"}}, "skip: 'yes' is not allowed; allowed: true or false"),
        ({"speciation": {"select": {"weigth": 1}}}, "select.weigth: not a dimension; allowed: separation, variance"),
        ({"speciation": {"select": {"variance": 0.3}}}, "select: variance = 0.3 is not in the data; allowed: 0.25, 1"),
        ({"speciation": {"select": {"schedule": "ed"}}}, "'ed' is not in the data (did you mean 'edm'?); allowed: ve"),
        ({"speciation": {"select": {"criterion": ["exact", "leding"]}}}, "'leding' is not in the data (did you"),
        ({"speciation": {"select": {"variance": {"from": 1}}}}, "a list of values, or {start: 1.0, stop: 2.0}"),
        ({"speciation": {"select": {"variance": True}}}, "true is not allowed; allowed: a value, a list of"),
        ({"speciation": 3}, "sweeps.s.figures.speciation: 3 is not allowed; allowed: a mapping (key: value)"),
        ({"speciation": {"x": 1}}, "sweeps.s.figures.speciation.x: 1 is not text; write it in quotes"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(of_figures: dict[str, Any], problem: str) -> None:
    with pytest.raises(StudyError) as raised:
        sweep_of(**of_figures)
    (line,) = raised.value.problems
    assert problem in line
    assert len(line) <= 300


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_figures() -> None:
    plain = Study.from_mapping({"sweeps": {"s": SWEEP}}).sweeps["s"]
    chosen = sweep_of(speciation={"x": "variance"})
    assert chosen.description() == plain.description()
    assert chosen.product_digest("comparison") == plain.product_digest("comparison")
    assert chosen.product_digest("figures") != plain.product_digest("figures")
