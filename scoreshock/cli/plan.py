"""Print what a study will cost."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from scoreshock.cli import studies


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of the command ``plan``."""
    studies.add_files(parser)
    parser.add_argument("--json", action="store_true", help="print JSON: jobs, seconds of one core, and each quantity")


def run(options: argparse.Namespace) -> int:
    """Print the plan of the study."""
    from scoreshock.study import plan, work

    study = studies.read_study(options.files, options.allow_plugins)
    if not options.json:
        print(plan.table(study))
        return 0
    jobs, seconds = work.amount(study)
    quantities = [asdict(each) for each in plan.plan(study)]
    print(json.dumps({"output": study.output, "jobs": jobs, "seconds": seconds, "quantities": quantities}, indent=1))
    return 0
