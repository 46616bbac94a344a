"""Packages of the wheel; everything else is in ``pyproject.toml``.

The workflow's files stand at the top of the repository, where Snakemake looks for them in a clone. In the wheel they are
``scoreshock/share``, with the same paths below it.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["scoreshock*"]), "scoreshock.share"],
    package_dir={"scoreshock": "scoreshock", "scoreshock.share": "."},
)
