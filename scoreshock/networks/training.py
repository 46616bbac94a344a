r"""Training of the networks of a data set in PyTorch, all seeds of a damage in one batch.

Points are draws of the task's mixture with noise, :math:`\ln\sigma` uniform over the range of the network; the target is the
posterior mean of the data, exactly, which is the mean of the clean data of denoising score matching, without its noise. The
loss is that of EDM's preconditioning and weighting, the mean square error of F (Karras et al. 2022, table 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from math import cos, pi
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from scoreshock.diagnosis.truth import truth_of
from scoreshock.networks.damages import ALL, DAMAGES, EARLY, WIDTH, Task
from scoreshock.networks.perceptron import Architecture, embedded
from scoreshock.networks.truths import DataSet

BATCH = 256
"""Points of one step of one network."""

RATE = 0.01
"""Greatest learning rate of Adam, from which it falls by a half cosine to 0."""

LOW, HIGH = 0.1, 10.0
"""Ends of the noise levels: of the components' standard deviation, and of the data's greatest."""

CHECKPOINTS = (0.005, 0.02, 1 / EARLY, 0.15, 0.4, 1.0)
"""Shares of the steps after which networks without damage are kept: that of ``undertrained`` is among them."""

DRAWN = 32
"""Steps whose random numbers are drawn at once."""


class Trained(NamedTuple):
    """Networks ``(damage, seed, parameter)`` of a data set, and those without damage on the way ``(training_step, ...)``."""

    damaged: xr.DataArray
    course: xr.DataArray
    samples: xr.DataArray  # (seed, sample, feature), which memorising networks were trained on
    architecture: Architecture


def train(data_set: DataSet, steps: int | None = None, seeds: int | None = None) -> Trained:
    """All networks of a data set, of each damage and seed; those without damage also at `CHECKPOINTS`.

    Raises
    ------
    ModuleNotFoundError
        Without PyTorch; the message says what to install.
    """
    torch = torch_or_refusal()
    truth = data_set.mixture()
    architecture = architecture_of(data_set, truth)
    count = data_set.steps if steps is None else steps
    names = np.arange(data_set.seeds if seeds is None else seeds)
    early, *kept = (max(1, round(share * count)) for share in (1 / EARLY, *CHECKPOINTS))
    kept = sorted(set(kept))
    tasks = {name: [damage(truth, int(seed), data_set.memorised) for seed in names] for name, damage in DAMAGES.items()}
    found = {
        name: _trained(torch, architecture, those, count, kept if name == "none" else [count])
        for name, those in tasks.items()
    }
    ends = [found["none"][early] if name == "undertrained" else found[name][count] for name in ALL]
    damaged = xr.DataArray(np.stack(ends), {"damage": list(ALL), "seed": names}, ("damage", "seed", "parameter"))
    course = np.stack([found["none"][step] for step in kept])
    labelled = xr.DataArray(course, {"training_step": kept, "seed": names}, ("training_step", "seed", "parameter"))
    samples = np.stack([task.means for task in tasks["memorising"]])
    known = xr.DataArray(samples, {"seed": names}, ("seed", "sample", "feature"))
    return Trained(damaged, labelled, known, architecture)


def torch_or_refusal() -> Any:
    """PyTorch, which only training needs."""
    try:
        return import_module("torch")
    except ImportError:
        raise ModuleNotFoundError("training networks needs PyTorch: python -m pip install 'scoreshock[torch]'") from None


def architecture_of(data_set: DataSet, truth: xr.Dataset) -> Architecture:
    """What the networks of a data set are like; sigma_data is the data's standard deviation, mean over features."""
    parts = truth_of(truth).parts
    variances = parts.weights @ (parts.means - parts.weights @ parts.means) ** 2 + parts.variance[0]
    ends = float(LOW * np.sqrt(parts.variance[0])), float(HIGH * np.sqrt(variances.max()))
    return Architecture(parts.means.shape[1], data_set.hidden, data_set.layers, float(np.sqrt(variances.mean())), ends)


