"""Strict models of the YAML of a study, from which the JSON schema is derived."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
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

from scoreshock import options
from scoreshock.conventions import AXES
from scoreshock.study.errors import show, unknown
from scoreshock.study.vocabulary import Vocabulary, vocabulary

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
NAME_RULE = "allowed: a letter or digit, then up to 63 letters, digits, '_', '.', '-', without '..'"
EXTRA = "x-"  # begins a key at the top that the study does not read, as in Docker Compose and OpenAPI


def problem(message: str) -> PydanticCustomError:
    """A problem whose text is final; braces in it are no placeholders."""
    return PydanticCustomError("problem", "{message}", {"message": message})


class Strict(BaseModel):
    """A model without unknown keys, without conversion, and immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_EXPONENT = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)[eE]([+-]?)(\d+)", re.ASCII)


_DECIMAL = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)", re.ASCII)


def number(value: Any) -> Any:
    """``value`` if it is a finite number; for text that looks like one the error says how to write it."""
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
    """How to write the number that this text represents; empty for other text."""
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
"""Other words for keys of a range."""


def _form(value: Any) -> str:
    if isinstance(value, Mapping):
        return "<range>" if {*RANGE_WORDS, *RANGE_WORDS.values()} & set(map(str, value)) else "<values>"
    return "<list>" if isinstance(value, list | tuple) else "<number>"


ScheduleLabel = Annotated[str, BeforeValidator(label), WithJsonSchema({"type": "string", "pattern": NAME})]
ScheduleLabels = Annotated[list[ScheduleLabel], *Distinct]


def _schedule_form(value: Any) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<number>"


ScheduleAxis = Annotated[
    Annotated[ScheduleLabel, Tag("<number>")] | Annotated[ScheduleLabels, Tag("<list>")], Discriminator(_schedule_form)
]


@cache
def grid_models(units: tuple[str, ...]) -> tuple[type[BaseModel], type[BaseModel]]:
    """Models of a grid in one of the units: values one by one, and a range."""
    if not units:
        return Values, Range
    unit: Any = {"unit": (Literal[units], units[0])}
    ending = "".join(map(str.capitalize, units[1:]))
    values = create_model(f"Values{ending}", __base__=Values, __doc__="Values one by one, with their unit.", **unit)
    spaced = create_model(f"Range{ending}", __base__=Range, __doc__=Range.__doc__, **unit)
    return values, spaced


def _grid(units: tuple[str, ...] = ()) -> Any:
    values, spaced = grid_models(units)
    return Annotated[
        Annotated[Number, Tag("<number>")]
        | Annotated[Numbers, Tag("<list>")]
        | Annotated[values, Tag("<values>")]  # type: ignore[valid-type]
        | Annotated[spaced, Tag("<range>")],  # type: ignore[valid-type]
        Discriminator(_form),
    ]


def names(what: str, known: Sequence[str]) -> Any:
    """Type of a list of different names."""
    return Annotated[list[Annotated[str, OneOf(what, tuple(known))]], *Distinct]


def _type(name: str, option: options.Option) -> Any:
    """Type of an option."""
    match option:
        case options.Grid(units=units):
            return _grid(units)
        case options.Names(known=known):
            return names(SINGULAR.get(name, name), known)
        case options.Choice(known=known):
            return Annotated[str, OneOf(name, known)]
        case options.Groups():
            return Groups
        case options.Switch():
            return bool
        case options.Whole(low=low, high=high):
            schema = {"type": "integer", "minimum": low, "maximum": high}
            return Annotated[int, AfterValidator(partial(_checked_by, option)), WithJsonSchema(schema)]
        case options.Number():
            return Annotated[Number, AfterValidator(partial(_checked_by, option))]
    raise TypeError(f"{option!r} is no option")


def _checked_by(option: options.Option, value: Any) -> Any:
    try:
        return option.check(value)
    except ValueError as error:
        raise problem(str(error)) from None


SINGULAR = {"criteria": "criterion", "forms": "form"}


