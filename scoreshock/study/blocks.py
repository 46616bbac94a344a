"""Sweeps and their blocks: what each job computes, as plain values, with the digest that says so in names of files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scoreshock import axes as written
from scoreshock.densities import families
from scoreshock.plugins import Plugin
from scoreshock.quantities.declaration import CRITERIA, DECLARED, Quantity, declared
from scoreshock.schedules.schedule import KINDS
from scoreshock.storage import provenance
from scoreshock.storage.plans import Planned, Value

if TYPE_CHECKING:
    import xarray as xr

JOINED_BYTES = 64 * 2**30
"""Largest joined file, before compression; ours. More stays in blocks, which can be read and copied side by side."""

PRODUCTS = {"comparison": ("comparison.nc", "comparison.md"), "figures": ("figures",)}
"""What is made of a whole sweep, and the files or folders of it, in the sweep's folder."""

COMPARED = ("speciation", "corrections")
"""What a comparison is made of; figures are of all quantities."""

DIGITS = 16
"""Hexadecimal digits of a digest in names and attributes."""

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
        Axes of which every value is a block of its own, for the quantities that depend on them.
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
    plugins
        The study's plugins, which may declare figures.
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
    plugins: tuple[Plugin, ...] = ()

    def template(self, quantity: str) -> xr.Dataset:
        """What the whole quantity will hold, without its numbers (`scoreshock.study.evaluation.template`)."""
        from scoreshock.study.evaluation import template

        if quantity not in self._templates:
            self._templates[quantity] = template(self.content(quantity))
        return self._templates[quantity]

    @cached_property
    def _templates(self) -> dict[str, xr.Dataset]:
        return {}

    def split_of(self, quantity: str) -> tuple[str, ...]:
        """The split axes that some variable of ``quantity`` depends on: of these every value is a block of its own."""
        if not self.split:
            return ()
        carried = {dim for variable in self.template(quantity).data_vars.values() for dim in variable.dims}
        return tuple(axis for axis in (*self.axes, "schedule") if axis in self.split and axis in carried)

    @cached_property
    def _planned(self) -> dict[str, Planned]:
        return {}

    def planned(self, quantity: str) -> Planned:
        """What the sweep is to hold of ``quantity``: its files, their names, and the digests of what they are made from."""
        if quantity not in self._planned:
            self._planned[quantity] = self._plan(quantity)
        return self._planned[quantity]

    def _plan(self, quantity: str) -> Planned:
        content, split = self.content(quantity), self.split_of(quantity)
        kept = {**content, "axes": {axis: spec for axis, spec in content["axes"].items() if axis not in split}}
        if "schedule" in split:
            del kept["schedules"]  # each block has its own, whose digest is in its name
        code = provenance.code_digest(self.module(quantity))
        joining = [provenance.code_digest("joining")] if split else []
        return Planned(
            digest=_digest({"code": [code, *joining], "content": content, "split": split}),
            blocks_digest=_digest({"code": code, "content": kept, "split": split}) if split else "",
            split={axis: self._texts(axis) for axis in split},
            joined=not split or self.bytes(quantity) <= JOINED_BYTES,
            module=self.module(quantity),
            content=content,
        )

    def _texts(self, axis: str) -> dict[Value, str]:
        """Values of a split axis, each with its text in names."""
        if axis == "schedule":
            return {label: f"{label}-{_digest(schedule)[:8]}" for label, schedule in self.schedules.items()}
        return {value: str(value) for value in written.values(self.axes[axis]).tolist()}

    def _length(self, axis: str) -> int:
        return len(self.schedules) if axis == "schedule" else written.size(self.axes[axis])

    def blocks(self, quantity: str) -> list[Block]:
        """The parts in which ``quantity`` is computed: one for each combination of its split axes' values, in order."""
        return list(self.iterate(quantity))

    def iterate(self, quantity: str) -> Iterator[Block]:
        """The blocks one by one."""
        part = self.planned(quantity)
        if not part.split:
            yield Block(self, quantity, "", {})
            return
        for name, values in part.blocks():
            yield Block(self, quantity, name, values)

    def n_blocks(self, quantity: str) -> int:
        """Number of blocks, without making them."""
        return math.prod(self._length(axis) for axis in self.split_of(quantity))

    def is_joined(self, quantity: str) -> bool:
        """Whether a quantity ends up in one file; else, too large for that, its blocks stay the dataset."""
        return quantity in self.quantities and self.planned(quantity).joined

    @property
    def products(self) -> dict[str, tuple[str, ...]]:
        """What is made of the whole sweep, by name, with its files; nothing where not all quantities are joined."""
        if not all(map(self.is_joined, self.quantities)):
            return {}  # more than a comparison or a figure of the whole can show; parts of it, opened, can
        return {name: files for name, files in PRODUCTS.items() if name != "comparison" or "speciation" in self.quantities}

    def made_of(self, product: str) -> tuple[str, ...]:
        """The quantities of whose files a product is made."""
        return tuple(name for name in self.quantities if product != "comparison" or name in COMPARED)

    def product_digest(self, product: str) -> str:
        """Digest of the code of a product, and of what it is made of."""
        parts = {name: self.planned(name).digest for name in sorted(self.made_of(product))}
        drawn = {plugin.name: plugin.identity for plugin in self.plugins} if product == "figures" else {}
        more = {"plugins": drawn} if drawn else {}
        return _digest({"code": provenance.code_digest(product), "parts": parts, **more})

    def module(self, quantity: str) -> str:
        """What the digest of the code covers of ``quantity`` of the sweep's family."""
        return module_of(self.content(quantity))

    def known(self, quantity: str) -> Quantity:
        """The declaration of ``quantity`` of the sweep's family."""
        return declared(quantity, families.family_of(self.family).density)

    def content(self, quantity: str) -> Content:
        """What ``quantity`` is computed from over the whole sweep, as plain values."""
        content: Content = {
            "family": self.family,
            "parameters": dict(self.parameters),
            "axes": {name: dict(spec) for name, spec in self.axes.items()},
            "schedules": {label: dict(spec) for label, spec in self.schedules.items()}
            if self.known(quantity).with_schedules
            else {},
            "quantity": quantity,
            "options": {name: self.options[name] for name in self.known(quantity).options},
        }
        plugins = plugins_of(content)
        return content | ({} if self.data is None else {"data": self.data}) | ({"plugins": plugins} if plugins else {})

    def description(self) -> Content:
        """What the sweep will hold, as plain values: the content of its ``sweep.json``."""
        parts = {quantity: self.planned(quantity).plain() for quantity in self.quantities}
        return {"sweep": self.name, "family": self.family, "quantities": parts}

    def points(self, quantity: str) -> int:
        """Points at which the whole sweep evaluates ``quantity``: densities, times the positions and times of their grid."""
        carried = {dim for variable in self.template(quantity).data_vars.values() for dim in variable.dims}
        densities = math.prod(written.size(spec) for name, spec in self.axes.items() if name in carried)
        return densities * self.grid(quantity)

    def grid(self, quantity: str) -> int:
        """Points at which ``quantity`` is evaluated of each density."""
        return math.prod(written.size(self.options[name]) for name in self.known(quantity).grids)

    def bytes(self, quantity: str) -> int:
        """Bytes of all variables of ``quantity`` before compression."""
        return self.template(quantity).nbytes

    def block_bytes(self, quantity: str) -> int:
        """The same of one block."""
        return self._block_bytes(quantity, self.split_of(quantity))

    def _block_bytes(self, quantity: str, split: tuple[str, ...]) -> int:
        variables = self.template(quantity).variables.values()
        return sum(v.nbytes // math.prod(self._length(axis) for axis in split if axis in v.dims) for v in variables)


@dataclass(frozen=True)
class Block:
    """A part of a sweep's quantity: the split axes at one value each, every other axis whole; ``name`` is empty without."""

    sweep: Sweep = field(repr=False)
    quantity: str
    name: str
    values: Mapping[str, Value]

    @property
    def content(self) -> Content:
        """What it is computed from, as plain values: all that decides the numbers, and nothing else."""
        return self.sweep.planned(self.quantity).content_of(self.values)

    @property
    def file(self) -> str:
        """Its file, relative to the sweep's folder."""
        part = self.sweep.planned(self.quantity)
        return f"{part.folder}/{self.name}.nc" if self.name else f"{self.quantity}.nc"


def module_of(content: Mapping[str, Any]) -> str:
    """What the digest of a content's code covers: the module of its quantity; with plugins, all of the package."""
    if content.get("plugins"):
        return provenance.PACKAGE_CODE
    return declared(content["quantity"], families.family_of(content["family"]).density).module


def plugins_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The plugins that compute something of a content, each with its version and digest."""
    density = families.family_of(content["family"]).density
    used = [families.FAMILIES.origin(content["family"]), DECLARED.origin(declared(content["quantity"], density).module)]
    used += [KINDS.origin(spec["kind"]) for spec in content["schedules"].values()]
    criteria = content["options"].get("criteria", ())
    used += [CRITERIA.origin(f"{density}.{name}".removeprefix("mixture.")) for name in criteria]
    return {plugin.name: plugin.identity for plugin in used if plugin is not None}


def _digest(content: Mapping[str, object]) -> str:
    return provenance.parameters_digest(content)[:DIGITS]
