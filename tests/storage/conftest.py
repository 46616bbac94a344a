"""A study of small blocks, computed once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scoreshock.study.study import Study

from .. import runs


@pytest.fixture(scope="session")
def six_blocks(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that is computed and not joined."""
    study = runs.study(tmp_path_factory.mktemp("computed"), split=["weight", "schedule"])
    runs.run(study)
    return study


@pytest.fixture
def pair(six_blocks: Study, tmp_path: Path) -> Study:
    """A study of six blocks, which may be spoilt."""
    return copied(six_blocks, tmp_path)


def copied(study: Study, folder: Path) -> Study:
    shutil.copytree(study.output, folder, dirs_exist_ok=True)
    return Study(str(folder), study.sweeps)
