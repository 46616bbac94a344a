"""Check a study from a mapping or a file; all problems are reported at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scoreshock import plugins
from scoreshock.checks import check_folder, switch
from scoreshock.plugins import Plugin
from scoreshock.schedules.recognition import parameters_of
from scoreshock.storage.plans import NAME_LENGTH
from scoreshock.study import models
from scoreshock.study.blocks import Sweep
from scoreshock.study.errors import Report, StudyError, show
from scoreshock.study.messages import messages
from scoreshock.study.reading import holds_more_than, read_yaml
from scoreshock.study.resolve import check_unread, resolve_schedule, resolve_sweep
from scoreshock.study.vocabulary import Vocabulary, file_axes, load_installed, vocabulary

DEEPEST = ("s" * 64, "blocks", "q" * 40, "b" * NAME_LENGTH)  # longest path in the folder of the results
REQUIRED = ("family", "axes", "quantities")  # keys of a sweep
OPTIONAL = ("schedules", "paper", "title", "author", "note", "plugins")  # keys that may be empty
RESERVED = ("logs", "benchmarks", "index")  # folders and pages next to those of the sweeps
NODES_LIMIT = 10**6  # maximum number of values of a mapping, with shared parts counted repeatedly (our limit)


@dataclass(frozen=True)
class Study:
    """A checked study.

    Attributes
    ----------
    output
        Folder of the results.
    sweeps
        Sweeps by name, in the order of the file.
    about
        ``study`` (its title), ``author`` and ``note``, as far as the study has them: arguments of
        `scoreshock.storage.provenance.attributes`, which change no digest.
    plugins
        Plugins in the study, and installed ones that declare some of its names.

    Examples
    --------
    >>> study = Study.from_mapping({"sweeps": {"line": {
    ...     "family": "pair", "axes": {"separation": [1.0, 2.0]}, "quantities": ["speciation"]}}})
    >>> [block.file for block in study.sweeps["line"].blocks("speciation")], study.sweeps["line"].points("speciation")
    (['speciation.nc'], 2)
    """

    output: str
    sweeps: Mapping[str, Sweep]
    about: Mapping[str, str] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], allow_plugins: bool = False) -> Study:
        """The study that a mapping describes (Snakemake's ``config``, or YAML as read).

        Parameters
        ----------
        mapping
            Keys ``output``, ``schedules``, ``sweeps``, ``title``, ``author``, ``note``, ``plugins``, as in
            ``config/README.md``; ``paper`` is the verification's.
        allow_plugins
            Whether the code of the files and modules under ``plugins`` may run.

        Raises
        ------
        StudyError
            With one line for every problem: key path, value, what is allowed, nearest known name.
        """
        switch("allow_plugins", allow_plugins)
        if not isinstance(mapping, Mapping):
            raise StudyError([f"the study: {show(mapping)} is not a mapping; allowed keys: {', '.join(_KEYS)}"])
        if holds_more_than(mapping, NODES_LIMIT, _children):
            raise StudyError([f"the study: holds more than {NODES_LIMIT:,} values, or contains itself"])
        mapping = _recognised(_filled(mapping))
        loaded = _plugins(mapping, allow_plugins)
        known = replace(vocabulary(loaded), file_axes=file_axes(mapping))
        problems: list[str] = []
        written = _checked(models.models(known).study, mapping, (), problems, known)
        schedules = _schedules(mapping.get("schedules"), known, problems)
        sweeps = _sweeps(mapping.get("sweeps"), schedules, known, problems)
        sweeps = {name: replace(sweep, plugins=loaded) for name, sweep in sweeps.items()}
        if problems:
            raise StudyError(dict.fromkeys(problems))
        assert written is not None
        about = {"study": written.title, "author": written.author, "note": written.note}
        return cls(written.output, sweeps, {key: text for key, text in about.items() if text}, loaded)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the quantities of all sweeps."""
        return tuple(dict.fromkeys(name for sweep in self.sweeps.values() for name in sweep.quantities))


def load_study(path: str | Path | Mapping[str, Any], allow_plugins: bool = False) -> Study:
    """Read and check the study of a YAML file.

    Parameters
    ----------
    path
        The file, at most 1 MiB, or a mapping as in one. Paths of data inside it are relative to the current folder.
    allow_plugins
        Whether the code of the files and modules that it names under ``plugins`` may run.

    Returns
    -------
    Study
        Its ``sweeps`` by name; ``scoreshock.evaluate(study.sweeps[name], quantity)`` computes one.

    Raises
    ------
    StudyError
        With one line for every problem: key path, value, what is allowed, nearest known name.

    Examples
    --------
    >>> import scoreshock as ss
    >>> ss.load_study("nowhere.yaml")
    Traceback (most recent call last):
        ...
    scoreshock.study.errors.StudyError: nowhere.yaml: cannot be read: No such file or directory
    """
    if isinstance(path, Mapping):
        return Study.from_mapping(path, allow_plugins)
    if not isinstance(path, str | os.PathLike):
        raise StudyError([f"path: {show(path)} is not allowed; allowed: a path to a YAML file, or a mapping as in one"])
    return Study.from_mapping(read_yaml(path), allow_plugins)


def check_output(path: str | Path, key: str = "output") -> None:
    """Refuse an output folder that cannot be written, before anything is computed; nothing is left behind.

    Parameters
    ----------
    path
        The folder, which need not be there yet.
    key
        The key of the study that names it.

    Raises
    ------
    StudyError
        Where the folder, or its nearest existing parent, is a file, a link that leads nowhere, or takes no new files; where
        the path is too long.
    """
    try:
        check_folder(path, f"{key}:", DEEPEST)
    except ValueError as error:
        raise StudyError([str(error)]) from None


_KEYS = ("output", "schedules", "sweeps", *models.ABOUT)


def _filled(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping without empty sections, and without keys ``x-...``, which only hold anchors."""
    kept = {key: value for key, value in mapping.items() if not (isinstance(key, str) and key.startswith(models.EXTRA))}
    kept = {key: value for key, value in kept.items() if value is not None or key not in OPTIONAL}
    sweeps = kept.get("sweeps")
    if isinstance(sweeps, Mapping):
        kept["sweeps"] = {
            name: {key: value for key, value in sweep.items() if value is not None or key in REQUIRED}
            if isinstance(sweep, Mapping)
            else sweep
            for name, sweep in sweeps.items()
        }
    return kept


def _plugins(mapping: Mapping[str, Any], allowed: bool) -> tuple[Plugin, ...]:
    """Load the plugins that a study names, and installed ones whose names it uses."""
    named = mapping.get("plugins")
    references = named if isinstance(named, list) else []  # otherwise the model reports the problem
    if references and not allowed:
        raise StudyError(
            [f"plugins: {show(references)} would run code; allowed only with --allow-plugins (for Snakemake --config "
             "allow_plugins=true, in a session allow_plugins=True)"]
        )  # fmt: skip
    try:
        return (*map(plugins.load, references), *load_installed(mapping))
    except ValueError as error:
        raise StudyError([f"plugins: {error}"]) from None


def _checked(
    model: Any, raw: Any, prefix: tuple[str | int, ...], problems: list[str], known: Vocabulary | None = None
) -> Any:
    """``raw`` as a model or other type, or None with its problems recorded."""
    try:
        return TypeAdapter(model).validate_python(raw)
    except ValidationError as error:
        problems += messages(error, raw, prefix, known)
        return None


def _recognised(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """The study with kinds and parameters in place of files and configurations of schedules."""
    schedules = mapping.get("schedules")
    if not isinstance(schedules, Mapping):
        return mapping
    return {**mapping, "schedules": {label: parameters_of(spec) or spec for label, spec in schedules.items()}}


def _schedules(raw: Any, known: Vocabulary, problems: list[str]) -> dict[str, Any]:
    """Resolved schedules by label; None for one with a problem, so that its users are not blamed."""
    if not isinstance(raw, Mapping):
        return {}
    report = Report(problems, ("schedules",))
    _refuse_twins(raw, report)
    resolved: dict[str, Any] = {}
    for label, spec in raw.items():
        entry = _checked(models.models(known).schedule, spec, ("schedules", label), [])
        kind = entry if entry is None or isinstance(entry, str) else entry.kind
        if label in known.kinds and kind is not None and kind != label:
            report.at(str(label)).add(
                f"is the name of another kind than {show(kind)}; allowed: a label that is no kind's name"
            )
        resolved[str(label)] = None if entry is None else resolve_schedule(entry, report.at(str(label)))
    return resolved


def _sweeps(raw: Any, schedules: Mapping[str, Any], known: Vocabulary, problems: list[str]) -> dict[str, Sweep]:
    if not isinstance(raw, Mapping):
        return {}
    report = Report(problems, ("sweeps",))
    _refuse_twins(raw, report)
    for name in (name for name in map(str, raw) if name.casefold() in RESERVED):
        report.at(name).add(f"is the name of a folder or page of the results; allowed: any other than {', '.join(RESERVED)}")
    for name in filter(lambda name: name.casefold().endswith(".html"), map(str, raw)):
        report.at(name).add("ends as pages of the results do; allowed: a name without .html")
    resolved: dict[str, Sweep] = {}
    for name, spec in raw.items():
        entry = _checked(models.models(known).sweep, spec, ("sweeps", name), [])
        if entry is None:
            check_unread(spec, report.at(str(name)))
            continue
        sweep = resolve_sweep(str(name), entry, list(spec["axes"]), schedules, known, report.at(str(name)))
        if sweep is not None:
            resolved[str(name)] = sweep
    return resolved


def _refuse_twins(names: Mapping[str, Any], report: Report) -> None:
    """Names that differ in case only would share a folder on some systems."""
    seen: dict[str, str] = {}
    for name in map(str, names):
        first = seen.setdefault(name.casefold(), name)
        if first != name:
            report.at(name).add(f"differs from {first} in case only; some file systems cannot tell them apart")


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
