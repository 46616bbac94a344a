"""The study as written: strict models of the YAML, which also give the JSON schema that editors complete from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from scoreshock.conventions import AXES, CRITERIA, FORMS, PLACES, QUANTITIES
from scoreshock.densities.families import FAMILIES
from scoreshock.schedules.schedule import KINDS
from scoreshock.study.errors import show, unknown
from scoreshock.study.quantities import takers

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
NAME_RULE = "allowed: a letter or digit, then up to 63 letters, digits, '_', '.', '-', without '..'"
EXTRA = "x-"  # begins a key at the top that the study does not read, as in Docker Compose and OpenAPI
MAXIMUM_ORDER = 40  # as of the correction series, whose further terms are rounding


def problem(message: str) -> PydanticCustomError:
    """A problem whose text is final; braces in it are no placeholders."""
    return PydanticCustomError("problem", "{message}", {"message": message})


class Strict(BaseModel):
    """Nothing unknown, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_EXPONENT = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)[eE]([+-]?)(\d+)", re.ASCII)


_DECIMAL = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)", re.ASCII)


def number(value: Any) -> Any:
    """``value`` if it is a finite number; text that looks like one is refused with how to write it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        advice = number_as_text(value) if isinstance(value, str) else ""
        raise problem(f"{show(value)} is {_what(value)}, not a number{advice or '; allowed: a finite number'}")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise problem(f"{show(value)} is not a finite number; allowed: a finite number")
    return value


def _what(value: Any) -> str:
    if value is None:
        return "empty"
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (str, "text"),
        (int | float, "a number"),
        (Mapping, "a mapping"),
        (list, "a list"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), f"of type {type(value).__name__}")


def number_as_text(value: str) -> str:
    """How to write the number that this text was meant to be, or nothing when it is plain text."""
    if match := _EXPONENT.fullmatch(value.strip()):
        mantissa, sign, exponent = match.groups()
        written = f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign or '+'}{exponent}"
        return f": YAML reads {value} as text, write {written}" if math.isfinite(float(written)) else ""
    return ": write it without quotes" if _DECIMAL.fullmatch(value) else ""


_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def name(value: str) -> str:
    """A name that is safe in file names on every system."""
    if not isinstance(value, str):
        advice = f"; {NAME_RULE}" if isinstance(value, Mapping | list) else ": write it in quotes"
        raise problem(f"{show(value)} is {_what(value)}, not text{advice}")
    if not re.fullmatch(NAME, value) or ".." in value or value.endswith("."):
        raise problem(f"{show(value)} is not a name; {NAME_RULE}")
    if _DEVICE.fullmatch(value):
        raise problem(f"{show(value)} is not a name; allowed: any but CON, PRN, AUX, NUL, COM1, ..., which are Windows' own")
    return value


@dataclass(frozen=True)
class OneOf:
    """Text that is one of the ``known`` names; anything else gets a did-you-mean."""

    what: str
    known: tuple[str, ...]

    def check(self, value: Any) -> str:
        """Return ``value``, or raise what is wrong with it."""
        if not isinstance(value, str) or value not in self.known:
            raise problem(unknown(self.what, value, self.known))
        return value

    def __get_pydantic_core_schema__(self, *_: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, *_: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.known)}


def folder(value: str) -> str:
    """A folder's path that Snakemake takes literally: braces would be wildcards."""
    if any(character in "{}" or not character.isprintable() for character in value):
        raise problem(f"{show(value)} is not allowed; allowed: a path without braces and control characters")
    if "\\" in value or "://" in value or not value.strip():
        raise problem(f"{show(value)} is not allowed; allowed: a path on this machine, with / between its folders")
    if value.startswith("~") or "$" in value:
        raise problem(f"{show(value)} is not allowed; allowed: a path as it is, for no shell fills in ~ and variables")
    return value


def _different(values: list[Any]) -> list[Any]:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise problem(f"{show(value)} stands there twice; every value may appear once")
        seen.add(value)
    return values


Number = Annotated[int | float, BeforeValidator(number), WithJsonSchema({"type": "number"})]
Distinct = [Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_different)]
Numbers = Annotated[list[Number], *Distinct]
Label = Annotated[str, BeforeValidator(name), WithJsonSchema({"type": "string", "pattern": NAME})]


