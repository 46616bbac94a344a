"""Provenance of files: digests of code, parameters and data, versions, commit, and the global attributes that hold them.

The digest of a quantity's code covers the modules that can change its numbers and nothing else, so that a changed kernel
outdates only the files that depend on it. Each module of a quantity (``speciation``, ``wells.speciation``) has its own.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from scoreshock.conventions import CF_VERSION, REFERENCE, entries

PACKAGE = Path(__file__).parents[1]
FORMAT = 2
"""Version of the files' format, raised when their meaning changes: files of other versions are refused and recomputed."""
LIBRARIES = ("numpy", "scipy", "xarray", "dask", "netCDF4")
DERIVED = {
    "networks.diagnosis": ("networks.diagnosis", "study.evaluation"),
    "networks training": ("networks.training", "networks.files"),
    "networks.step_study": ("networks.step_study",),
    "networks steps": ("networks.step_winners", "networks.step_files", "figures.page", "figures.picture"),
    "networks tables": ("networks.tables", "figures.page", "figures.picture"),
    "joining": ("storage.joining",),
    "comparison": ("comparison", "quantities.sampling_times", "quantities.schedule_time"),
    "figures": ("figures", "figures.page", "figures.picture", "reports.sweep"),
    "index": ("reports.study",),
    "verification": ("paper.table",),
    "verification figures": ("paper.drawing", "figures.page", "figures.picture"),
    "verification page": ("paper.page",),
    "examples": ("examples", "examples.cloning_mnist", "examples.guidance_intervals", "figures.page", "figures.picture"),
}
"""Modules that compute the products that are derived from files, and the quantities that other packages declare."""

PACKAGE_CODE = "package"
"""Stands for all sources of the package; results of plugins may depend on any of them."""

TEMPLATES = {
    "verification page": ("paper/templates/*.j2", "pages/*.*[!y]"),
    "figures": ("pages/*.*[!y]", "reports/templates/*.j2"),
    "networks steps": ("pages/*.*[!y]",),
    "networks tables": ("pages/*.*[!y]",),
    "index": ("pages/*.*[!y]", "reports/templates/*.j2"),
    "verification figures": ("pages/*.*[!y]",),
    "examples": ("examples/*.csv", "pages/*.*[!y]"),
}
"""Templates that count as code."""

IGNORED = ("ctx", "kind", "type_comment")
"""Fields of syntax trees that follow from the position of a node, or from its spelling."""

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

DIGEST = "scoreshock_digest"
"""Attribute of every file of the results: digest of the code and parameters that it was computed from."""

LISTED = 12  # maximum number of values of a list that an attribute contains
GIT_TIMEOUT = 10.0  # seconds, because a sleeping network drive must not delay a job

Attributes = dict[str, str | int | float]

_DIGESTS: dict[tuple[str, Path], str] = {}


def code_digest(module: str, package: Path = PACKAGE) -> str:
    """Return the SHA-256 digest of the code that computes a quantity, 64 hexadecimal digits.

    It covers the format of files, the syntax trees without docstrings of the modules listed by `code_modules`, and the
    templates of a page. Comments, layout, docstrings, and descriptions and references of variables do not count. It does not
    depend on the version of Python, and is computed once in a process.

    Parameters
    ----------
    module : str
        Module of a quantity in ``scoreshock.quantities``, such as ``wells.speciation``; a key of `DERIVED`; `PACKAGE_CODE`.
    package : Path
        Folder of the sources of the package.

    Raises
    ------
    FileNotFoundError
        If the package has no such module.

    Examples
    --------
    >>> len(code_digest("speciation"))
    64
    """
    key = (module, Path(package))
    if key not in _DIGESTS:
        _DIGESTS[key] = _code_digest(*key)
    return _DIGESTS[key]


def known_code() -> dict[str, Any]:
    """Return the digests that this process has computed, for `take_known_code` in another one."""
    digests = {module: digest for (module, package), digest in _DIGESTS.items() if package == PACKAGE}
    return {"sources": _sources_digest(PACKAGE), "digests": digests}


def take_known_code(known: Mapping[str, Any]) -> None:
    """Use the digests from `known_code` of another process, unless the sources of the package have changed since."""
    if known["sources"] == _sources_digest(PACKAGE):
        _DIGESTS.update({(module, PACKAGE): digest for module, digest in known["digests"].items()})


def code_modules(module: str, package: Path = PACKAGE) -> tuple[str, ...]:
    """Return the names of the modules that a quantity depends on, sorted; arguments as in `code_digest`.

    They are the transitive imports, anywhere in a file, of the quantity's module and of ``study.evaluation``. Not followed
    are imports of quantities by ``evaluation``, by the package ``quantities`` and by the registry, which only select one of
    them, and imports of the top-level package, which only re-exports.
    """
    return tuple(sorted(_closure(module, Path(package))))


