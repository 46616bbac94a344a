"""A plan says what a sweep is to hold, and what scoreshock did not write is no plan."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scoreshock.storage import plans, provenance, store
from scoreshock.storage.plans import Planned, block_name

from .. import runs

SPLITS: list[dict[str, Any]] = [
    {"split": []},
    {"split": ["weight"]},
    {"split": ["schedule", "weight"]},
    {"axes": {"dimension": [3, 64], "separation": [1.0, 2]}, "split": ["dimension", "separation"], "quantities": ["scores"]},
]


@pytest.mark.parametrize("changes", SPLITS, ids=["one file", "an axis", "schedules too", "integers"])
@pytest.mark.slow
def test_a_plan_comes_back_as_it_was_written(tmp_path: Path, changes: dict[str, Any]) -> None:
    study = runs.study(tmp_path, **changes)
    sweep = study.sweeps["line"]
    plans.write_plan(tmp_path, sweep.description())
    for quantity, part in plans.planned(tmp_path).items():
        expected = sweep.planned(quantity)
        assert part == expected
        assert [list(map(type, named)) for named in part.split.values()] == [
            list(map(type, named)) for named in expected.split.values()
        ]
        assert list(part.files) == list(expected.files) == [block.file for block in sweep.blocks(quantity)]
        assert provenance.canonical_json(part.content) == provenance.canonical_json(sweep.content(quantity))


def test_contents_of_blocks_are_the_whole_with_one_value_of_each_split_axis(tmp_path: Path) -> None:
    part = runs.planned(runs.study(tmp_path, split=["schedule", "weight"]))
    contents = [part.content_of(values) for _, values in part.blocks()]
    result = [(content["axes"]["weight"]["values"], list(content["schedules"])) for content in contents]
    assert result == [([weight], [label]) for weight in (0.5, 0.6, 0.7) for label in ("ve", "edm")]
    for content in contents:
        same = {key: value for key, value in content.items() if key not in ("axes", "schedules")}
        assert same.items() <= part.content.items()
        assert content["axes"]["separation"] == part.content["axes"]["separation"]
        (label,) = content["schedules"]
        assert content["schedules"][label] == part.content["schedules"][label]


def test_names_of_blocks_tell_their_values_and_the_definition_of_schedules(tmp_path: Path) -> None:
    names = []
    for steps in (18, 36):
        schedules = {"mine": {"kind": "edm", "steps": steps}}
        axes = runs.AXES | {"schedule": ["mine"]}
        sweep = runs.SWEEP | {"axes": axes, "split": ["weight", "schedule"]}
        study = runs.Study.from_mapping({"output": str(tmp_path), "schedules": schedules, "sweeps": {"line": sweep}})
        part = runs.planned(study)
        defined = provenance.canonical_json(part.content["schedules"]["mine"])
        digest = hashlib.sha256(defined.encode()).hexdigest()[:8]
        names.append([name for name, _ in part.blocks()])
        assert names[-1] == [f"schedule=mine-{digest},weight={weight}" for weight in (0.5, 0.6, 0.7)]
    assert names[0] != names[1]


def test_a_long_name_is_hashed() -> None:
    texts = {f"axis{i}": "0.1234567890123" for i in range(5)}
    assert block_name(texts) == ",".join(f"axis{i}=0.1234567890123" for i in range(5))
    assert block_name(dict(reversed(texts.items()))) == block_name(texts)
    long = {name: text + "1" * 5 for name, text in texts.items()}
    text = ",".join(f"{name}={text}" for name, text in long.items())
    assert len(text) > plans.NAME_LENGTH
    assert block_name(long) == hashlib.sha256(text.encode()).hexdigest()[:16]


def digests(output: Path, **changes: Any) -> tuple[str, str, str]:
    part = runs.planned(runs.study(output, **changes))
    return part.digest, part.blocks_digest, part.folder


@pytest.mark.slow
def test_digests_change_with_parameters_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, blocks, folder = digests(tmp_path)
    assert folder == f"blocks/speciation-{blocks}"
    assert digests(tmp_path / "elsewhere", quantities=["speciation", "scores"]) == (whole, blocks, folder)
    more = digests(tmp_path, axes=runs.AXES | {"weight": [0.5, 0.9]})  # other values of the split axis
    assert more[0] != whole
    assert more[1:] == (blocks, folder)
    for changes in ({"axes": runs.AXES | {"separation": [1.0]}}, {"criteria": ["leading"]}, {"split": ["separation"]},
                    {"axes": runs.AXES | {"schedule": ["ve"]}}, {"split": ["weight", "schedule"]}):  # fmt: skip
        changed = digests(tmp_path, **changes)
        assert changed[0] != whole
        assert changed[1] != blocks
    monkeypatch.setattr(provenance, "code_digest", lambda _: "0" * 64)
    assert digests(tmp_path)[0] != whole
    assert digests(tmp_path)[1] != blocks


def test_an_unchanged_plan_is_left_untouched(tmp_path: Path) -> None:
    content = runs.study(tmp_path).sweeps["line"].description()
    plans.write_plan(tmp_path, content)
    before = (tmp_path / plans.PLAN).stat()
    plans.write_plan(tmp_path, content)
    assert (tmp_path / plans.PLAN).stat().st_mtime_ns == before.st_mtime_ns
    plans.write_plan(tmp_path, content | {"sweep": "other"})
    assert (tmp_path / plans.PLAN).stat().st_ino != before.st_ino
    assert list(tmp_path.iterdir()) == [tmp_path / plans.PLAN]


def test_where_there_is_no_plan_nothing_is_planned(tmp_path: Path) -> None:
    assert plans.read_plan(tmp_path) == plans.planned(tmp_path) == {}


PART: dict[str, Any] = {
    "digest": "a1",
    "blocks_digest": "b2",
    "split": {"weight": [[0.5, "0.5"]]},
    "joined": True,
    "module": "speciation",
    "content": {"quantity": "speciation", "axes": {"weight": {"values": [0.5]}}, "schedules": {}},
}


def plan(number: Any = provenance.FORMAT, name: str = "speciation", **changes: Any) -> str:
    content = {"quantity": name, **PART["content"]} if "content" not in changes else changes["content"]
    part = PART | {"content": content} | changes
    return json.dumps({"format": number, "sweep": "line", "family": "pair", "quantities": {name: part}})


POISONED = {
    "empty": "",
    "half": plan()[:100],
    "binary": "\0\1\2",
    "deeply nested": "[" * 100_000,
    "a list": "[]",
    "null": "null",
    "a number": "3",
    "another program's": '{"name": "x"}',
    "NaN": plan().replace("0.5", "NaN"),
    "an older format": plan(1),
    "no format": plan("2"),
    "quantities in a list": '{"format": 2, "quantities": []}',
    "no digest": plan(digest=None),
    "more than is known": plan(extra=1),
    "a quantity that leads elsewhere": plan(name="../../x"),
    "a digest that leads elsewhere": plan(blocks_digest="../../x"),
    "an axis that leads elsewhere": plan(split={"/etc/x": [[0.5, "0.5"]]}),
    "a value that leads elsewhere": plan(split={"weight": [[0.5, "../x"]]}),
    "a value without a text": plan(split={"weight": [0.5]}),
    "another quantity's content": plan(content={"quantity": "scores"}),
    "a content that is none": plan(content=[]),
}


def test_the_plan_that_the_poisoned_ones_are_made_of_is_taken(tmp_path: Path) -> None:
    (tmp_path / plans.PLAN).write_text(plan())
    assert plans.planned(tmp_path) == {"speciation": Planned.of(PART)}
    plans.drop_damaged(tmp_path)
    assert (tmp_path / plans.PLAN).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("text", POISONED.values(), ids=POISONED.keys())
def test_what_scoreshock_did_not_write_is_refused_by_name_and_written_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / plans.PLAN
    file.write_text(text)
    output = f"^{file} is not a plan that this scoreshock wrote .*; running the study again rewrites it$"
    with pytest.raises(store.BrokenFile, match=output):
        plans.read_plan(tmp_path)
    plans.drop_damaged(tmp_path)
    assert list(tmp_path.iterdir()) == []
    file.write_text(text)
    content = runs.study(tmp_path).sweeps["line"].description()
    plans.write_plan(tmp_path, content)
    assert plans.read_plan(tmp_path)["quantities"].keys() == {"speciation"}


def test_a_newer_plan_is_refused_by_name_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / plans.PLAN
    file.write_text(text := '{"format": 3, "whatever": []}')
    for call in (plans.read_plan, plans.drop_damaged, lambda folder: plans.write_plan(folder, {"quantities": {}})):
        with pytest.raises(store.BrokenFile, match=f"{file} is newer: of format 3, and this scoreshock writes format 2"):
            call(tmp_path)
    assert file.read_text() == text


def test_numbers_are_written_in_full(tmp_path: Path) -> None:
    values = [0.1, 1 / 3, float(np.nextafter(0.5, 1))]
    study = runs.study(tmp_path, axes=runs.AXES | {"weight": values})
    assert [chosen["weight"] for _, chosen in runs.planned(study).blocks()] == values
    assert [name for name, _ in runs.planned(study).blocks()] == [f"weight={value!r}" for value in values]
    plans.write_plan(tmp_path, study.sweeps["line"].description())
    assert list(plans.planned(tmp_path)["speciation"].split["weight"]) == values