def label(value: Any) -> str:
    """The label of a schedule, which is described elsewhere."""
    if isinstance(value, Mapping) and "kind" in value:
        raise problem(
            f"{show(value)} is {_what(value)}, not a label; describe it under schedules at the top and write its label here "
            "(a kind with its defaults needs its name only)"
        )
    if value is None or isinstance(value, Mapping | list):
        raise problem(f"{show(value)} is {_what(value)}, not a label; allowed: a label, or a list such as [ve, edm]")
    return name(value)


def _text(value: Any) -> Any:
    if value is not None and not isinstance(value, str | Mapping | list):
        raise problem(f"{show(value)} is {_what(value)}, not text: write it in quotes")
    return value


Kind = Annotated[str, OneOf("kind of schedule", tuple(KINDS))]
Quantities = Annotated[list[Annotated[str, OneOf("quantity", QUANTITIES)]], *Distinct]
Criteria = Annotated[list[Annotated[str, OneOf("criterion", CRITERIA)]], *Distinct]

Forms = Annotated[list[Annotated[str, OneOf("form", FORMS)]], *Distinct]
Groups = Annotated[list[list[int]], Field(json_schema_extra={"minItems": 2, "maxItems": 2})]


class Values(Strict):
    """Values one by one."""

    values: Numbers


class Range(Strict):
    """Evenly spaced values, both ends included; evenly in the logarithm with ``scale: log``."""

    start: Number
    stop: Number
    num: Annotated[int, Field(ge=2, le=2**53, description="how many values, both ends included")]
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _spaced(self) -> Range:
        if self.start == self.stop:
            raise problem(f"start and stop are both {show(self.start)}; for one value write the number alone")
        if self.scale == "log" and min(self.start, self.stop) <= 0:
            raise problem(f"start {show(self.start)}, stop {show(self.stop)} with scale log; allowed: both above 0")
        return self


RANGE_WORDS = {
    **dict.fromkeys(("from", "first", "begin", "min", "minimum", "low"), "start"),
    **dict.fromkeys(("to", "last", "end", "max", "maximum", "high"), "stop"),
    **dict.fromkeys(("n", "count", "number", "points", "size", "steps", "length", "step"), "num"),
    "spacing": "scale",
}
"""Words that people use for keys of a range."""


def _form(value: Any) -> str:
    if isinstance(value, Mapping):
        return "<range>" if {*RANGE_WORDS, *RANGE_WORDS.values()} & set(map(str, value)) else "<values>"
    return "<list>" if isinstance(value, list | tuple) else "<number>"


AxisSpec = Annotated[
    Annotated[Number, Tag("<number>")]
    | Annotated[Numbers, Tag("<list>")]
    | Annotated[Values, Tag("<values>")]
    | Annotated[Range, Tag("<range>")],
    Discriminator(_form),
]


ScheduleLabel = Annotated[str, BeforeValidator(label), WithJsonSchema({"type": "string", "pattern": NAME})]
ScheduleLabels = Annotated[list[ScheduleLabel], *Distinct]


def _schedule_form(value: Any) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<number>"


ScheduleAxis = Annotated[
    Annotated[ScheduleLabel, Tag("<number>")] | Annotated[ScheduleLabels, Tag("<list>")], Discriminator(_schedule_form)
]


class LineValues(Values):
    """Positions along the line through the layer, one by one."""

    unit: Literal["absolute", "separation", "layer"] = "absolute"


class LineRange(Range):
    """Evenly spaced positions along the line through the layer."""

    unit: Literal["absolute", "separation", "layer"] = "absolute"


class TimeValues(Values):
    """Diffusion times, one by one."""

    unit: Literal["absolute", "speciation"] = "absolute"


class TimeRange(Range):
    """Evenly spaced diffusion times."""

    unit: Literal["absolute", "speciation"] = "absolute"


Line = Annotated[
    Annotated[Number, Tag("<number>")]
    | Annotated[Numbers, Tag("<list>")]
    | Annotated[LineValues, Tag("<values>")]
    | Annotated[LineRange, Tag("<range>")],
    Discriminator(_form),
]
Times = Annotated[
    Annotated[Number, Tag("<number>")]
    | Annotated[Numbers, Tag("<list>")]
    | Annotated[TimeValues, Tag("<values>")]
    | Annotated[TimeRange, Tag("<range>")],
    Discriminator(_form),
]


def not_zero(value: float) -> float:
    """``value`` unless it is 0."""
    if value == 0:
        raise problem(f"{show(value)} is not allowed; allowed: a number other than 0")
    return value


