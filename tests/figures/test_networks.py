"""Figures of networks: bands over seeds beside the good networks, the table as an image, agreement about the diagonal."""

from __future__ import annotations

import numpy as np

from scoreshock.figures.description import FIGURES, Area, Choice, Image, Labels, Level, Line, Panel, Points
from scoreshock.networks.mode_weights import weight_errors
from scoreshock.networks.symptoms import symptom_table
from tests.networks.diagnoses import DAMAGES, planted


def marks(panel: Panel, kind: type) -> list:
    return [mark for mark in panel.marks if isinstance(mark, kind)]


def drawn(name: str, data, choice: Choice | None = None) -> list[Panel]:
    return FIGURES[name].panels({FIGURES[name].of: data}, choice or Choice())


def test_each_damage_has_a_band_beside_the_good_networks() -> None:
    found = planted(5)
    panels = drawn("error-by-level", found)
    assert [panel.title for panel in panels] == list(DAMAGES[1:])
    for panel in panels:
        assert [line.name for line in marks(panel, Line)] == ["none", panel.title]
        values = found.score_error_relative.sel(damage=panel.title).values
        low, high = np.quantile(values, (0.1, 0.9), axis=0)
        band = marks(panel, Area)[-1]
        np.testing.assert_array_equal([band.low, band.high], [low, high])
        np.testing.assert_array_equal(marks(panel, Line)[-1].y, np.median(values, axis=0))
        assert panel.logx
        assert panel.logy


def test_numbers_of_a_study_are_drawn_as_their_words() -> None:
    words = planted(3)
    flags = {"flag_values": [0, 1, 2, 3], "flag_meanings": " ".join(DAMAGES)}
    numbers = words.assign_coords(damage=("damage", np.arange(4), flags))
    assert [panel.title for panel in drawn("error-by-level", numbers)] == list(DAMAGES[1:])
    (one,) = drawn("error-by-level", numbers, Choice(select={"damage": "layer"}))
    assert [line.name for line in marks(one, Line)] == [""]


def test_without_damages_lines_are_the_steps_of_training() -> None:
    found = planted(3, damages=("none",), training_step=[10, 20, 40]).isel(damage=0, drop=True)
    (panel,) = drawn("error-by-level", found)
    assert [line.name for line in marks(panel, Line)] == [f"training step {step}" for step in (10, 20, 40)]


def test_errors_over_training_end_at_the_floor_of_sampling() -> None:
    assert drawn("error-by-training-step", planted(3)) == []
    found = planted(3, training_step=[10, 20, 40])
    error, weights = drawn("error-by-training-step", found)
    assert [line.name for line in marks(error, Line)] == list(DAMAGES)
    wanted = np.sqrt((found.score_error_relative.sel(damage="layer") ** 2).mean("sigma")).median("seed")
    np.testing.assert_allclose(marks(error, Line)[1].y, wanted)
    (floor,) = marks(weights, Level)
    assert floor.value == float(found.mode_weight_floor.sel(sampler="flow").mean())
    assert drawn("error-by-training-step", found, Choice(x="seed"))[0].notes[-1] == "Not used by this figure: x = seed."


def test_rates_are_written_on_the_image_and_undefined_symptoms_named() -> None:
    line = planted(6, features=1, damages=("none", "layer"))
    plane, other = drawn("symptoms", symptom_table({"plane": planted(6), "line": line}))
    (image,) = marks(plane, Image)
    assert image.z.shape == (9, 4)
    assert plane.ynames[::-1][:3] == ("error", "layer", "boundary")
    written = {
        (x, y): text for label in marks(plane, Labels) for x, y, text in zip(label.x, label.y, label.texts, strict=True)
    }
    assert written[1.0, float(plane.ynames.index("layer"))] == "1.0"
    assert other.xnames == ("none", "layer")
    assert "Without numbers here: no effect, curl." in " ".join(other.notes).replace("curl, no effect", "no effect, curl")


def test_data_sets_of_too_few_good_networks_are_named() -> None:
    (only,) = drawn("symptoms", symptom_table({"plane": planted(6), "few": planted(2)}))
    assert only.title == "plane"
    assert "Without numbers here: few." in only.notes
    assert drawn("symptoms", symptom_table({"few": planted(2)})) == []


def test_measured_errors_stand_over_predicted_ones() -> None:
    panels = drawn("mode-weights", weight_errors({"plane": planted(4)}))
    assert [panel.title for panel in panels] == ["plane, flow: r = 1.00", "plane, reverse SDE: r = 1.00"]
    assert panels[0].notes == ("plane, flow: correlation 1.00 (1.00 to 1.00), slope 0.80.",)
    points = marks(panels[0], Points)
    assert [mark.name for mark in points] == [*DAMAGES[1:], "none"]
    np.testing.assert_allclose(points[0].y, 0.8 * points[0].x)
    assert len(points[0].x) == 4 * 2
