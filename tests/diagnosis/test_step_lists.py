"""Files of levels: read back to rounding by our reader, and as ComfyUI's node reads its text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import scoreshock as ss

PAIR = ss.mixture([-1.0, 1.0], variance=0.09)
FOUND = ss.allocate_steps(PAIR, 6, ["karras", "cosine"], None, 0.03, 14.0)


@pytest.mark.parametrize("name", ["levels.json", "levels.txt"])
def test_our_reader_takes_it_back(tmp_path: Path, name: str) -> None:
    file = ss.save_steps(FOUND, tmp_path / name, "cosine")
    row = FOUND.sigma_level.sel(rule="cosine").values
    np.testing.assert_allclose(ss.schedule(str(file)).sample_sigmas(), row, rtol=1e-15)


def test_the_text_is_what_the_node_of_custom_sigmas_splits(tmp_path: Path) -> None:
    """KJNodes' CustomSigmas: ``[float(sigma) for sigma in text.split(", ")]``, kept where it has as many steps."""
    text = ss.save_steps(FOUND, tmp_path / "levels.txt", "karras").read_text()
    levels = [float(sigma) for sigma in text.split(", ")]
    assert levels == FOUND.sigma_level.sel(rule="karras").values.tolist()
    assert len(levels) == 6 + 1


def test_the_list_is_plain(tmp_path: Path) -> None:
    one = FOUND.sel(rule=["karras"])
    assert json.loads(ss.save_steps(one, tmp_path / "levels.json").read_text()) == one.sigma_level.values[0].tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": ""}, r"rule = '' is not allowed; allowed: karras, cosine"),
        ({"rule": "karas"}, r"rule = 'karas' is not allowed.*karras"),
        ({"path": "levels.csv"}, r"path = 'levels.csv' is not allowed; allowed: a file that ends in .json or .txt"),
        ({"path": "nowhere/levels.txt"}, r"path = 'nowhere/levels.txt' is not allowed; allowed: a file in a folder"),
        ({"allocated": PAIR}, r"allocated = .* has no levels by rule; allowed: what ss.allocate_steps returns"),
    ],
)
def test_what_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ss.save_steps(**({"allocated": FOUND, "path": "levels.txt", "rule": "karras"} | arguments))


@pytest.mark.slow
def test_least_levels_of_any_size_keep_their_digits(tmp_path: Path) -> None:
    found = ss.allocate_steps(ss.mixture([0.0], variance=1e-12), 3, "log-snr", None, 1e-7, 0.5)
    file = ss.save_steps(found, tmp_path / "levels.txt")
    kept = ss.schedule("table", file=str(file), convention="sigma_n").sample_sigmas()
    np.testing.assert_allclose(kept, found.sigma_level.values[0], rtol=1e-15)
