"""Sweeps and their blocks: the content of each job as plain values, and the digests that identify it in names of files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scoreshock import axes as written
from scoreshock.densities import families
from scoreshock.plugins import Plugin
from scoreshock.quantities.declaration import CRITERIA, DECLARED, Quantity, declared
from scoreshock.schedules.schedule import KINDS
from scoreshock.storage import provenance
from scoreshock.storage.plans import Planned, Value, unsplit

if TYPE_CHECKING:
    import xarray as xr

JOINED_BYTES = 64 * 2**30
"""Maximum size of a joined file before compression (our limit); larger results stay in blocks."""

PRODUCTS = {
    "comparison": ("{sweep}/comparison.nc", "{sweep}/comparison.md"),
    "figures": ("{sweep}/figures", "{sweep}.html"),
}
"""Products of a sweep, with their files or folders in the folder of the results."""

COMPARED = ("speciation", "corrections")
"""Quantities that a comparison reads; figures read all."""

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
        Axes along which the quantities that depend on them are split into blocks, one for each value.
    quantities, options
        Computed quantities, and all options of any quantity.
    data
        SHA-256 of the data file that the family reads, or None.
    components, features
        Numbers of components of the mixtures (of parts of the wells), and of coordinates of the means' span.
    covariances
        Structure of the components' covariances: ``isotropic``, ``shared`` or ``own``.
    density_bytes
        Bytes of the density's variables at one point, by the axes on which they depend.
    unused
        Options in the study that no quantity takes.
    figures
        What is chosen of the figures, by name, of those of which something is (`scoreshock.study.figures`).
    note
        What the sweep shows, for its pages.
    plugins
        Plugins of the study, which may declare figures.
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
    covariances: str = "isotropic"
    density_bytes: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    note: str = ""
    plugins: tuple[Plugin, ...] = ()

    def template(self, quantity: str) -> xr.Dataset:
        """Layout of the results of a quantity, without numbers (`scoreshock.study.evaluation.template`)."""
        from scoreshock.study.evaluation import template

        return self._cached("template", quantity, lambda: template(self.content(quantity)))

    @cached_property
    def _cache(self) -> dict[tuple[str, str], Any]:
        return {}

    def _cached(self, what: str, quantity: str, compute: Callable[[], Any]) -> Any:
        if (what, quantity) not in self._cache:
            self._cache[what, quantity] = compute()
        return self._cache[what, quantity]

    def _varying(self, quantity: str) -> set[str]:
        """Axes on which some variable of a quantity depends."""
        return {str(dim) for variable in self.template(quantity).data_vars.values() for dim in variable.dims}

    def split_of(self, quantity: str) -> tuple[str, ...]:
        """The split axes on which a quantity depends."""
        varying = self._varying(quantity) if self.split else set()
        return tuple(axis for axis in (*self.axes, "schedule") if axis in self.split and axis in varying)

    def planned(self, quantity: str) -> Planned:
        """Plan of a quantity: its files, their names and digests."""
        return self._cached("plan", quantity, lambda: self._plan(quantity))

    def _plan(self, quantity: str) -> Planned:
        content, split = self.content(quantity), self.split_of(quantity)
        module = module_of(content)
        code = provenance.code_digest(module)
        joining = [provenance.code_digest("joining")] if split else []
        return Planned(
            digest=_digest({"code": [code, *joining], "content": content, "split": split}),
            blocks_digest=_digest({"code": code, "content": unsplit(content, split), "split": split}) if split else "",
            split={axis: self._texts(axis) for axis in split},
            joined=not split or self.bytes(quantity) <= JOINED_BYTES,
            module=module,
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
        """Blocks of a quantity, one for each combination of the values of its split axes, in order."""
        part = self.planned(quantity)
        named = part.blocks() if part.split else [("", {})]
        return [Block(self, quantity, name, values) for name, values in named]

    def n_blocks(self, quantity: str) -> int:
        """Number of blocks, without constructing them."""
        return math.prod(self._length(axis) for axis in self.split_of(quantity))

    def is_joined(self, quantity: str) -> bool:
        """Whether the results of a quantity are in one file; otherwise they are too large, and its blocks are kept."""
        return quantity in self.quantities and self.planned(quantity).joined

    @property
    def products(self) -> dict[str, tuple[str, ...]]:
        """Products of the sweep, with their files in the folder of the results; none unless all quantities are joined."""
        if not all(map(self.is_joined, self.quantities)):
            return {}
        made = [name for name in PRODUCTS if name != "comparison" or "speciation" in self.quantities]
        return {name: tuple(file.format(sweep=self.name) for file in PRODUCTS[name]) for name in made}

    def inputs_of(self, product: str) -> tuple[str, ...]:
        """Quantities that a product reads."""
        return tuple(name for name in self.quantities if product != "comparison" or name in COMPARED)

    def reads_comparison(self, product: str) -> bool:
        """Whether a product also reads the comparison, as the page beside the figures does."""
        return product == "figures" and "comparison" in self.products

    def product_digest(self, product: str) -> str:
        """Digest of the code of a product and of what it reads."""
        parts = {name: self.planned(name).digest for name in sorted(self.inputs_of(product))}
        parts |= {"comparison": self.product_digest("comparison")} if self.reads_comparison(product) else {}
        drawn = {plugin.name: plugin.identity for plugin in self.plugins} if product == "figures" else {}
        more: dict[str, Any] = {"plugins": drawn} if drawn else {}
        if product == "figures":
            more |= {key: value for key, value in (("figures", self.figures), ("note", self.note)) if value}
        return _digest({"code": provenance.code_digest(product), "parts": parts, **more})

    def declaration(self, quantity: str) -> Quantity:
        """Declaration of a quantity for the family of the sweep."""
        return declared(quantity, families.family_of(self.family).density)

    def content(self, quantity: str) -> Content:
        """Content of a quantity: everything that determines its numbers, as plain values."""
        content: Content = {
            "family": self.family,
            "parameters": dict(self.parameters),
            "axes": {name: dict(spec) for name, spec in self.axes.items()},
            "schedules": {label: dict(spec) for label, spec in self.schedules.items()}
            if self.declaration(quantity).with_schedules
            else {},
            "quantity": quantity,
            "options": {name: self.options[name] for name in self.declaration(quantity).options},
        }
        plugins = plugins_of(content)
        return content | ({} if self.data is None else {"data": self.data}) | ({"plugins": plugins} if plugins else {})

    def description(self) -> Content:
        """Plan of the sweep as plain values, for ``sweep.json``."""
        parts = {quantity: self.planned(quantity).plain() for quantity in self.quantities}
        return {"sweep": self.name, "family": self.family, "note": self.note, "quantities": parts}

    def points(self, quantity: str) -> int:
        """Number of points at which a quantity is evaluated: densities times points of the grid of each."""
        varying = self._varying(quantity)
        densities = math.prod(written.size(spec) for name, spec in self.axes.items() if name in varying)
        return densities * self.grid(quantity)

    def grid(self, quantity: str) -> int:
        """Number of points at which a quantity is evaluated for each density."""
        return math.prod(written.size(self.options[name]) for name in self.declaration(quantity).grids)

    def bytes(self, quantity: str) -> int:
        """Bytes of all variables of a quantity before compression."""
        return self.template(quantity).nbytes

    def block_bytes(self, quantity: str) -> int:
        """Bytes of all variables of one block before compression."""
        variables, split = self.template(quantity).variables.values(), self.split_of(quantity)
        return sum(v.nbytes // math.prod(self._length(axis) for axis in split if axis in v.dims) for v in variables)


@dataclass(frozen=True)
class Block:
    """A quantity of a sweep at one value of each split axis; ``name`` is empty if there is none."""

    sweep: Sweep = field(repr=False)
    quantity: str
    name: str
    values: Mapping[str, Value]

    @property
    def content(self) -> Content:
        """Everything that determines its numbers, as plain values."""
        return self.sweep.planned(self.quantity).content_of(self.values)

    @property
    def file(self) -> str:
        """Its file, relative to the folder of the sweep."""
        part = self.sweep.planned(self.quantity)
        return f"{part.folder}/{self.name}.nc" if self.name else f"{self.quantity}.nc"


def module_of(content: Mapping[str, Any]) -> str:
    """Module for the digest of the code of a content; with plugins, all of the package."""
    if content.get("plugins"):
        return provenance.PACKAGE_CODE
    return declared(content["quantity"], families.family_of(content["family"]).density).module


def plugins_of(content: Mapping[str, Any]) -> dict[str, str]:
    """Plugins that a content uses, with their versions and digests."""
    density = families.family_of(content["family"]).density
    used = [families.FAMILIES.origin(content["family"]), DECLARED.origin(declared(content["quantity"], density).module)]
    used += [KINDS.origin(spec["kind"]) for spec in content["schedules"].values()]
    criteria = content["options"].get("criteria", ())
    used += [CRITERIA.origin(f"{density}.{name}".removeprefix("mixture.")) for name in criteria]
    return {plugin.name: plugin.identity for plugin in used if plugin is not None}


def _digest(content: Mapping[str, object]) -> str:
    return provenance.parameters_digest(content)[:DIGITS]
