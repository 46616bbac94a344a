"""Where a file comes from: digests of code, parameters and data, versions, commit, and the attributes that say so.

The digest of a quantity's code covers the modules that can change its numbers and nothing else, so that a changed
kernel makes exactly the files that depend on it stale. Where kinds of families have modules of their own for one quantity
(``speciation`` of mixtures, ``wells.speciation``), each module has its digest, and a file names the one that computed it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from scoreshock.conventions import CF_VERSION, REFERENCE

PACKAGE = Path(__file__).parents[1]
FORMAT = 2
"""Number of the files' format. A change of what files mean raises it: files of another number are refused by name, and
every digest of code changes with it, so that the workflow makes them again."""
LIBRARIES = ("numpy", "scipy", "xarray", "dask", "netCDF4")
DERIVED = {
    "joining": ("storage.joining",),
    "comparison": ("comparison", "quantities.sampling_times", "quantities.schedule_time"),
    "figures": ("figures", "figures.page", "figures.picture"),
    "verification": ("paper.table",),
    "verification figures": ("paper.drawing", "figures.page", "figures.picture"),
    "verification page": ("paper.page",),
}
"""What is made from the quantities' files, and the modules that make it."""

PACKAGE_CODE = "package"
"""Stands for all sources of the package, which what a plugin computes may depend on."""

TEMPLATES = {
    "verification page": "paper/templates/*.j2",
    **dict.fromkeys(("figures", "verification figures"), "figures/*.html"),
}
"""Texts that are code too."""

UNSAID = ("ctx", "kind", "type_comment")
"""Fields of syntax trees that follow from the place of a node, or from how it is written."""

VARIABLE_ARGUMENTS = 4
"""Arguments of a declared `Variable` before its description and source, which change no result."""

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

DIGEST = "scoreshock_digest"
"""Attribute of every file of the results: the digest of the code and of the parameters that it was made by and from."""

LISTED = 12  # values of a list that are written out for a reader
GIT_TIMEOUT = 10.0  # seconds; a checkout on a sleeping network drive must not hold up a job

Attributes = dict[str, str | int | float]


def code_digest(module: str, package: Path = PACKAGE) -> str:
    """Return the SHA-256 digest of the code that a quantity is computed by.

    It covers the number of the files' format, and the syntax trees of the modules listed by `code_modules`, without
    docstrings: comments, layout and docstrings do not count, names, numbers and statements do; and the templates of a page.
    It is the same under every version of Python that parses them.
    The answer is cached for the life of the process.

    Parameters
    ----------
    module : str
        Module of the package's ``quantities`` that declares a quantity, such as ``speciation`` or ``wells.speciation``; what
        is made from their files (`DERIVED`); or `PACKAGE_CODE`.
    package : Path
        Folder of the package's sources.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    FileNotFoundError
        When the package has no such module.

    Examples
    --------
    >>> len(code_digest("speciation"))
    64
    """
    known = _KNOWN.get(module) if package == PACKAGE else None
    return known or _code_digest(module, Path(package))


_KNOWN: dict[str, str] = {}


def known_code() -> dict[str, Any]:
    """Return the digests of code that this process has found, so that another one (`take_known_code`) need not."""
    return {"sources": _sources_digest(), "digests": {module: code_digest(module) for module in _ASKED}}


def take_known_code(known: Mapping[str, Any]) -> None:
    """Take what `known_code` gave in another process, where the sources of the package are still the same."""
    if known["sources"] == _sources_digest():
        _KNOWN.update(known["digests"])


def code_modules(module: str, package: Path = PACKAGE) -> tuple[str, ...]:
    """Return the names of the modules that a quantity depends on, sorted; arguments as in `code_digest`.

    It is the closure, under imports found anywhere in a file, of the quantity's own module and ``evaluation`` (which
    brings families, mixtures and schedules). Two kinds of import are not followed: those of quantity modules from
    ``evaluation``, from the ``quantities`` package itself and from their registry, which only dispatch, and those of the
    top-level package, which only re-exports.
    """
    return tuple(sorted(_closure(module, Path(package))))


def parameters_digest(content: Mapping[str, object]) -> str:
    """Return the SHA-256 digest of the JSON of ``content``, which is that of ``scoreshock_parameters`` in its file."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def canonical_json(content: Mapping[str, object]) -> str:
    """Return ``content`` as JSON without spaces, refusing NaN; keys stay in order, which is that of the results."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 digest of the bytes of the file at ``path``."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_of_this_code(attributes: Mapping[str, object], quantity: str) -> bool:
    """Return whether the file with these global attributes, of ``quantity``, was computed by the code as it is now."""
    try:
        return attributes.get("scoreshock_code_digest") == code_digest(str(attributes.get("scoreshock_module", quantity)))
    except FileNotFoundError:
        return False  # by a module that is no more


