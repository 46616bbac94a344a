"""Memory of a sweep is bounded by its chunks, not by its size, and its kernels run once for each chunk."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scoreshock.quantities import amplification, corrections, layer, schedule_time, scores, speciation
from scoreshock.storage import store
from scoreshock.study import evaluation

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "memory.py"
CHUNKS_HELD = 24
"""Of two threads: results that wait to be written, and what a kernel needs beside its results."""


def content(quantity: str, separations: int, **options: Any) -> dict[str, Any]:
    return {
        "family": "pair",
        "parameters": {},
        "axes": {
            "separation": {"start": 0.5, "stop": 8.0, "num": separations},
            "variance": {"values": [0.1, 1.0]},
            "weight": {"values": [0.2, 0.4, 0.5]},
        },
        "schedules": {"ve": {"kind": "ve"}, "edm": {"kind": "edm"}} if quantity == "speciation" else {},
        "quantity": quantity,
        "options": options,
    }


@pytest.mark.slow
def test_peak_memory_of_writing_a_sweep_is_some_chunks() -> None:
    call = [sys.executable, str(BENCHMARK), "5e6", "amplification", "streamed"]
    peak, size = map(int, subprocess.run(call, check=True, capture_output=True, text=True).stdout.split())
    chunk = size / 5e6 * evaluation.POINTS_PER_CHUNK
    variables = 7
    bound = variables * store.CACHE_BYTES + CHUNKS_HELD * chunk
    assert peak < bound < size


PROFILE = {"x": {"start": -2, "stop": 2, "num": 5, "unit": "layer"}, "tau": {"values": [0.5, 1.0], "unit": "speciation"}}


@pytest.mark.parametrize(
    ("quantity", "options", "kernels"),
    [
        ("speciation", {"criteria": ["exact", "merging"]}, {speciation: ("_times",), schedule_time: ("_placed",)}),
        ("corrections", {"order": 3}, {corrections.comparison: ("corrections",)}),
        ("amplification", {"tau": {"values": [0.1]}}, {amplification.kernel: ("pair_exponent", "growth")}),
        ("scores", PROFILE, {scores.line: ("profile", "in_all_dimensions")}),
        ("layer", {"tau": {"values": [0.1]}}, {layer.kernel: ("layer_on_line",)}),
    ],
    ids=["speciation", "corrections", "amplification", "scores", "layer"],
)
def test_kernels_run_once_for_each_chunk_when_all_variables_are_written(
    quantity: str,
    options: dict,
    kernels: dict[Any, tuple[str, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: Counter[str] = Counter()
    lock = threading.Lock()

    def counted(name: str, function: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            with lock:
                calls[name] += 1
            return function(*arguments, **keywords)

        return call

    for module, names in kernels.items():
        for name in names:
            monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    monkeypatch.setattr(evaluation, "POINTS_PER_CHUNK", 400)
    result = evaluation.evaluate(content(quantity, 100, **options))
    assert not calls
    chunks = math.prod(len(lengths) for lengths in result.chunks.values())
    store.write(result, tmp_path / "written.nc")
    assert chunks > 1
    assert calls == {name: chunks for names in kernels.values() for name in names}