def parameters_digest(content: Mapping[str, object]) -> str:
    """Return the SHA-256 digest of the JSON of ``content``."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def canonical_json(content: Mapping[str, object]) -> str:
    """Return ``content`` as JSON without spaces and NaN; the order of keys is kept, because it is that of the results."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def is_of_this_code(attributes: Mapping[str, object], quantity: str) -> bool:
    """Return whether the present code computed the file of ``quantity`` with these global attributes."""
    try:
        return attributes.get("scoreshock_code_digest") == code_digest(str(attributes.get("scoreshock_module", quantity)))
    except FileNotFoundError:
        return False  # the module was removed


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
    """Return the global attributes of the file with the results of ``quantity`` for ``content``.

    Parameters
    ----------
    content : mapping
        Content of a block, as plain values for JSON.
    quantity : str
        Name of the quantity.
    threads : int, optional
        Number of threads of Dask; by default the configured one.
    module : str, optional
        Module that computed it, as in `code_digest`; by default ``quantity``.
    sweep, study, author, note : str, optional
        Name of the sweep and title of the study, for the title; author; remarks for a reader.

    Returns
    -------
    dict
        Text and numbers. First the attributes for a reader, as far as they apply: CF's ``title``, ``author``, ``comment``
        (the note), ``summary``, ``family``, and ``parameters, axes, options, schedules`` with a line for each entry. Then
        CF's ``Conventions, source, references, history``, and names that begin with ``scoreshock_`` for module, parameters
        (as JSON, with the digest of the data file), digest of the code, commit, versions of libraries, and threads.

    Examples
    --------
    >>> axes = {"separation": {"start": 0.5, "stop": 8.0, "num": 76}, "variance": {"values": [1.0]}}
    >>> text = attributes({"family": "pair", "axes": axes}, "speciation", sweep="pair")
    >>> print(text["title"], text["axes"], sep="\\n")
    speciation of the sweep pair (family pair)
    separation: 0.5 to 8, 76 values
    variance: 1
    """
    commit, dirty = commit_of()
    family = content.get("family", "unknown")
    subject = f"{quantity} of the sweep {sweep} (family {family})" if sweep else f"{quantity} of the family {family}"
    about = {"title": f"{subject}; {study}" if study else subject, "author": author, "comment": note}
    return {
        **{name: text for name, text in about.items() if text},
        **_readable_parts(content),
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
    }


def of_content(content: Mapping[str, object]) -> Attributes:
    """Return the global attributes that depend on the content alone."""
    return {
        **_readable_parts(content),
        "scoreshock_parameters": canonical_json(content),
    }


def _readable_parts(content: Mapping[str, object]) -> Attributes:
    parts = {name: _lines(content.get(name)) for name in ("parameters", "axes", "options", "schedules", "plugins")}
    first = {"summary": _summary(content), "family": str(content.get("family", ""))}
    return {name: text for name, text in (first | parts).items() if text}


def _summary(content: Mapping[str, object]) -> str:
    """Sentences that say what a file holds and how to read it; empty for what is no sweep."""
    axes, schedules = content.get("axes"), content.get("schedules")
    if not isinstance(axes, Mapping) or "quantity" not in content:
        return ""
    sizes = {name: len(spec["values"]) if "values" in spec else spec["num"] for name, spec in axes.items()}
    over = " x ".join(f"{name} ({size})" for name, size in sizes.items())
    clocks = f", in the schedules {', '.join(schedules)}" if isinstance(schedules, Mapping) and schedules else ""
    of = f"{content['quantity']} of the family {content.get('family', 'unknown')}"
    return (
        f"{of} over {over or 'one point'}{clocks}. A number is missing or void where its status, a variable "
        "named in ancillary_variables, is not ok. In Python, "
        "scoreshock.open_results opens it, and .scoreshock of the dataset says more."
    )


def dask_threads() -> int:
    """Return the number of threads that Dask is configured to use."""
    import dask
    from dask.system import CPU_COUNT

    return dask.config.get("num_workers", None) or CPU_COUNT


def history(event: str) -> str:
    """Return a line of the attribute ``history``: the time in UTC and the event."""
    return f"{datetime.now(UTC).isoformat(timespec='seconds')} {event}"


@cache
def package_version() -> str:
    """Return the installed version of scoreshock, or ``unknown``."""
    try:
        return importlib.metadata.version("scoreshock")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in LIBRARIES}}


@cache
def commit_of(package: Path = PACKAGE) -> tuple[str, str]:
    """Return the commit of the checkout of ``package``, and ``yes`` or ``no``: whether the package differs from it.

    Both are ``unknown`` without git, outside a checkout, and in the repository of another project (for example in an
    environment inside of it).
    """
    try:
        _git(package, "ls-files", "--error-unmatch", "--", "__init__.py")
        commit = _git(package, "rev-parse", "HEAD").strip()
        return commit, "yes" if _git(package, "status", "--porcelain", "--", ".").strip() else "no"
    except (OSError, subprocess.SubprocessError):
        return "unknown", "unknown"


def _git(folder: Path, *arguments: str) -> str:
    # GIT_DIR of a hook is that of another repository, and concurrent jobs cannot all lock the index.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=GIT_TIMEOUT).stdout