def attributes(
    content: Mapping[str, object],
    quantity: str,
    threads: int | None = None,
    module: str | None = None,
    *,
    sweep: str = "",
    study: str = "",
    author: str = "",
    note: str = "",
) -> Attributes:
    """Return the global attributes of the file that holds ``quantity`` of the block ``content``.

    Parameters
    ----------
    content : mapping
        The resolved content of the block, plain enough for JSON.
    quantity : str
        Name of the quantity.
    threads : int, optional
        Number of Dask's threads; by default what Dask is configured to use.
    module : str, optional
        Module that computed it, as in `code_digest`; by default that of the quantity's name.
    sweep, study, author, note : str, optional
        Name of the sweep and title of the study, which the title says; who made it; what else a reader should know.

    Returns
    -------
    dict
        Text and numbers only. First what a reader looks for: CF's ``title``, ``author``, ``comment`` (the note), ``family``,
        and ``parameters, axes, options, schedules`` with a line for each of their entries, those of them that there are.
        Then CF's ``Conventions, source, references, history``, and names beginning with ``scoreshock_`` for module,
        parameters (as JSON), digests, commit, library versions, threads and, where the content has them, seed, scaling and
        digest of the data file.

    Examples
    --------
    >>> axes = {"separation": {"start": 0.5, "stop": 8.0, "num": 76}, "variance": {"values": [1.0]}}
    >>> made = attributes({"family": "pair", "axes": axes}, "speciation", sweep="pair")
    >>> print(made["title"], made["axes"], sep="\\n")
    speciation of the sweep pair (family pair)
    separation: 0.5 to 8, 76 values
    variance: 1
    """
    commit, dirty = commit_of()
    family = content.get("family", "unknown")
    subject = f"{quantity} of the sweep {sweep} (family {family})" if sweep else f"{quantity} of the family {family}"
    read = {
        "title": f"{subject}; {study}" if study else subject,
        "author": author,
        "comment": note,
    }
    return {
        **{name: text for name, text in read.items() if text},
        **_told(content),
        "Conventions": CF_VERSION,
        "source": f"scoreshock {package_version()}",
        "references": REFERENCE,
        "history": history(f"scoreshock computed {quantity}"),
        "scoreshock_quantity": quantity,
        "scoreshock_module": module or quantity,
        **of_content(content),
        "scoreshock_code_digest": code_digest(module or quantity),
        "scoreshock_git_commit": commit,
        "scoreshock_git_dirty": dirty,
        "scoreshock_libraries": json.dumps(library_versions()),
        "scoreshock_threads": threads or dask_threads(),
        **_optional(content),
    }


def of_content(content: Mapping[str, object]) -> Attributes:
    """Return those of the global attributes that say what a file holds."""
    return {
        **_told(content),
        "scoreshock_parameters": canonical_json(content),
        "scoreshock_parameters_digest": parameters_digest(content),
    }


def _told(content: Mapping[str, object]) -> Attributes:
    parts = {name: _lines(content.get(name)) for name in ("parameters", "axes", "options", "schedules", "plugins")}
    return {name: text for name, text in ({"family": str(content.get("family", ""))} | parts).items() if text}


def dask_threads() -> int:
    """Return how many threads Dask is configured to use."""
    import dask
    from dask.system import CPU_COUNT

    return dask.config.get("num_workers", None) or CPU_COUNT


def history(event: str) -> str:
    """Return a line of a ``history`` attribute: the time in UTC, and what happened."""
    return f"{datetime.now(UTC).isoformat(timespec='seconds')} {event}"


@cache
def package_version() -> str:
    """Return the installed version of scoreshock, ``unknown`` where it runs without being installed."""
    try:
        return importlib.metadata.version("scoreshock")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers pass through."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}


@cache
def commit_of(package: Path = PACKAGE) -> tuple[str, str]:
    """Return the commit of the checkout that holds ``package``, and whether the package differs from it.

    The second is ``yes`` or ``no``. Both are ``unknown`` outside a checkout, without git, and where the package only
    lies inside somebody else's repository (an environment folder in a project).
    """
    try:
        _git(package, "ls-files", "--error-unmatch", "--", "__init__.py")
        commit = _git(package, "rev-parse", "HEAD").strip()
        return commit, "yes" if _git(package, "status", "--porcelain", "--", ".").strip() else "no"
    except (OSError, subprocess.SubprocessError):
        return "unknown", "unknown"


def _git(folder: Path, *arguments: str) -> str:
    # A hook's GIT_DIR would point elsewhere; optional locks would make concurrent jobs fight over the index.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    run = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        text=True,
        check=True,
        timeout=GIT_TIMEOUT,
    )
    return run.stdout


def _lines(entries: object) -> str:
    """A line for each entry of a mapping, as one reads it."""
    if not isinstance(entries, Mapping):
        return ""
    return "\n".join(f"{name}: {_readable(value)}" for name, value in entries.items() if value is not None)


def _readable(value: object) -> str:
    """A value of a study in words; long lists by their number and ends."""
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    if isinstance(value, list | tuple):
        texts = [f"[{_readable(item)}]" if isinstance(item, list | tuple) else _readable(item) for item in value]
        return ", ".join(texts) if len(texts) <= LISTED else f"{len(texts)} values, {texts[0]} ... {texts[-1]}"
    if not isinstance(value, Mapping):
        return str(value)
    rest = dict(value)
    said = [_readable(rest.pop(key)) for key in ("kind", "values") if key in rest]
    if {"start", "stop", "num"} <= rest.keys():
        start, stop, number = (_readable(rest.pop(key)) for key in ("start", "stop", "num"))
        said.append(f"{start} to {stop}, {number} values")
    return ", ".join([*said, *(f"{key} {_readable(item)}" for key, item in rest.items() if item is not None)])


