"""Slices of sweeps for figures: what of the data a panel is at, and what a reader may call it."""

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.figures import FIGURES
from scoreshock.figures.description import Choice, Line
from scoreshock.figures.slices import slices


def test_a_slice_has_the_same_coordinates_in_every_result() -> None:
    one, other = (ss.speciation(ss.families.pair(separation=at, variance=0.25)) for at in ([1.0, 2.0], [2.0, 1.0, 3.0]))
    (here, last) = slices(one.tau_star, Choice(panels="separation"))
    assert [float(each.of(other).separation) for each in (here, last)] == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"^\{'separation': 2.0.*\} is not in every result of the figure; allowed: results"):
        last.of(other.isel(separation=[1, 2]))


def test_the_middle_slice_is_among_those_with_most_numbers() -> None:
    tau = ss.speciation(ss.families.pair(separation=[0.1, 0.2, 1.0, 2.0, 3.0], variance=0.25)).tau_star.sel(
        criterion="exact"
    )
    (first,), (middle,) = (slices(tau.where(tau > 0), Choice(), middle=middle) for middle in (False, True))
    assert (first.coordinates["separation"], middle.coordinates["separation"]) == (1.0, 2.0)
    assert middle.notes == ("At a = 2 (of 0.1, 0.2, 1, 2, 3).",)


@pytest.mark.parametrize(("name", "quantity"), [("branches", "speciation"), ("when", "when")])
@pytest.mark.slow
def test_a_reader_chooses_the_panels_of_slices(name: str, quantity: str) -> None:
    density = ss.families.collinear(separation=[1.5, 2.0], weight=np.linspace(0.05, 0.45, 5), variance=0.04)
    schedules = (ss.schedule("edm", steps=9),) if quantity == "when" else ()
    panels = FIGURES[name].panels({quantity: getattr(ss, quantity)(density, *schedules)}, Choice(panels="separation"))
    assert [panel.title.split(",")[0] for panel in panels] == ["a = 1.5", "a = 2"]
    assert not [note for panel in panels for note in panel.notes if note.startswith("Not used")]


def test_a_reader_names_a_dimension_as_a_study_does() -> None:
    """In files the dimension of times in units of the speciation time is tau_scaled, in studies it is tau."""
    times = {"tau_scaled": [0.25, 0.5, 1.0], "feature": [0]}
    modes = xr.Dataset({"n_modes": ("tau_scaled", [2, 2, 1]), "modes_status": 0}, times)
    (panel,) = FIGURES["modes"].panels({"modes": modes}, Choice(x="tau"))
    (line,) = (mark for mark in panel.marks if isinstance(mark, Line))
    np.testing.assert_array_equal(line.x, modes.tau_scaled)
    with pytest.raises(ValueError, match=r"^x = 'sigma' is not allowed; allowed: tau$"):
        ss.plot.modes(modes, x="sigma")
    with pytest.raises(ValueError, match=r"^select: tau = 0.3 is not in the data; allowed: 0.25, 0.5, 1$"):
        ss.plot.modes(modes, select={"tau": 0.3})
    with pytest.raises(ValueError, match=r"^x = 'tau' is chosen twice; allowed"):
        ss.plot.modes(modes, x="tau", lines="tau_scaled")
