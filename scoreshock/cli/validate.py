"""Check a study, and the paper's parameters if it has some."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from scoreshock.cli import shipped, studies

if TYPE_CHECKING:
    from scoreshock.study.blocks import Sweep
    from scoreshock.study.study import Study


class Checked(NamedTuple):
    """A study that can run, and the folder of the paper's results."""

    study: Study
    paper: str


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``validate``."""
    studies.add_files(parser)
    parser.add_argument("--json", action="store_true", help="print JSON: valid, problems, sweeps")


def run(options: argparse.Namespace) -> int:
    """Print the sweeps of the study, or its problems."""
    from scoreshock.study.errors import StudyError

    try:
        study = check(options).study
    except StudyError as error:
        if not options.json:
            raise
        print(json.dumps({"valid": False, "problems": error.problems, "sweeps": {}}, indent=1))
        return 2
    if options.json:
        sweeps = {name: _as_json(sweep) for name, sweep in study.sweeps.items()}
        print(json.dumps({"valid": True, "problems": [], "sweeps": sweeps}, indent=1))
        return 0
    for name, sweep in study.sweeps.items():
        print(f"{name}: {sweep.family}, {', '.join(_parts(sweep))}")
        if sweep.unused:
            print(f"{name}: {', '.join(sweep.unused)}: used by none of its quantities")
    print("The study is valid.")
    return 0


def check(options: argparse.Namespace) -> Checked:
    """Check everything that a run would refuse: the study, the paper's parameters, the folders of both."""
    from scoreshock.paper import configuration
    from scoreshock.study.layers import overridden
    from scoreshock.study.reading import read_yaml
    from scoreshock.study.study import Study, check_output

    content = studies.content_of(options.files)
    study = Study.from_mapping(content, options.allow_plugins)
    check_output(study.output)
    paper = configuration.read(overridden(read_yaml(shipped.PAPER)["paper"], content.get("paper") or {}))
    configuration.refuse_shared_folder(paper, study.output, study.sweeps)
    if "paper" in content:
        check_output(paper.output, "paper.output")
    return Checked(study, paper.output)


def _as_json(sweep: Sweep) -> dict[str, Any]:
    blocks = {quantity: sweep.n_blocks(quantity) for quantity in sweep.quantities}
    return {"family": sweep.family, "blocks": blocks, "unused": list(sweep.unused)}


def _parts(sweep: Sweep) -> list[str]:
    """Quantities of the sweep, with the number of their blocks if they are split."""
    from scoreshock.checks import number_of

    return [f"{q} ({number_of(sweep.n_blocks(q), 'block')})" if sweep.split_of(q) else q for q in sweep.quantities]
