"""The page of a sweep: its figures, what is missing in it and why, its settings, and its files.

Beside the figures it leaves ``facts.json`` for the page of the study.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import xarray as xr
from jinja2 import Environment, Template
from markupsafe import Markup, escape

from scoreshock.conventions import WORDS, words_of
from scoreshock.figures import FIGURES, FORMATS, as_csv, captioned
from scoreshock.figures.description import Panel
from scoreshock.pages import shell, templates
from scoreshock.quantities.outcomes import occurrences
from scoreshock.storage.staging import write_file

FACTS = "facts.json"
"""Name of the file in the folder of the figures that says what the page shows."""

SUFFIXES = {"png": "picture (PNG)", "svg": "picture (SVG)", "html": "page of its own"}
"""What links to the files of a figure say, by suffix."""

HEADINGS = ("axes", "parameters", "schedules", "options")

DIGITS = 12
"""Digits of digests and commits on a page."""


class Missing(NamedTuple):
    """Values of one status other than ``ok``: where they are, how many of how many, and the meaning of the status."""

    quantity: str
    flag: str
    about: str
    status: str
    number: int
    total: int
    meaning: str


@dataclass(frozen=True)
class File:
    """A file of results.

    Attributes
    ----------
    name, size
        Name in the folder of the sweep, and size in bytes.
    variables
        Name, dimensions and meaning of each of its variables, without flags.
    source, commit, code
        What computed it: version of this package, commit, digest of the code of the quantity.
    """

    name: str
    size: int
    variables: Sequence[tuple[str, str, str]]
    source: str
    commit: str
    code: str

    @property
    def quantity(self) -> str:
        """Name of its quantity."""
        return Path(self.name).stem


@dataclass(frozen=True)
class Drawn:
    """A figure: its name, the quantity that it shows, its caption, and the suffixes of its pictures."""

    name: str
    of: str
    caption: str
    formats: Sequence[str]

    @property
    def title(self) -> str:
        """Its heading."""
        return self.name.replace("-", " ").capitalize()


@dataclass(frozen=True)
class Facts:
    """What the page of the study needs of a sweep.

    Attributes
    ----------
    note
        What the sweep shows, in the words of the study.
    sentence
        The comparison of the criteria in a sentence.
    figures
        Figures in the order of the page.
    leading
        HTML of a panel of the first figure, or nothing.
    missing
        Number of values that are not ``ok``, by the name of their status.
    files
        Files of results.
    libraries
        Versions of Python and of libraries.
    """

    note: str
    sentence: str
    figures: Sequence[Drawn]
    leading: str
    missing: Mapping[str, int]
    files: Sequence[File]
    libraries: Mapping[str, str]


def write(
    name: str,
    datasets: Mapping[str, xr.Dataset],
    said: tuple[str, str],
    folders: tuple[Path, Path],
    digest: str = "",
    choices: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Write the page of a sweep, ``<name>.html``, and what goes beside its figures.

    Parameters
    ----------
    name
        Name of the sweep, of its page, and of the folder with its files.
    datasets
        Its results by quantity, of files.
    said
        What the sweep shows, in the words of the study, and the comparison of its criteria in a sentence; or nothing.
    folders
        Folder of the results, which gets the page and its script; and the one that becomes the folder of the figures, which
        gets captions, data and `FACTS`.
    digest
        Digest of the inputs, which `scoreshock.figures.digest_of` reads.
    choices
        What is chosen of the figures, as in `scoreshock.figures.captioned`.
    """
    from scoreshock.figures import page as figure_page  # slow import, which reading facts does not need

    output, beside = folders
    drawn = captioned(datasets, choices)
    figures = [
        Drawn(
            key, FIGURES[key].of, words, [each for each in SUFFIXES if each in choices.get(key, {}).get("formats", FORMATS)]
        )
        for key, (_, words) in drawn.items()
    ]
    figures.sort(key=lambda one: _rank(one, choices.get(one.name, {})))
    missing = [one for quantity, dataset in datasets.items() for one in _missing(quantity, dataset)]
    script, comparison = shell.script_beside(output), output / name / "comparison.md"
    facts = Facts(
        *said,
        figures,
        figure_page.on_page([_fullest(drawn[figures[0].name].panels)], script) if figures else "",
        _sums(missing),
        [_file(output / name, quantity, dataset) for quantity, dataset in datasets.items()],
        json.loads(str(next(iter(datasets.values())).attrs["scoreshock_libraries"])),
    )
    write_file(json.dumps(asdict(facts), indent=1), beside / FACTS)
    for key, (panels, words) in drawn.items():
        write_file(f"<p>{escape(words)}</p>\n", beside / f"{key}.caption")
        write_file(as_csv(panels), beside / f"{key}.csv")
    body = template("sweep.html").render(
        name=name,
        facts=facts,
        panels={key: Markup(figure_page.on_page(panels, script)) for key, (panels, _) in drawn.items()},
        suffixes=SUFFIXES,
        missing=missing,
        settings=settings(dataset.attrs for dataset in datasets.values()),
        meanings={str(axis): _meaning(values) for each in datasets.values() for axis, values in each.coords.items()},
        comparison=comparison.read_text("utf-8") if comparison.is_file() else "",
        results=output.name,
    )
    style = template("study.css").render()
    write_file(shell.page(name, body, digest, script, style, wide=True), output / f"{name}.html")


