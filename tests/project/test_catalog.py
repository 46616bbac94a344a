"""What the Snakemake workflow catalog needs of a workflow of standardized usage."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_files_are_where_the_catalog_looks_for_them() -> None:
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").is_file()
    assert list((ROOT / "workflow" / "rules").glob("*.smk"))
    words = (ROOT / "README.md").read_text().casefold()
    assert "snakemake" in words
    assert "workflow" in words


def test_the_usage_has_the_documented_keys() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert isinstance(usage["mandatory-flags"]["flags"], list)
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer", "apptainer+conda", "report"}
    assert all(isinstance(value, bool) for value in [usage["report"], *usage["software-stack-deployment"].values()])


def test_rules_are_included_relative_to_the_definition_because_a_provider_has_no_folders() -> None:
    included = re.findall(r'^include: "(.*)"$', (ROOT / "workflow" / "Snakefile").read_text(), re.MULTILINE)
    assert {ROOT / "workflow" / path for path in included} == set((ROOT / "workflow" / "rules").glob("*.smk"))


def test_a_clone_finds_the_same_workflow() -> None:
    assert (ROOT / "Snakefile").read_text().count('include: "workflow/Snakefile"') == 1
    assert (ROOT / "profiles").resolve() == ROOT / "workflow" / "profiles"