def of(option: str, meaning: str, **rules: Any) -> Any:
    """Field of an option, described with the quantities that take it."""
    return Field(description=f"{', '.join(takers(option))}: {meaning}", **rules)


Axes = create_model(  # type: ignore[call-overload]
    "Axes",
    __base__=Strict,
    __doc__="Axes of a sweep, in the order of the results' dimensions.",
    **{key: (AxisSpec, Field(default=None, description=axis.long_name)) for key, axis in AXES.items()},
    schedule=(ScheduleAxis, Field(default=None, description="labels of noise schedules, or kinds with their defaults")),
)


class SweepEntry(Strict):
    """One sweep: a family of densities, the axes it runs over, and what is computed at every point."""

    family: Annotated[str, OneOf("family", tuple(FAMILIES)), Field(description="family of densities")]
    axes: Annotated[Axes, Field(description="axes of the sweep")]  # type: ignore[valid-type]
    parameters: Annotated[dict[str, Any], Field(description="the family's other arguments")] = {}
    split: Annotated[
        list[Label], AfterValidator(_different), Field(description="axes of which every value is a job of its own")
    ] = []
    quantities: Annotated[Quantities, Field(description="what is computed")]
    x: Annotated[Line, of("x", "positions along the line through the layer")] = LineRange(
        start=-3.0, stop=3.0, num=301, unit="separation"
    )
    tau: Annotated[Times, of("tau", "diffusion times")] = TimeValues(values=[0.25, 0.5, 1.0, 2.0], unit="speciation")
    # None stands for what the family and the components say, and cannot be written.
    criteria: Annotated[Criteria, of("criteria", "criteria")] = None  # type: ignore[assignment]
    order: Annotated[int, of("order", "highest order", ge=0, le=MAXIMUM_ORDER)] = 8
    groups: Annotated[Groups, of("groups", "indices of the components on either side")] = None  # type: ignore[assignment]
    forms: Annotated[Forms, of("forms", "forms of the equation")] = ["score", "burgers", "vp", "log-density"]
    terms: Annotated[bool, of("terms", "whether to give the terms of the equations, along the line")] = False
    starts: Annotated[Line, of("starts", "positions along the line at the largest time")] = LineRange(
        start=-3.0, stop=3.0, num=13, unit="separation"
    )
    bias: Annotated[Number, of("bias", "size of the score error"), AfterValidator(not_zero)] = 0.01
    place: Annotated[str, OneOf("place", PLACES), of("place", "where the score error acts")] = "everywhere"
    rtol: Annotated[Number, of("rtol", "relative tolerance", ge=1e-12, le=1e-2)] = 1e-8
    tau_min: Annotated[Number, of("tau_min", "diffusion time at which generation stops", ge=0)] = 0.0
    tau_max: Annotated[Number, of("tau_max", "diffusion time at which generation starts", ge=0)] = 10.0
    distance: Annotated[AxisSpec, of("distance", "distances from each boundary, in widths of its layer")] = Range(
        start=-3.0, stop=3.0, num=25
    )


class ScheduleEntry(BaseModel):
    """A noise schedule: its kind and that kind's parameters."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    kind: Kind


def _entry_form(value: Any) -> str:
    return "<mapping>" if isinstance(value, Mapping) else "<kind>"


ScheduleSpec = Annotated[
    Annotated[Kind, Tag("<kind>")] | Annotated[ScheduleEntry, Tag("<mapping>")],
    Discriminator(_entry_form),
]


class StudyFile(Strict):
    """A study of scoreshock: noise schedules, and sweeps over families of mixtures."""

    output: Annotated[
        str, Field(min_length=1, description="folder of the results"), AfterValidator(folder), BeforeValidator(_text)
    ] = "results"
    schedules: Annotated[dict[Label, ScheduleSpec], Field(description="noise schedules by label")] = {}
    sweeps: Annotated[dict[Label, SweepEntry], Field(min_length=1, description="sweeps by name")]
    title: Annotated[
        str, Field(description="what the study is about, for the titles of its files"), BeforeValidator(_text)
    ] = ""
    author: Annotated[str, Field(description="who makes it, for its files"), BeforeValidator(_text)] = ""
    note: Annotated[str, Field(description="what a reader of its files should know"), BeforeValidator(_text)] = ""
    paper: Annotated[dict[str, Any], Field(description="for `snakemake verify`, over config/paper.yaml")] = {}
