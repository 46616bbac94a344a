"""What `snakemake networks` makes, in full and in the small version: data sets, seeds, steps, files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from scoreshock.networks.plans import PLANS
from scoreshock.networks.truths import DATA_SETS

TRAINING = {
    "pair": 105,
    "eight-gaussians": 165,
    "checkerboard": 115,
    "spirals": 120,
    "hierarchy": 36,
    "digits": 115,
}
"""Measured seconds of a core for the training of all networks of a data set."""

DIAGNOSIS = {"pair": 0.8, "eight-gaussians": 1.0, "checkerboard": 2.5, "spirals": 2.8, "hierarchy": 1.1, "digits": 6.0}
"""Measured seconds of a core for the diagnosis of one network, at a load of two jobs on two cores."""

EACH = 6
"""Damages, the good networks among them, and as many checkpoints: counted here, because importing those takes time."""

COURSE = 3
"""Most seeds whose networks are kept at the checkpoints of their training."""

STEPS = {
    "gaussian": 5,
    "pair": 47,
    "unequal-pair": 6,
    "hierarchy": 122,
    "simplex": 17,
    "digits": 435,
    "overlapping": 12,
    "atoms": 20,
}
"""Measured seconds of a core for the comparison of rules for steps, by the density."""

SHARES = {"full": 1.0, "brief": 0.1}
"""Share of these seconds that a plan takes."""

MEMORY = 2000
"""MiB of a diagnosis: measured up to 900, and two processes of Snakemake."""

REST = 4.0
"""Seconds of a core for joining, and for the start of a job."""


class Version(NamedTuple):
    """Data sets, most seeds of each, share of the training steps, jobs of a diagnosis, name of a plan of steps, folder."""

    names: tuple[str, ...]
    seeds: int
    share: float
    parts: int
    steps: str
    folder: str

    def plan(self, name: str) -> tuple[int, int]:
        """Training steps and number of seeds of a data set."""
        return round(self.share * DATA_SETS[name].steps), min(self.seeds, DATA_SETS[name].seeds)

    @property
    def files(self) -> dict[str, int]:
        """Files of networks that are diagnosed, and in how many parts."""
        suffixes = (("", self.parts), ("-training", 1))
        return {f"{name}{suffix}": parts for name in self.names for suffix, parts in suffixes}

    def seconds(self) -> dict[str, float]:
        """Expected seconds of a core for the job of each rule, those of joining and tables left out."""
        known = {rule_of("steps", name): REST + STEPS[name] * SHARES[self.steps] for name in PLANS[self.steps].densities}
        for name in self.names:
            seeds = self.plan(name)[1]
            known[rule_of("train", name)] = REST + TRAINING[name] * self.share * seeds / DATA_SETS[name].seeds
            for part in range(self.parts):
                known[rule_of("diagnose", name, part)] = REST + DIAGNOSIS[name] * EACH * seeds / self.parts
            known[rule_of("diagnose", f"{name}-training", 0)] = REST + DIAGNOSIS[name] * EACH * min(seeds, COURSE)
        return known


def rule_of(action: str, name: str, *part: int) -> str:
    """Name of the rule of an action on a data set or density, or on a part of it.

    Examples
    --------
    >>> rule_of("diagnose", "eight-gaussians", 2)
    'diagnose_eight_gaussians_2'
    """
    return "_".join([action, name.replace("-", "_"), *map(str, part)])


VERSIONS = {
    "full": Version(tuple(DATA_SETS), 20, 1.0, 4, "full", "results/networks"),
    "small": Version(("pair", "eight-gaussians"), 3, 0.25, 1, "brief", "results/networks-small"),
}

OF_ALL, OF_EACH = ("symptoms", "mode-weights"), ("error-by-level", "error-by-training-step")
"""Figures of all data sets together, and of each."""

KINDS = ("png", "html")


def table_files(names: Iterable[str]) -> list[str]:
    """Files that `tables.write_tables` writes of data sets of these names.

    Examples
    --------
    >>> table_files(["pair"])[:3]
    ['symptoms.nc', 'symptoms.md', 'mode-weights.nc']
    """
    figures = [*OF_ALL, *(f"{name}-{figure}" for name in names for figure in OF_EACH)]
    return ["symptoms.nc", "symptoms.md", "mode-weights.nc", *(f"{figure}.{kind}" for figure in figures for kind in KINDS)]


def part_files(name: str, parts: int) -> list[str]:
    """Files of the parts of the diagnosis of a file of networks; one part is the whole.

    Examples
    --------
    >>> part_files("pair", 2), part_files("pair", 1)
    (['parts/pair-0-of-2.nc', 'parts/pair-1-of-2.nc'], ['pair-diagnosis.nc'])
    """
    return [f"parts/{name}-{part}-of-{parts}.nc" for part in range(parts)] if parts > 1 else [f"{name}-diagnosis.nc"]


STEPPED = ("pair", "hierarchy", "digits")
"""Data sets whose networks are sampled with the steps of each rule."""

STEP_FIGURES = {
    "steps": ("steps", {"score": ["exact"]}),
    "steps-trained": ("steps", {"score": ["trained"]}),
    "step-errors": ("step-errors", {"score": ["exact"], "density": ["pair"]}),
}
"""Figures of the study of steps by the name of their files: the figure, and what it selects."""


def steps_part(name: str) -> str:
    """File of what is found of one density.

    Examples
    --------
    >>> steps_part("pair")
    'parts/steps-pair.nc'
    """
    return f"parts/steps-{name}.nc"


def step_files() -> list[str]:
    """Files that `step_files.write_steps` writes.

    Examples
    --------
    >>> step_files()[:3]
    ['steps.nc', 'steps.md', 'steps.png']
    """
    return ["steps.nc", "steps.md", *(f"{figure}.{kind}" for figure in STEP_FIGURES for kind in KINDS)]
