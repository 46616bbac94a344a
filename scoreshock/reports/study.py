"""The page of a study: what each sweep shows, what computed it, and how to open it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scoreshock.checks import number_of
from scoreshock.pages import shell
from scoreshock.reports import sweep
from scoreshock.storage import provenance
from scoreshock.storage.plans import INDEX, Planned
from scoreshock.storage.staging import write_file


class Entry(NamedTuple):
    """A sweep on the page: what its own page leaves, if it has one; its note, family and settings; folders of blocks."""

    name: str
    facts: sweep.Facts | None
    note: str
    family: str
    settings: Mapping[str, Mapping[str, str]]
    blocks: Sequence[str]


def write(output: Path, about: Mapping[str, str], plans: Mapping[str, Mapping[str, Any]], digest: str = "") -> Path:
    """Write the page of a study into the folder of its results.

    Parameters
    ----------
    output
        Folder of the results, with the folder of each sweep.
    about
        ``study`` (its title), ``author`` and ``note``, as far as the study has them.
    plans
        Plan of each sweep by name, as in its ``sweep.json``.
    digest
        Digest of the inputs.
    """
    entries = [_entry(output, name, plan) for name, plan in plans.items()]
    shown = [entry.facts for entry in entries if entry.facts is not None]
    script = shell.script_beside(output) if shown else ""
    title = about.get("study", f"A study of {number_of(len(entries), 'sweep')}")
    body = sweep.template("study.html").render(
        title=title,
        about=about,
        entries=entries,
        sources=sorted({(file.source, file.commit) for facts in shown for file in facts.files}),
        libraries=list(dict.fromkeys(", ".join(f"{k} {v}" for k, v in facts.libraries.items()) for facts in shown)),
        opened=_opened(entries),
        results=output.name,
    )
    write_file(shell.page(title, body, digest, script, sweep.template("study.css").render(), wide=True), output / INDEX)
    return output / INDEX


def _entry(output: Path, name: str, plan: Mapping[str, Any]) -> Entry:
    parts = [Planned.of(part) for part in plan["quantities"].values()]
    settings = sweep.settings(provenance.of_content(part.content) for part in parts)
    blocks = [part.folder for part in parts if not part.joined]
    return Entry(name, sweep.read(output / name / "figures"), plan["note"], plan["family"], settings, blocks)


def _opened(entries: Sequence[Entry]) -> tuple[str, str] | None:
    """Sweep and quantity that the code on the page opens: speciation where a sweep has it."""
    files = [(entry.name, file.quantity) for entry in entries if entry.facts for file in entry.facts.files]
    return min(files, key=lambda pair: pair[1] != "speciation", default=None)