def _optional(content: Mapping[str, object]) -> Attributes:
    """Seed, scaling and data digest, those of them that the content has."""
    parameters = content.get("parameters")
    given = parameters if isinstance(parameters, Mapping) else {}
    candidates = {
        "scoreshock_seed": given.get("seed"),
        "scoreshock_scaling": given.get("scaling"),
        "scoreshock_data_digest": content.get("data"),
    }
    return {name: value for name, value in candidates.items() if isinstance(value, str | int | float)}


def imports(name: str, package: Path = PACKAGE) -> frozenset[str]:
    """Return the package's modules that the module ``name`` imports, anywhere in its file.

    ``from package.sub import thing`` is the module ``package.sub.thing`` where that exists, else ``package.sub``.
    """
    return _parsed(name, Path(package)).imports


_ASKED: dict[str, None] = {}


def _sources_digest(package: Path | None = None) -> str:
    """Return the digest of all sources, which takes a fiftieth of the time of one `code_digest`."""
    digest, package = hashlib.sha256(), package or PACKAGE
    for path in sorted(path for suffix in ("py", "j2", "html") for path in package.rglob(f"*.{suffix}")):
        digest.update(f"{path.relative_to(package)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def _code_digest(module: str, package: Path) -> str:
    if module == PACKAGE_CODE:
        return _sources_digest(package)
    digest = hashlib.sha256(f"format {FORMAT}\n".encode())
    for name in code_modules(module, package):
        digest.update(f"{name}\n{_parsed(name, package).code}\n".encode())
    for path in sorted(package.glob(TEMPLATES[module])) if module in TEMPLATES else ():
        digest.update(f"{path.name}\n{path.read_text('utf-8')}\n".encode())
    if package == PACKAGE:
        _ASKED[module] = None
    return digest.hexdigest()


def _closure(module: str, package: Path) -> set[str]:
    root = package.name
    waiting = [f"{root}.{name}" for name in DERIVED.get(module, (f"quantities.{module}", "study.evaluation"))]
    quantities, registry = f"{root}.quantities", f"{root}.quantities.declaration"
    dispatchers = {f"{root}.study.evaluation", quantities, registry}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        targets = imports(name, package) - {root}
        followed = {each for each in targets if each == registry or not each.startswith(f"{quantities}.")}
        waiting.extend(followed if name in dispatchers else targets)
    return found


class Parsed(NamedTuple):
    """A module's file: its syntax tree without docstrings, as text, and what `imports` says of it."""

    code: str
    imports: frozenset[str]


@cache
def _parsed(name: str, package: Path) -> Parsed:
    path = _source(name, package)
    tree = ast.parse(path.read_text("utf-8"))
    parents = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    imported: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported.update(_imported(node, parents, package))
    return Parsed(_spelled(tree), frozenset(imported))


def _spelled(tree: ast.AST) -> str:
    """Return a syntax tree as text; `ast.unparse` and `ast.dump` print one tree differently in different versions."""
    written: list[str] = []
    _spell(tree, written.append)
    return "".join(written)


def _spell(node: object, write: Callable[[str], None]) -> None:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Variable":
        said = [keyword for keyword in node.keywords if keyword.arg not in ("description", "references")]
        node = ast.Call(node.func, node.args[:VARIABLE_ARGUMENTS], said)
    if isinstance(node, ast.AST):
        write(type(node).__name__ + "(")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and name not in UNSAID:
                write(name + "=")
                _spell(value, write)
        write(")")
    elif type(node) is list:
        write("[")
        for item in node:
            _spell(item, write)
            write(",")
        write("]")
    else:
        write(repr(node))


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all nodes that can be, or hold, a statement; expressions, which are most of a tree, are left out."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))


def _imported(node: ast.Import | ast.ImportFrom, parents: Sequence[str], package: Path) -> Iterator[str]:
    """Yield the package's modules that one statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == package.name)
        return
    prefix = parents[: len(parents) - node.level + 1] if node.level else []
    origin = ".".join([*prefix, *([node.module] if node.module else [])])
    if origin.split(".")[0] == package.name:
        yield from (_module_of(origin, alias.name, package) for alias in node.names)


def _module_of(origin: str, name: str, package: Path) -> str:
    candidate = f"{origin}.{name}"
    return candidate if any(path.is_file() for path in _candidates(candidate, package)) else origin


def _candidates(name: str, package: Path) -> tuple[Path, Path]:
    place = package.joinpath(*name.split(".")[1:])
    return place / "__init__.py", place.with_name(f"{place.name}.py")


def _source(name: str, package: Path) -> Path:
    for path in _candidates(name, package):
        if path.is_file():
            return path
    raise FileNotFoundError(f"module {name} has no source file in {package}")
