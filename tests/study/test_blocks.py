"""Blocks of a sweep: how it is split, and what they are called."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreshock.schedules.schedule import schedule
from scoreshock.storage.plans import NAME_LENGTH
from scoreshock.study.vocabulary import vocabulary

from .test_study import PAIR, digests, short, study_of, sweep_of

QUANTITIES = tuple(vocabulary().of("mixture"))


@pytest.mark.slow
def test_a_quantity_is_split_only_along_axes_that_its_variables_carry():
    sweep = sweep_of(parameters={})
    assert {quantity: sweep.split_of(quantity) for quantity in PAIR["quantities"]} == {
        "scores": ("dimension",),
        "speciation": ("schedule",),
        "corrections": (),
        "amplification": (),
    }
    (block,) = sweep.blocks("corrections")
    assert (block.file, block.values) == ("corrections.nc", {})
    assert block.content["axes"]["dimension"] == {"values": [1, 64]}


def test_a_sweep_without_split_is_one_block():
    (block,) = sweep_of(split=[]).blocks("speciation")
    assert (block.name, block.file, block.values) == ("", "speciation.nc", {})
    assert block.content == sweep_of(split=[]).content("speciation")


def test_content_is_what_evaluate_takes():
    content = sweep_of().blocks("speciation")[1].content
    assert content["family"] == "pair"
    assert content["parameters"] == {"scaling": "per-coordinate"}
    assert content["axes"] == {
        "separation": {"start": 0.5, "stop": 8.0, "num": 76, "scale": "linear"},
        "variance": {"values": [0.25, 1.0]},
        "weight": {"values": [0.5]},
        "dimension": {"values": [1]},
    }
    assert list(content["axes"]) == ["separation", "variance", "weight", "dimension"]
    assert list(content["schedules"]) == ["ddpm"]
    assert content["schedules"]["ddpm"]["kind"] == "vp-linear"
    assert content["schedules"]["ddpm"]["beta_min"] == 0.1
    assert schedule(**content["schedules"]["ddpm"]).kind == "vp-linear"
    assert content["quantity"] == "speciation"
    assert set(content["options"]) == {"criteria"}
    assert "data" not in content


def test_a_new_value_on_a_split_axis_adds_blocks_and_changes_none():
    before, after = sweep_of(), sweep_of(axes=PAIR["axes"] | {"dimension": [1, 8, 64], "schedule": ["edm", "ve", "ddpm"]})
    old, new = digests(before, "speciation"), digests(after, "speciation")
    assert old.items() <= new.items()
    assert len(new) == 9
    assert before.planned("speciation").digest != after.planned("speciation").digest


@pytest.mark.slow
def test_a_new_value_on_another_axis_changes_every_block():
    before, after = (sweep_of(split=[], axes=PAIR["axes"] | {"variance": [0.25, 1.0, *more]}) for more in ([], [2.0]))
    for quantity in QUANTITIES:
        assert not set(digests(before, quantity).values()) & set(digests(after, quantity).values())


def test_the_order_of_split_axes_changes_nothing():
    assert digests(sweep_of(), "speciation") == digests(sweep_of(split=["schedule", "dimension"]), "speciation")


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.just(0.0) | st.floats(1e-150, 1e150), min_size=1, max_size=5, unique=True))
def test_names_of_blocks_give_their_values_back(values):
    sweep = sweep_of(axes={"separation": values}, split=["separation"], quantities=["speciation"])
    names = [block.name for block in sweep.blocks("speciation")]
    assert [float(name.removeprefix("separation=")) for name in names] == values
    assert len(set(names)) == len(values)


def test_a_long_name_is_a_hash():
    labels = {f"{letter * 60}": "ve" for letter in "ab"}
    axes_ = PAIR["axes"] | {"schedule": [*labels], "variance": [1 / 3, 2 / 3], "weight": [1 / 7]}
    split = ["variance", "weight", "dimension", "schedule"]
    sweep = study_of(PAIR | {"axes": axes_, "split": split}, schedules=labels).sweeps["pair"]
    names = [block.name for block in sweep.blocks("speciation")]
    assert len(set(names)) == len(names) == 8
    assert all(len(name) <= NAME_LENGTH for name in names)
    text = f"dimension=1,schedule={short(sweep, 'a' * 60)},variance=0.3333333333333333,weight=0.14285714285714285"
    assert names[0] == (text if len(text) <= NAME_LENGTH else hashlib.sha256(text.encode()).hexdigest()[:16])
    assert len(names[0]) == 16