def _trained(
    torch: Any, architecture: Architecture, tasks: Sequence[Task], steps: int, kept: Sequence[int]
) -> dict[int, np.ndarray]:
    """Parameters (networks, parameter) after each of the ``kept`` steps."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(len(tasks))]
    layers = _started(torch, architecture, generators)
    optimizer = torch.optim.Adam(layers, lr=RATE, betas=(0.9, 0.99), fused=True)
    problem = partial(_problem, torch, architecture, _stacked(torch, tasks))
    found = {}
    for step, noise in enumerate(_noises(torch, generators, steps, architecture.features), 1):
        inputs, targets = problem(*noise)
        for group in optimizer.param_groups:
            group["lr"] = RATE * 0.5 * (1 + cos(pi * (step - 1) / steps))
        optimizer.zero_grad()
        (_values(torch, layers, inputs) - targets).square().mean(dim=(1, 2)).sum().backward()
        optimizer.step()
        if step in kept:
            found[step] = torch.cat([layer.detach().flatten(1) for layer in layers], dim=1).numpy()
    return found


def _started(torch: Any, architecture: Architecture, generators: Sequence[Any]) -> list[Any]:
    """Weights (networks, in, out) and biases (networks, 1, out): normal with variance 1/in, and 0 in the last layer."""
    layers = []
    for shape in architecture.shapes:
        size = 0.0 if len(shape) == 1 or shape == architecture.shapes[-2] else shape[0] ** -0.5
        rows = [size * torch.randn((1,) * (2 - len(shape)) + shape, generator=generator) for generator in generators]
        layers.append(torch.stack(rows).requires_grad_())
    return layers


def _values(torch: Any, layers: Sequence[Any], h: Any) -> Any:
    """Values (networks, points, features) of all networks at their inputs (networks, points, inputs)."""
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        h = torch.nn.functional.silu(torch.baddbmm(bias, h, weight))
    return torch.baddbmm(layers[-1], h, layers[-2])


def _noises(torch: Any, generators: Sequence[Any], steps: int, features: int) -> Iterator[tuple[Any, Any, Any]]:
    """Random numbers of one step after another: uniform ones of components and levels (networks, points), normal ones."""

    def drawn(function: Callable[..., Any], *shape: int) -> Any:
        return torch.stack([function(DRAWN, *shape, generator=one, dtype=torch.float64) for one in generators], dim=1)

    for first in range(0, steps, DRAWN):
        several = drawn(torch.rand, BATCH), drawn(torch.rand, BATCH), drawn(torch.randn, BATCH, features)
        yield from list(zip(*several, strict=True))[: steps - first]


class _Stacked(NamedTuple):
    """Tasks of all networks as tensors, networks first; ``quarter`` turns pairs of coordinates."""

    means: Any  # (G, K, d)
    log_weights: Any  # (G, 1, K)
    cumulative: Any  # (G, K)
    variance: Any  # (G, 1, 1), as are turn, push and level
    turn: Any
    push: Any
    level: Any
    direction: Any  # (G, 1, d)
    quarter: Any  # (d, d)


def _stacked(torch: Any, tasks: Sequence[Task]) -> _Stacked:
    def tensor(values: list[Any]) -> Any:
        return torch.from_numpy(np.stack(values).astype(float))

    d = tasks[0].means.shape[1]
    quarter = np.zeros((d, d))
    for i in range(0, d - 1, 2):
        quarter[i, i + 1], quarter[i + 1, i] = 1.0, -1.0  # of rows: x @ quarter = (-x_1, x_0)
    weights = tensor([task.weights for task in tasks])
    numbers = {name: tensor([[[getattr(task, name)]] for task in tasks]) for name in ("variance", "turn", "push", "level")}
    direction = tensor([[np.zeros(d) if task.direction is None else task.direction] for task in tasks])
    return _Stacked(
        means=tensor([task.means for task in tasks]),
        log_weights=weights.log()[:, None],
        cumulative=weights.cumsum(1),
        direction=direction,
        quarter=torch.from_numpy(quarter),
        **numbers,
    )


def _problem(torch: Any, architecture: Architecture, task: _Stacked, chosen: Any, placed: Any, z: Any) -> tuple[Any, Any]:
    """Inputs and targets of all networks, (networks, points, ...), of one step's random numbers."""
    ends, points = np.log(architecture.sigma_range), placed.shape[1]
    level = ends[0] + (ends[1] - ends[0]) * (torch.arange(points) + placed) / points  # stratified
    log_sigma, sigma = level[..., None], level.exp()[..., None]
    last = task.means.shape[1] - 1
    component = torch.searchsorted(task.cumulative, chosen).clamp(max=last)[..., None].expand(-1, -1, z.shape[-1])
    width = task.variance + sigma**2
    x = task.means.gather(1, component) + width.sqrt() * z
    denoised = _posterior_mean(task, x, sigma, width)
    bump = torch.exp(-0.5 * ((log_sigma - task.level.log()) / WIDTH) ** 2)
    wanted = denoised + task.turn * (denoised - x) @ task.quarter + task.push * sigma * bump * task.direction
    data, spread = architecture.sigma_data, (sigma**2 + architecture.sigma_data**2).sqrt()
    targets = (wanted - (data / spread) ** 2 * x) * spread / (sigma * data)
    inputs = torch.cat([x / spread, embedded(level / 4, torch.stack, torch)], dim=-1)
    return inputs.float(), targets.float()


def _posterior_mean(task: _Stacked, x: Any, sigma: Any, width: Any) -> Any:
    """The denoiser (G, B, d) of mixtures of one variance."""
    half_squares = 0.5 * task.means.square().sum(-1)[:, None]
    shares = (task.log_weights + (x @ task.means.mT - half_squares) / width).softmax(-1)
    return (sigma**2 * (shares @ task.means) + task.variance * x) / width