def _lines(entries: object) -> str:
    """A line of text for each entry of a mapping."""
    if not isinstance(entries, Mapping):
        return ""
    return "\n".join(f"{name}: {_readable(value)}" for name, value in entries.items() if value is not None)


def _readable(value: object) -> str:
    """Text of a value of a study; of long lists the length and both ends."""
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    if isinstance(value, list | tuple):
        texts = [f"[{_readable(item)}]" if isinstance(item, list | tuple) else _readable(item) for item in value]
        return ", ".join(texts) if len(texts) <= LISTED else f"{len(texts)} values, {texts[0]} ... {texts[-1]}"
    if not isinstance(value, Mapping):
        return str(value)
    rest = dict(value)
    texts = [_readable(rest.pop(key)) for key in ("kind", "values") if key in rest]
    if {"start", "stop", "num"} <= rest.keys():
        start, stop, number = (_readable(rest.pop(key)) for key in ("start", "stop", "num"))
        texts.append(f"{start} to {stop}, {number} values")
    return ", ".join([*texts, *(f"{key} {_readable(item)}" for key, item in rest.items() if item is not None)])


def _sources_digest(package: Path) -> str:
    """Digest of all sources, which takes a fiftieth of the time of `code_digest`."""
    digest = hashlib.sha256()
    for path in sorted(path for suffix in ("py", "j2", "html", "css", "js") for path in package.rglob(f"*.{suffix}")):
        digest.update(f"{path.relative_to(package)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _code_digest(module: str, package: Path) -> str:
    if module == PACKAGE_CODE:
        return _sources_digest(package)
    digest = hashlib.sha256(f"format {FORMAT}\n".encode())
    for name in code_modules(module, package):
        digest.update(f"{name}\n{_parsed(name, package)[0]}\n".encode())
    for path in sorted(path for pattern in TEMPLATES.get(module, ()) for path in package.glob(pattern)):
        digest.update(f"{path.name}\n{path.read_text('utf-8')}\n".encode())
    return digest.hexdigest()


def _closure(module: str, package: Path) -> set[str]:
    root = package.name
    waiting = [f"{root}.{name}" for name in DERIVED.get(module, (f"quantities.{module}", "study.evaluation"))]
    quantities, registry = f"{root}.quantities", f"{root}.quantities.declaration"
    dispatchers = {f"{root}.study.evaluation", quantities, registry}
    modules: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in modules:
            continue
        modules.add(name)
        targets = _parsed(name, package)[1] - {root}
        followed = {each for each in targets if each == registry or not each.startswith(f"{quantities}.")}
        waiting.extend(followed if name in dispatchers else targets)
    return modules


@cache
def _parsed(name: str, package: Path) -> tuple[str, frozenset[str]]:
    """Code of a module as text without docstrings, and the modules of the package that it imports anywhere."""
    path = next((path for path in _candidates(name, package) if path.is_file()), None)
    if path is None:
        raise FileNotFoundError(f"module {name} has no source file in {package}")
    tree = ast.parse(path.read_text("utf-8"))
    parents = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    imported: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported.update(_imported(node, parents, package))
    return _spelled(tree), frozenset(imported)


def _spelled(node: object) -> str:
    """A syntax tree as text; `ast.unparse` and `ast.dump` depend on the version of Python."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Variable", "variables"):
        node = _without_descriptions(node)
    if isinstance(node, ast.AST):
        fields = [(name, getattr(node, name, None)) for name in node._fields if name not in IGNORED]
        texts = [f"{name}={_spelled(value)}" for name, value in fields if value is not None and value != []]
        return f"{type(node).__name__}({''.join(texts)})"
    return f"[{''.join(f'{_spelled(item)},' for item in node)}]" if isinstance(node, list) else repr(node)


def _without_descriptions(call: ast.Call) -> ast.Call:
    """A declaration of variables without descriptions and references, which change no result."""
    keywords = [keyword for keyword in call.keywords if keyword.arg not in ("description", "references")]
    if getattr(call.func, "id", "") == "Variable":
        return ast.Call(call.func, call.args[:4], keywords)
    text = ast.literal_eval(call.args[0])
    declared = "\n".join(entry.partition(" |")[0] for entry in entries(text))
    return ast.Call(call.func, [ast.Constant(declared), *call.args[1:]], keywords)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes that are or contain statements; expressions, which are most of a tree, are omitted."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))


def _imported(node: ast.Import | ast.ImportFrom, parents: Sequence[str], package: Path) -> Iterator[str]:
    """Modules of the package that a statement imports; ``from a.b import c`` is ``a.b.c`` if that exists, else ``a.b``."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == package.name)
        return
    prefix = parents[: len(parents) - node.level + 1] if node.level else []
    origin = ".".join([*prefix, *([node.module] if node.module else [])])
    if origin.split(".")[0] == package.name:
        for alias in node.names:
            candidate = f"{origin}.{alias.name}"
            yield candidate if any(path.is_file() for path in _candidates(candidate, package)) else origin


def _candidates(name: str, package: Path) -> tuple[Path, Path]:
    path = package.joinpath(*name.split(".")[1:])
    return path / "__init__.py", path.with_name(f"{path.name}.py")
