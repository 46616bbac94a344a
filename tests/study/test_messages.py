"""Hints name what was meant, and stay short."""

import pytest

from .test_models import AXES, changed, lines_of

HINTS = {
    "end": (f"{AXES}/separation", {"start": 1, "end": 2, "num": 3}, ".end: unknown key (did you mean 'stop'?)"),
    "step": (f"{AXES}/separation", {"start": 1, "stop": 2, "step": 3}, ".step: unknown key (did you mean 'num'?)"),
    "weights among axes": (f"{AXES}/weights", [0.3, 0.7], "weights: unknown key (it belongs to the family: write it under"),
    "dim": (f"{AXES}/dim", [2], "dim: unknown key (did you mean 'dimension'?)"),
    "an axis beside axes": ("sweeps/pair/variance", 0.5, "variance: unknown key (it belongs to axes: write it there)"),
    "a parameter beside parameters": (
        "sweeps/pair/scaling",
        "fixed",
        "(it belongs to the family: write it under parameters)",
    ),
    "a key of a sweep at the top": ("family", "pair", "family: unknown key (it belongs to a sweep"),
    "another word is no slip": ("sweeps/pair/colour", 1, "sweeps.pair.colour: unknown key; allowed: family"),
    "text where a list is wanted": ("sweeps/pair/criteria", "exact", "allowed: a list, such as [exact]"),
}


@pytest.mark.parametrize(("path", "value", "what"), HINTS.values(), ids=HINTS.keys())
def test_a_hint_names_the_closest_key_if_one_is_close(path, value, what):
    (line,) = lines_of(changed(path, value))
    assert what in line


MORE_HINTS = {
    "words of a range": (f"{AXES}/separation", {"from": 1, "to": 2, "points": 3}, ["'start'?", "'stop'?", "'num'?"]),
    "values and a range": (
        f"{AXES}/separation",
        {"values": [1.0], "start": 1, "stop": 2, "num": 2},
        [".start: unknown key; allowed: values"],
    ),
    "an endless number": (
        f"{AXES}/separation",
        "1e400",
        ["'1e400' is not allowed (text, not a number); allowed: a finite number"],
    ),
    "no label": (f"{AXES}/schedule", [None], ["null is not text; allowed: labels such as [ve, edm]"]),
    "labels as values": (f"{AXES}/schedule", {"values": ["ve"]}, ["is not text; allowed: labels such as [ve, edm]"]),
    "no groups": ("sweeps/pair/groups", "all", ["allowed: two lists, such as [[0], [1]]"]),
    "a number for names": ("sweeps/pair/criteria", 3, ["criteria: 3 is not allowed; allowed: a list"]),
    "an address": ("output", "s3://bucket/results", ["allowed: a path on this machine"]),
    "a blank": ("output", " ", ["allowed: a path on this machine"]),
}


@pytest.mark.parametrize(("path", "value", "parts"), MORE_HINTS.values(), ids=MORE_HINTS.keys())
def test_more_hints_name_the_closest_keys(path, value, parts):
    lines = lines_of(changed(path, value))
    assert [any(part in line for line in lines) for part in parts] == [True] * len(parts)
