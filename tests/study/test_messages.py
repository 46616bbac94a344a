"""Hints name what was meant, and stay short."""

import pytest

from .test_models import AXES, changed, lines_of

HINTS = {
    "end": (f"{AXES}/separation", {"start": 1, "end": 2, "num": 3}, '.end: unknown key; here it is called "stop"'),
    "steps": (f"{AXES}/separation", {"start": 1, "stop": 2, "steps": 3}, '.steps: unknown key; here it is called "num"'),
    "step that does not fit": (
        f"{AXES}/separation",
        {"start": 0.5, "stop": 4.0, "step": 0.3},
        "write num, the number of values; this step does not lead from 0.5 to 4.0",
    ),
    "step that fits in decimals": (f"{AXES}/separation", {"start": 0.1, "stop": 0.7, "step": 0.1}, "write num: 7"),
    "step of a logarithm": (
        f"{AXES}/separation",
        {"start": 1, "stop": 8, "step": 2, "scale": "log"},
        "write num, the number of values, ends included",
    ),
    "sigma": (f"{AXES}/sigma", 0.5, 'sigma: unknown key; its square is the axis "variance"'),
    "weights among axes": (f"{AXES}/weights", [0.3, 0.7], "those of all stand under parameters"),
    "dim": (f"{AXES}/dim", [2], 'dim: unknown key; here it is called "dimension"'),
    "an axis beside axes": ("sweeps/pair/variance", 0.5, "variance: unknown key; it belongs to axes: write it there"),
    "a parameter beside parameters": ("sweeps/pair/scaling", "fixed", "it belongs to the family: write it under parameters"),
    "a key of a sweep at the top": ("family", "pair", "family: unknown key; it belongs to a sweep"),
    "another word is no slip": ("sweeps/pair/colour", 1, "sweeps.pair.colour: unknown key (allowed: family"),
    "text where a list is wanted": ("sweeps/pair/criteria", "exact", "allowed: a list, such as [exact]"),
}


@pytest.mark.parametrize(("path", "value", "what"), HINTS.values(), ids=HINTS.keys())
def test_a_hint_names_the_closest_key_if_one_is_close(path, value, what):
    (line,) = lines_of(changed(path, value))
    assert what in line


MORE_HINTS = {
    "words of a range": (f"{AXES}/separation", {"from": 1, "to": 2, "points": 3}, ['"start"', '"stop"', '"num"']),
    "values and a range": (
        f"{AXES}/separation",
        {"values": [1.0], "start": 1, "stop": 2, "num": 2},
        ["either values stand"],
    ),
    "an endless number": (f"{AXES}/separation", "1e400", ["'1e400' is text, not a number; allowed: a finite number"]),
    "no label": (f"{AXES}/schedule", [None], ["null is empty, not a label; allowed: a label, or a list such as [ve, edm]"]),
    "labels as values": (f"{AXES}/schedule", {"values": ["ve"]}, ["is a mapping, not a label; allowed: a label, or a list"]),
    "no groups": ("sweeps/pair/groups", "all", ["allowed: two lists, such as [[0], [1]]"]),
    "a number for names": ("sweeps/pair/criteria", 3, ["criteria: 3 is not allowed; allowed: a list"]),
    "an address": ("output", "s3://bucket/results", ["allowed: a path on this machine"]),
    "a blank": ("output", " ", ["allowed: a path on this machine"]),
}


@pytest.mark.parametrize(("path", "value", "parts"), MORE_HINTS.values(), ids=MORE_HINTS.keys())
def test_more_hints_name_the_closest_keys(path, value, parts):
    lines = lines_of(changed(path, value))
    assert [any(part in line for line in lines) for part in parts] == [True] * len(parts)
