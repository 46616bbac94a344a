"""Which installed plugins a study loads: those that declare names where it uses them."""

from __future__ import annotations

from typing import Any

import pytest

from scoreshock.plugins import Registry
from scoreshock.study.vocabulary import load_installed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Registry and name of each plugin that is loaded, of packages that declare ``stranger`` and ``pair`` in all."""
    loaded: list[tuple[str, str]] = []
    monkeypatch.setattr(Registry, "entry_points", lambda _: {"stranger", "pair"})
    monkeypatch.setattr(Registry, "installed", lambda self, name: loaded.append((self.what, name)) or [])
    return loaded


SWEEP = {"family": "pair", "axes": {"separation": [1.0]}, "quantities": ["speciation"]}


@pytest.mark.parametrize(
    ("what", "study"),
    [
        ("family", {"sweeps": {"s": SWEEP | {"family": "stranger"}}}),
        ("quantity", {"sweeps": {"s": SWEEP | {"quantities": ["speciation", "stranger"]}}}),
        ("criterion", {"sweeps": {"s": SWEEP | {"criteria": ["stranger"]}, "t": SWEEP | {"criteria": ["stranger"]}}}),
        ("kind of schedule", {"schedules": {"mine": {"kind": "stranger"}}, "sweeps": {"s": SWEEP}}),
        ("kind of schedule", {"sweeps": {"s": SWEEP | {"axes": {"schedule": ["stranger"]}}}}),
    ],
)
def test_a_name_that_nothing_declares_is_loaded_once_where_it_is_used(
    what: str, study: dict[str, Any], asked: list[tuple[str, str]]
) -> None:
    load_installed(study)
    assert asked == [(what, "stranger")]


@pytest.mark.parametrize(
    "study",
    [
        {"title": "stranger", "output": "stranger", "sweeps": {"stranger": SWEEP}},
        {"schedules": {"stranger": {"kind": "edm"}}, "sweeps": {"s": SWEEP | {"axes": {"schedule": ["stranger"]}}}},
        {"sweeps": {"s": SWEEP | {"family": ["stranger"], "quantities": {"stranger": 1}}}},
        {"sweeps": None, "schedules": "stranger"},
    ],
)
def test_text_that_is_no_such_name_loads_nothing(study: dict[str, Any], asked: list[tuple[str, str]]) -> None:
    load_installed(study)
    assert asked == []
