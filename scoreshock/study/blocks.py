"""Sweeps and their blocks: what each job computes, as plain values, with a name for its folder and a digest of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

from scoreshock import axes as written
from scoreshock import families, provenance
from scoreshock.conventions import AXES
from scoreshock.study.quantities import QUANTITIES, Quantity, lengths

NAME_LENGTH = 120  # longer names are hashed: file systems hold 255 bytes, and temporary names add some
WHOLE = "all"  # the block of a sweep without split

JOINED_BYTES = 64 * 2**30
"""Largest joined file, before compression; ours. More stays in blocks, which can be read and copied side by side."""

PRODUCTS = {"comparison": ("comparison.nc", "comparison.md"), "figures": ("figures",)}
"""What is made of a whole sweep, and the files or folders of it, in the sweep's folder."""

COMPARED = ("speciation", "corrections")
"""What a comparison is made of; figures are of all quantities."""

Content = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """One sweep of a study, with every default filled in.

    Attributes
    ----------
    name, family
        Name of the sweep, and of its family of densities.
    parameters
        Arguments of the family that are no axes.
    axes
        Numeric axes in the order of the results' dimensions, each ``{"values"}`` or ``{"start", "stop", "num", "scale"}``.
    schedules
        Noise schedules by label, each with its kind and all parameters; empty without a schedule axis.
    split
        Axes of which every value is a block of its own.
    quantities, options
        What is computed, and all options that any quantity takes.
    data
        SHA-256 of the data file that the family reads, or None.
    components, features
        Number of components of its mixtures (of parts of its wells), and of coordinates of the means' span.
    held
        Bytes of a density's variables at one value of the axes that they depend on, by these axes.
    unused
        Options that the study names and none of the quantities takes.
    """

    name: str
    family: str
    parameters: Mapping[str, Any]
    axes: Mapping[str, Mapping[str, Any]]
    schedules: Mapping[str, Mapping[str, Any]]
    split: tuple[str, ...]
    quantities: tuple[str, ...]
    options: Mapping[str, Any]
    data: str | None = None
    components: int = 2
    features: int = 1
    held: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    @cached_property
    def split_values(self) -> dict[str, list[Any]]:
        """Values of every split axis, plain numbers and labels, in the order of the axes."""
        values = {name: _plain(name, spec) for name, spec in self.axes.items() if name in self.split}
        return values | ({"schedule": list(self.schedules)} if "schedule" in self.split else {})

    def blocks(self) -> list[Block]:
        """The jobs of each quantity: one block for every combination of the split axes' values, in their order."""
        return list(self.iterate())

    def iterate(self) -> Iterator[Block]:
        """The blocks one by one."""
        for values in product(*self.split_values.values()):
            yield Block(self, dict(zip(self.split_values, values, strict=True)))

    @property
    def n_blocks(self) -> int:
        """Number of blocks, without making them."""
        return math.prod(len(values) for values in self.split_values.values())

    def is_joined(self, quantity: str) -> bool:
        """Whether the blocks of a quantity are joined into one file; else, too large for that, they stay the dataset."""
        return quantity in self.quantities and self.n_blocks * next(self.iterate()).bytes(quantity) <= JOINED_BYTES

    @property
    def products(self) -> dict[str, tuple[str, ...]]:
        """What is made of the whole sweep, by name, with its files; nothing where not all quantities are joined."""
        if not all(map(self.is_joined, self.quantities)):
            return {}  # more than a comparison or a figure of the whole can show; parts of it, opened, can
        return {name: files for name, files in PRODUCTS.items() if name != "comparison" or "speciation" in self.quantities}

    def made_of(self, product: str) -> tuple[str, ...]:
        """The quantities of whose joined files a product is made."""
        return tuple(name for name in self.quantities if product != "comparison" or name in COMPARED)

    def module(self, quantity: str) -> str:
        """The module of ``scoreshock.quantities`` that computes ``quantity`` of the sweep's family."""
        return families.module_of(self.family, quantity)

    def known(self, quantity: str) -> Quantity:
        """What is known of ``quantity`` of the sweep's family."""
        return QUANTITIES[self.module(quantity)]

    def content(self, quantity: str) -> Content:
        """What ``quantity`` is computed from over the whole sweep, as plain values."""
        return _content(self, quantity, {})

    def description(self) -> Content:
        """What the sweep will hold, as plain values: split, quantities, and the blocks in order with digests of contents."""
        return {
            "sweep": self.name,
            "family": self.family,
            "split": list(self.split_values),
            "quantities": list(self.quantities),
            "blocks": [
                {
                    "name": block.name,
                    "values": dict(block.values),
                    "contents": {quantity: block.digest(quantity) for quantity in self.quantities},
                }
                for block in self.iterate()
            ],
        }

    def points(self, quantity: str) -> int:
        """Points at which the whole sweep evaluates ``quantity``."""
        return self.n_blocks * next(self.iterate()).points(quantity)


@dataclass(frozen=True)
class Block:
    """One job's part of a sweep: the split axes at one value each, every other axis whole."""

    sweep: Sweep = field(repr=False)
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """``dimension=64,schedule=ddpm``: by values, alphabetically, so that no other value or order changes it."""
        text = ",".join(f"{name}={self.values[name]}" for name in sorted(self.values)) or WHOLE
        return text if len(text) <= NAME_LENGTH else hashlib.sha256(text.encode()).hexdigest()[:16]

    def content(self, quantity: str) -> Content:
        """What ``quantity`` is computed from, as plain values: all that decides the numbers, and nothing else."""
        return _content(self.sweep, quantity, self.values)

    def digest(self, quantity: str) -> str:
        """SHA-256 of the content, which is canonical as it is made: order counts where it is the results' order."""
        return provenance.parameters_digest(self.content(quantity))

    def points(self, quantity: str) -> int:
        """Points at which ``quantity`` is evaluated: densities, times the positions and diffusion times of their grid."""
        grids = self.sweep.known(quantity).grids
        return self.densities * math.prod(written.size(self.sweep.options[name]) for name in grids)

    @property
    def densities(self) -> int:
        """Number of densities of the block."""
        return math.prod(written.size(spec) for name, spec in self.sweep.axes.items() if name not in self.values)

    def bytes(self, quantity: str) -> int:
        """Bytes of the quantity's variables before compression, every variable counted at its largest."""
        labels = len(self.content(quantity)["schedules"])
        return self.densities * self.sweep.known(quantity).size(lengths(self.sweep, labels))


def _content(sweep: Sweep, quantity: str, fixed: Mapping[str, Any]) -> Content:
    content: Content = {
        "family": sweep.family,
        "parameters": dict(sweep.parameters),
        "axes": {name: {"values": [fixed[name]]} if name in fixed else dict(spec) for name, spec in sweep.axes.items()},
        "schedules": _schedules(sweep, fixed) if quantity == "speciation" else {},
        "quantity": quantity,
        "options": {name: sweep.options[name] for name in sweep.known(quantity).options},
    }
    return content if sweep.data is None else content | {"data": sweep.data}


def _schedules(sweep: Sweep, fixed: Mapping[str, Any]) -> dict[str, Any]:
    labels = [fixed["schedule"]] if "schedule" in fixed else list(sweep.schedules)
    return {label: dict(sweep.schedules[label]) for label in labels}


def _plain(name: str, spec: Mapping[str, Any]) -> list[Any]:
    kind = int if AXES[name].integer else float
    return [kind(value) for value in written.values(spec)]
