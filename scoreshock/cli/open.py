"""Print the code that opens results, and what one dataset holds."""

from __future__ import annotations

import argparse
import json

from scoreshock.cli.results import Choice, Results, add_results, chosen, open_chosen, results_of


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``open``."""
    add_results(parser)
    parser.add_argument("--quantity", metavar="NAME", help="one of its quantities (the first)")
    parser.add_argument("--json", action="store_true", help="print JSON: code, folder, sweeps, and sizes of the dataset")


def run(options: argparse.Namespace) -> int:
    """Print the code and the dataset."""
    results = results_of(options)
    choice = chosen(results, options.sweep, options.quantity)
    dataset = open_chosen(options, choice)
    if not options.json:
        print("\n".join([*code_of(choice), "print(ds)\n", str(dataset)]))
        return 0
    about = {"sizes": dict(dataset.sizes), "variables": list(map(str, dataset.data_vars))}
    print(json.dumps({"code": code_of(choice), **_listed(results), **choice._asdict(), **about}, indent=1))
    return 0


def code_of(choice: Choice) -> list[str]:
    """The code that opens a dataset."""
    return ["import scoreshock as ss", f"ds = ss.open_results{tuple(choice)}"]


def _listed(results: Results) -> dict[str, object]:
    return {"sweeps": {name: list(quantities) for name, quantities in results.sweeps.items()}}