def _field(name: str, known: Vocabulary) -> tuple[Any, Any]:
    """Type and field of an option; None stands for the declared default, and cannot be written."""
    takers = known.takers(name)
    kinds = [each.options[name] for each in takers]
    option, default = kinds[0], takers[0].default(name)
    if isinstance(option, options.Names):
        united = tuple(dict.fromkeys(each for kind in kinds for each in getattr(kind, "known", ())))
        option = replace(option, known=known.criteria if name == "criteria" else united)
    shown = {} if default is None or name == "criteria" else {"default": default}
    words = f"{', '.join(dict.fromkeys(each.name for each in takers))}: {option.meaning}"
    return _type(name, option), Field(default=None, description=words, json_schema_extra=shown)


def _axes(of_files: Sequence[str]) -> type[BaseModel]:
    """Model of the axes of a sweep, those of the files that the study names included."""
    return create_model(  # type: ignore[call-overload, no-any-return]
        "Axes",
        __base__=Strict,
        __doc__="Axes of a sweep, in the order of the results' dimensions.",
        **{key: (_grid(), Field(default=None, description=axis.long_name)) for key, axis in AXES.items()},
        schedule=(ScheduleAxis, Field(default=None, description="labels of noise schedules, or kinds with their defaults")),
        **{key: (_grid(), Field(default=None)) for key in of_files},
    )


def _entry_form(value: Any) -> str:
    return "<mapping>" if isinstance(value, Mapping) else "<kind>"


def _said(description: str) -> tuple[Any, Any]:
    return Annotated[str, BeforeValidator(_text)], Field(default="", description=description)


OUTPUT = (
    Annotated[str, AfterValidator(folder), BeforeValidator(_text)],
    Field(default="results", min_length=1, description="folder of the results"),
)
ABOUT = {
    "title": _said("what the study is about, for the titles of its files"),
    "author": _said("who makes it, for its files"),
    "note": _said("what a reader of its files should know"),
    "paper": (dict[str, Any], Field(default={}, description="for `snakemake verify`, over config/paper.yaml")),
    "plugins": (list[str], Field(default=[], description="Python files or modules that declare more, whose code is run")),
}
"""Keys at the top of a study that no result depends on by themselves."""


@dataclass(frozen=True)
class Models:
    """Models of a study in one vocabulary: of all of it, of a sweep, and of a schedule."""

    study: type[BaseModel]
    sweep: type[BaseModel]
    axes: type[BaseModel]
    schedule: Any


@lru_cache(maxsize=8)
def models(known: Vocabulary) -> Models:
    """Models of studies that may use these names."""
    axes = _axes(known.file_axes)
    sweep = create_model(
        "SweepEntry",
        __base__=Strict,
        __doc__="One sweep: a family of densities, the axes it runs over, and what is computed at every point.",
        family=(Annotated[str, OneOf("family", known.families)], Field(description="family of densities")),
        axes=(axes, Field(description="axes of the sweep")),
        parameters=(dict[str, Any], Field(default={}, description="the family's other arguments")),
        split=(
            Annotated[list[Label], AfterValidator(_different)],
            Field(default=[], description="axes of which every value is a job of its own"),
        ),
        quantities=(names("quantity", known.quantity_names), Field(description="what is computed")),
        **{name: _field(name, known) for name in known.options},  # type: ignore[call-overload]
    )
    kind = Annotated[str, OneOf("kind of schedule", known.kinds)]
    entry = create_model(
        "ScheduleEntry",
        __config__=ConfigDict(extra="allow", strict=True, frozen=True),
        __doc__="A noise schedule: its kind and that kind's parameters.",
        kind=(kind, ...),
    )
    schedule = Annotated[
        Annotated[kind, Tag("<kind>")] | Annotated[entry, Tag("<mapping>")],  # type: ignore[valid-type]
        Discriminator(_entry_form),
    ]
    study = create_model(
        "StudyFile",
        __base__=Strict,
        __doc__="A study of scoreshock: noise schedules, and sweeps over families of mixtures.",
        output=OUTPUT,
        schedules=(dict[Label, schedule], Field(default={}, description="noise schedules by label")),  # type: ignore[valid-type]
        sweeps=(dict[Label, sweep], Field(min_length=1, description="sweeps by name")),  # type: ignore[valid-type]
        **ABOUT,  # type: ignore[call-overload]
    )
    return Models(study, sweep, axes, schedule)


def ours() -> Models:
    """Models of studies without plugins."""
    return models(vocabulary())
