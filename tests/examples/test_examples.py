"""Files of the worked examples."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from scoreshock import examples
from scoreshock.examples import guidance_intervals
from scoreshock.figures import digest_of
from scoreshock.storage import provenance, store


@pytest.mark.slow
def test_an_example_is_a_dataset_with_its_caption_and_a_figure_in_two_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = {"long_name": "position", "units": "1"}
    one = xr.Dataset({"position": ("x", np.arange(3.0), text)}, {"x": ("x", np.arange(3.0), text)})
    monkeypatch.setattr(guidance_intervals, "compute", lambda: one)
    monkeypatch.setattr(guidance_intervals, "describe", lambda _: [])
    monkeypatch.setattr(guidance_intervals, "caption", lambda _: "found")
    monkeypatch.setattr("scoreshock.figures.save", lambda _, path, *words: path.write_text(repr(words)))
    examples.write("guidance-intervals", tmp_path, {"source": "here"}, "abc")
    with store.open_file(tmp_path / "guidance-intervals.nc") as file:
        assert file.attrs["comment"] == "found"
        assert file.attrs["title"] == examples.EXAMPLES["guidance-intervals"].title
        assert file.position.values.tolist() == [0, 1, 2]
    for suffix in ("png", "html"):
        assert "'found', 'abc'" in (tmp_path / f"guidance-intervals.{suffix}").read_text()


def test_each_example_has_its_module_and_counts_in_the_digest() -> None:
    modules = {f"scoreshock.examples.{name.replace('-', '_')}" for name in examples.EXAMPLES}
    assert modules <= set(provenance.code_modules("examples"))
    for module in modules:
        assert all(callable(getattr(import_module(module), name)) for name in ("compute", "describe", "caption"))


def test_the_figure_on_the_first_page_is_one_of_the_rule() -> None:
    assert len(digest_of(Path(__file__).parents[2] / "docs" / "images" / "cloning-mnist.png")) == 16