def _rank(drawn: Drawn, choice: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    """What is first on the page: what the study says, then speciation, which most readers look for."""
    return not choice.get("first"), drawn.of != "speciation", drawn.name != drawn.of


def _fullest(panels: Sequence[Panel]) -> Panel:
    """The panel with most lines in its legend, the first of those."""
    return max(panels, key=lambda panel: len(panel.names))


def _meaning(axis: xr.DataArray) -> str:
    """What an axis is, with the words that its numbers stand for."""
    meaning = str(axis.attrs["long_name"])
    if "flag_meanings" not in axis.attrs:
        return meaning
    words = zip(axis.values.tolist(), words_of(axis.values, axis.attrs).tolist(), strict=True)
    return f"{meaning}: {', '.join(f'{number} {word}' for number, word in words)}"


def _sums(missing: Sequence[Missing]) -> dict[str, int]:
    """Number of values by the name of their status."""
    counts: Counter[str] = Counter()
    for one in missing:
        counts[one.status] += one.number
    return dict(counts)


def read(folder: Path) -> Facts | None:
    """What a sweep with figures in ``folder`` left for the page of the study; None if it has none."""
    try:
        plain = json.loads((folder / FACTS).read_text("utf-8"))
    except OSError:
        return None
    parts: dict[str, Any] = {
        "files": [File(**file) for file in plain["files"]],
        "figures": [Drawn(**one) for one in plain["figures"]],
    }
    return Facts(**plain | parts)


def settings(attributes: Iterable[Mapping[str, object]]) -> dict[str, dict[str, str]]:
    """Axes, parameters, schedules and options of results: by heading, the text of each by its name.

    ``attributes`` are those of files, as `scoreshock.storage.provenance.of_content` writes them.
    """
    parts: dict[str, dict[str, str]] = {heading: {} for heading in HEADINGS}
    for said, heading in product(attributes, HEADINGS):
        for line in str(said.get(heading, "")).splitlines():
            key, _, text = line.partition(": ")
            parts[heading][key] = text.replace(", scale linear", "")
    return parts


def _missing(quantity: str, dataset: xr.Dataset) -> list[Missing]:
    found = []
    for flag, values in dataset.data_vars.items():
        if not str(flag).endswith("status"):
            continue
        about = [str(name) for name, other in dataset.data_vars.items() if other.attrs.get("ancillary_variables") == flag]
        for status, count in occurrences(values).items():
            if status != "ok":
                found.append(Missing(quantity, str(flag), ", ".join(about), status, count, values.size, WORDS[status]))
    return found


def _file(folder: Path, quantity: str, dataset: xr.Dataset) -> File:
    path, said = folder / f"{quantity}.nc", dataset.attrs
    variables = [
        (str(name), ", ".join(map(str, variable.dims)), str(variable.attrs["long_name"]))
        for name, variable in dataset.data_vars.items()
        if "flag_meanings" not in variable.attrs
    ]
    commit = str(said["scoreshock_git_commit"])[:DIGITS] + (" (changed)" if said["scoreshock_git_dirty"] == "yes" else "")
    code = str(said["scoreshock_code_digest"])[:DIGITS]
    return File(path.name, path.stat().st_size, variables, str(said["source"]), commit, code)


def size(number: int) -> str:
    """A number of bytes as people write it.

    Examples
    --------
    >>> size(999), size(76_800), size(14_656_969)
    ('999 B', '76.8 kB', '14.7 MB')
    """
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= length:
            return f"{number / length:.3g} {unit}"
    return f"{number} B"


def percent(fraction: float) -> str:
    """A share in percent: whole numbers from 10 % on, two digits below, and 100 % only of all.

    Examples
    --------
    >>> percent(1.0), percent(0.9999), percent(0.125), percent(0.0123)
    ('100 %', '99 %', '12 %', '1.2 %')
    """
    share = 100 * fraction
    return f"{share:.2g} %" if share < 9.95 else f"{min(round(share), 99) if share < 100 else 100} %"


def template(name: str) -> Template:
    """A template of the pages of a study."""
    return _templates().get_template(f"{name}.j2")


@cache
def _templates() -> Environment:
    environment = templates.environment("scoreshock.reports")
    environment.filters |= {
        "size": size,
        "percent": percent,
        "thousands": "{:,}".format,
        "symbols": lambda text: text.replace("tau", "τ"),
    }
    return environment
