"""The parameters of the paper's experiments, as checked values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from scoreshock.study.errors import StudyError, key_path, show
from scoreshock.study.models import folder

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=2, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Dimension = Annotated[int, Field(ge=2, le=20)]
Components = Annotated[int, Field(ge=3, le=20)]
Shares = Annotated[list[Share], Field(min_length=2, max_length=20)]
Weights = Annotated[list[Positive], Field(min_length=2, max_length=20)]
Stops = Annotated[list[NotNegative], Field(min_length=1, max_length=20)]
Times = Annotated[list[Positive], Field(min_length=1, max_length=20)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _same_number(mixture: Any) -> Any:
    if len(mixture.means) != len(mixture.weights):
        raise ValueError(f"{len(mixture.means)} means and {len(mixture.weights)} weights; allowed: as many of each")
    return mixture


class Pair(_Part):
    """Two components at -separation and +separation with equal weights (27)."""

    separation: Positive
    variance: Positive

    @model_validator(mode="after")
    def _two_modes(self) -> Self:
        if self.separation**2 <= self.variance:
            raise ValueError("allowed: separation^2 > variance, otherwise there is no transition to verify")
        return self

    @property
    def tau_star(self) -> float:
        """Speciation time (31)."""
        return (self.separation**2 - self.variance) / 2


class UnequalPair(Pair):
    """A pair with weight ``weight`` at +separation."""

    weight: Share


class Grid(_Part):
    """A symmetric grid, evenly spaced in ``|x| <= core`` and logarithmically out to ``tail``."""

    core: Positive
    points: Count
    tail: Positive
    tail_points: Count

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.tail <= self.core:
            raise ValueError("allowed: tail > core")
        return self


class Cloud(_Part):
    """A mixture with random means and weights, and random points."""

    dimension: Dimension
    components: Components
    scale: Positive
    variance: Positive
    points: Count
    seed: Seed


class Well(_Part):
    """The density exp(-c (x^2 - b^2)^2 + h x)."""

    quartic_coefficient: Positive
    half_distance: Positive
    tilt: Finite = 0.0


class Generation(_Part):
    """Trajectories from ``start`` to ``stop`` in diffusion time, and a score error ``bias``."""

    start: Positive
    stop: NotNegative
    starts: Annotated[list[Finite], Field(min_length=1, max_length=50)]
    bias: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start <= self.stop:
            raise ValueError("allowed: start > stop")
        return self


class Plane(_Part):
    """A mixture in the plane, and random points."""

    means: Annotated[list[Annotated[list[Finite], Field(min_length=2, max_length=2)]], Field(min_length=2, max_length=20)]
    weights: Weights
    variance: Positive
    times: Times
    points: Count
    seed: Seed

    _alike = model_validator(mode="after")(_same_number)


class Preserving(Pair):
    """A symmetric pair under the variance-preserving process with constant rate ``beta``; ``rates`` for the PDE (78)."""

    kind: Literal["vp-constant"]
    beta: Positive
    times: Times
    rates: Times

    @property
    def t_star(self) -> float:
        """Speciation time (83) in the time of the process."""
        return math.log(1 + self.separation**2 - self.variance) / self.beta


class Triangle(_Part):
    """Three equal components at unequal distances from the origin, at several scales."""

    radii: Annotated[list[Positive], Field(min_length=3, max_length=3)]
    angles: Annotated[list[Finite], Field(min_length=3, max_length=3)]
    weights: Literal["equal"]
    variance: Positive
    scales: Weights


class Equilateral(_Part):
    """Three equal components at the corners of an equilateral triangle."""

    radius: Positive
    weights: Literal["equal"]
    variance: Positive


class Rotation(_Part):
    """A linear flow ``u = M (1 + tau M)^-1 x`` with ``shear`` M, and the rotation ``twist`` that is added to a score."""

    shear: Annotated[list[Annotated[list[Finite], Field(min_length=3, max_length=3)]], Field(min_length=3, max_length=3)]
    twist: Positive
    times: Times


class Models(_Part):
    """Wrong Gaussian models: variances in units of the data's, and shifts of the mean."""

    variances: Times
    shifts: Stops


