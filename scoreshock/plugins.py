"""What is declared by name, such as families and quantities, and the plugins that declare more of it from outside.

A plugin is a Python file or an importable module. Importing it runs its code, so nothing here imports one unless it is
asked to, and a study may name plugins only where the command line allows them.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from scoreshock.checks import show

Declared = TypeVar("Declared")

OURS = __name__.partition(".")[0]


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin.

    Attributes
    ----------
    name
        Name of its file without folders, or of its top-level module: what is moved stays the same plugin.
    version
        Name and version of the installed package that it belongs to, else empty.
    digest
        SHA-256 of its sources.
    reference
        Path of its file, which ends in ``.py``, or name of the module that is imported.
    """

    name: str
    version: str
    digest: str
    reference: str = field(compare=False)

    @property
    def identity(self) -> str:
        """Version and digest as text."""
        return ", ".join(filter(None, [self.version, f"sha256 {self.digest}"]))


LOADED: dict[str, Plugin] = {}
"""Plugins of this process by the top-level name of their modules."""


class Registry(dict[str, Declared]):
    """Declarations of one sort by name; each remembers the module of its function.

    Parameters
    ----------
    what
        What is declared, for messages.
    group
        Entry points of installed packages that declare more.
    """

    def __init__(self, what: str, group: str) -> None:
        super().__init__()
        self.what, self.group = what, f"{OURS}.{group}"
        self._functions: dict[str, Callable[..., Any]] = {}

    def add(self, name: str, declared: Declared, function: Callable[..., Any]) -> None:
        """Declare ``name``; ``ValueError`` where another function has it."""
        other = self._functions.get(name, function)
        if (other.__module__, other.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"{self.what} {name!r} is declared already, in {other.__module__}; allowed: another name")
        self[name], self._functions[name] = declared, function

    def origin(self, name: str) -> Plugin | None:
        """The plugin that declares ``name``; None for the package and for a session."""
        return LOADED.get(self._functions[name].__module__.partition(".")[0])

    def builtin(self) -> tuple[str, ...]:
        """Names that the package declares."""
        return tuple(name for name, function in self._functions.items() if function.__module__.startswith(f"{OURS}."))

    def visible(self, plugins: Iterable[Plugin]) -> tuple[str, ...]:
        """Names that a study with these plugins may use: of the package, of the session and of the plugins."""
        allowed = (None, *plugins)
        return tuple(name for name in self if self.origin(name) in allowed)

    def entry_points(self) -> set[str]:
        """Names that installed packages declare."""
        return {point.name for point in metadata.entry_points(group=self.group)}

    def installed(self, name: str) -> list[Plugin]:
        """Load the installed plugins whose entry points declare ``name``, with the figures of the same packages."""
        points = list(metadata.entry_points(group=self.group, name=name))
        packages = {point.dist.name for point in points if point.dist}
        figures = metadata.entry_points(group=f"{OURS}.figures") if points else ()
        points += [point for point in figures if point.dist and point.dist.name in packages]
        return [load(point.module, f"{point.dist.name} {point.dist.version}" if point.dist else "") for point in points]


def load(reference: str, version: str | None = None) -> Plugin:
    """Import a plugin, which declares what it has.

    Parameters
    ----------
    reference
        Path of a file that ends in ``.py``, relative to the current folder, or name of a module.
    version
        Name and version of its installed package; looked up by default.

    Raises
    ------
    ValueError
        Where it cannot be imported; the message says why.
    """
    if not isinstance(reference, str) or not reference:
        raise ValueError(f"{show(reference)} is not a plugin; allowed: a path to a .py file, or the name of a module")
    try:
        return _load_file(reference) if reference.endswith(".py") else _load_module(reference, version)
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{show(reference)} cannot be loaded: {reason}") from error


def restore(described: Iterable[Mapping[str, str]]) -> None:
    """Load plugins as `plain` describes them; ``ValueError`` where one has changed since."""
    for values in described:
        expected = Plugin(**values)
        if load(expected.reference, expected.version) != expected:
            raise ValueError(f"the plugin {expected.reference} has changed since the run began; run the study again")


def plain(plugins: Iterable[Plugin]) -> list[dict[str, str]]:
    """Plain values from which another process can `restore` the plugins."""
    return [asdict(plugin) for plugin in plugins]


def digest(reference: str) -> str:
    """SHA-256 of a plugin's sources: of a file, or of all of the top-level package of a module."""
    if reference.endswith(".py"):
        return hashlib.sha256(Path(reference).read_bytes()).hexdigest()
    spec = find_spec(reference.partition(".")[0])
    if spec is None:
        raise ModuleNotFoundError(f"No module named {reference!r}")
    folders = sorted(map(Path, spec.submodule_search_locations or ()))
    files = [(path.relative_to(folder), path) for folder in folders for path in sorted(folder.rglob("*.py"))]
    if not files:
        files = [(Path(str(spec.origin)).relative_to(Path(str(spec.origin)).parent), Path(str(spec.origin)))]
    total = hashlib.sha256()
    for name, path in files:
        content = path.read_bytes()
        total.update(f"{name.as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()


def _load_file(reference: str) -> Plugin:
    path = Path(reference)
    source = path.read_bytes()
    plugin = Plugin(path.name, "", hashlib.sha256(source).hexdigest(), reference)
    if LOADED.get(path.stem) == plugin:
        return plugin
    taken = find_spec(path.stem) if path.stem not in LOADED else None
    if not path.stem.isidentifier() or (taken and not _is_file(taken.origin, path)):
        raise ValueError(f"{path.stem!r} is not a free module name; allowed: another file name")
    # Not by an import, which could take the bytecode of an earlier version of the file.
    module = ModuleType(path.stem)
    module.__file__ = str(path.absolute())
    sys.modules[path.stem], LOADED[path.stem] = module, plugin
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[path.stem], LOADED[path.stem]
        raise
    return plugin


def _is_file(origin: str | None, path: Path) -> bool:
    return origin is not None and Path(origin).exists() and Path(origin).samefile(path)


def _load_module(reference: str, version: str | None) -> Plugin:
    top = reference.partition(".")[0]
    if top == OURS:
        raise ValueError("it is this package itself")
    plugin = Plugin(top, _version(top) if version is None else version, digest(reference), reference)
    import_module(reference)
    LOADED[top] = plugin
    return plugin


def _version(top: str) -> str:
    """Name and version of the distribution that a top-level module belongs to; empty where there is none."""
    names = metadata.packages_distributions().get(top, [])
    return f"{names[0]} {metadata.version(names[0])}" if names else ""
