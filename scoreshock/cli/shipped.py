"""Files of the workflow: in the wheel in ``scoreshock/share``, in a clone at its top (setup.py)."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
ROOT = next((folder for folder in (PACKAGE / "share", PACKAGE.parent) if (folder / "Snakefile").is_file()), PACKAGE)
"""Folder of ``Snakefile``, ``config`` and ``workflow``."""

SNAKEFILE = ROOT / "Snakefile"
STUDY = ROOT / "config" / "config.yaml"
PAPER = ROOT / "config" / "paper.yaml"
PROFILES = ROOT / "workflow" / "profiles"