class Line(_Part):
    """A mixture on a line."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    means: Annotated[list[Finite], Field(min_length=2, max_length=20)]
    weights: Weights

    _alike = model_validator(mode="after")(_same_number)


class Draws(_Part):
    """Random mixtures."""

    number: Count
    components: Components
    dimension: Dimension
    seed: Seed


class Setup(_Part):
    """All parameters of the verification: the key ``paper`` of ``config/paper.yaml``."""

    output: Annotated[str, Field(min_length=1), AfterValidator(folder)] = "results/paper"
    published: list[str] = []
    pair: Pair
    unequal: UnequalPair
    times: Times
    grid: Grid
    cloud: Cloud
    squared_diffusion: Times
    viscosities: Times
    onset: Times
    around: Times
    sharpening: Times
    weights: Shares
    competitors: Times
    wells: Annotated[list[Well], Field(min_length=1, max_length=20)]
    well_times: Times
    stops: Stops
    quadrature_points: Count
    generation: Generation
    noise_ratios: Times
    models: Models
    distances: Annotated[list[NotNegative], Field(min_length=3, max_length=20)]
    plane: Plane
    rotation: Rotation
    riccati: Times
    vp: Preserving
    triangle: Triangle
    equilateral: Equilateral
    draws: Draws
    lines: Annotated[list[Line], Field(min_length=2, max_length=20)]
    heavier: Shares

    @model_validator(mode="after")
    def _known_keys(self) -> Self:
        keys = dict(self.values())
        unknown = [key for key in self.published if key not in keys]
        if unknown:
            raise ValueError(f"published: {', '.join(unknown)}: no such key; allowed: {', '.join(keys)}")
        return self

    def values(self) -> list[tuple[str, Any]]:
        """Every parameter with its dotted key, in the order of the file."""
        rows: list[tuple[str, Any]] = []
        for name, value in self.model_dump(exclude={"output", "published"}).items():
            nested = value.items() if isinstance(value, Mapping) else None
            rows += [(f"{name}.{key}", part) for key, part in nested] if nested else [(name, value)]
        return rows

    def content(self) -> dict[str, Any]:
        """Everything that determines the numbers, as plain JSON."""
        return self.model_dump(exclude={"output", "published"})


def read(value: Any) -> Setup:
    """Check the value of the key ``paper`` and convert it to a configuration.

    Raises
    ------
    StudyError
        With one line for each problem: key path, value and reason.
    """
    try:
        return Setup.model_validate(value)
    except ValidationError as error:
        raise StudyError(_line(problem) for problem in error.errors(include_url=False)) from None


def refuse_shared_folder(paper: Setup, output: str, sweeps: Iterable[str]) -> None:
    """Refuse a sweep with the same folder as the verification, because each would remove the results of the other.

    Raises
    ------
    StudyError
        With the name of the sweep.
    """
    shared = [name for name in sweeps if Path(output, name) == Path(paper.output)]
    allowed = "allowed: any other name, or another folder for the paper (paper.output)"
    if shared:
        raise StudyError([f"sweeps.{shared[0]}: its folder {paper.output!r} is that of `snakemake verify`; {allowed}"])


def _line(problem: Any) -> str:
    path = key_path(("paper", *problem["loc"]))
    texts = {"missing": "missing; this key is needed", "extra_forbidden": "unknown key", "problem": problem["msg"]}
    if problem["type"] in texts:
        return f"{path}: {texts[problem['type']]}"
    message = problem["msg"].removeprefix("Value error, ")
    link = ";" if message.startswith("allowed") else ":"
    return f"{path}: {show(problem['input'])} is not allowed{link} {message[0].lower()}{message[1:]}"
