"""Strict models of the YAML of a study, from which the JSON schema is derived."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
from pydantic_core import PydanticCustomError

from scoreshock import options
from scoreshock.conventions import AXES
from scoreshock.study.errors import show
from scoreshock.study.vocabulary import Vocabulary, vocabulary

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
NAME_RULE = (
    "a letter or digit, then up to 63 letters, digits, '_', '.', '-', without '..', and no device of Windows such as NUL"
)

EXTRA = "x-"  # begins a key at the top that the study does not read, as in Docker Compose and OpenAPI


def problem(message: str) -> PydanticCustomError:
    """A validation error with this message; braces in it are not placeholders."""
    return PydanticCustomError("problem", "{message}", {"message": message})


class Strict(BaseModel):
    """A model without unknown keys, without conversion, and immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def number(value: Any) -> Any:
    """``value`` if it is a finite number; for text that looks like one the error says how to write it."""
    if not options.is_finite(value):
        raise problem(f"{show(value)} is not allowed{options.text_hint(value)}; allowed: a finite number")
    return value


def text(value: Any, allowed: str = "text") -> Any:
    """``value`` if it is text; YAML reads numbers and some words without quotes as something else."""
    if isinstance(value, str):
        return value
    is_word = value is not None and not isinstance(value, Mapping | list)
    raise problem(f"{show(value)} is not text; {'write it in quotes' if is_word else f'allowed: {allowed}'}")


_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def name(value: Any) -> str:
    """A name that is safe in file names on every system."""
    if not re.fullmatch(NAME, text(value, NAME_RULE)) or ".." in value or value.endswith(".") or _DEVICE.fullmatch(value):
        raise problem(f"{show(value)} is not a name; allowed: {NAME_RULE}")
    return str(value)


def folder(value: str) -> str:
    """A folder's path that Snakemake takes literally: braces would be wildcards."""
    if not value.strip() or not value.isprintable() or re.search(r"^~|[{}$\\]|://", value):
        raise problem(f"{show(value)} is not allowed; allowed: a path on this machine, with / and without ~, $ and braces")
    return value


def _different(values: list[Any]) -> list[Any]:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise problem(f"{show(value)} appears twice; allowed: each value once")
        seen.add(value)
    return values


def label(value: Any) -> str:
    """The label of a schedule; the schedule itself is described under ``schedules``."""
    return name(text(value, "labels such as [ve, edm]; a schedule is described under schedules at the top"))


Number = Annotated[int | float, BeforeValidator(number), WithJsonSchema({"type": "number"})]
Distinct = [Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_different)]
Numbers = Annotated[list[Number], *Distinct]
Label = Annotated[str, BeforeValidator(name), WithJsonSchema({"type": "string", "pattern": NAME})]
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


def _form(value: Any) -> str:
    if isinstance(value, Mapping):
        return "<values>" if not value or "values" in value else "<range>"
    return "<list>" if isinstance(value, list | tuple) else "<number>"


ScheduleLabel = Annotated[str, BeforeValidator(label), WithJsonSchema({"type": "string", "pattern": NAME})]
ScheduleLabels = Annotated[list[ScheduleLabel], *Distinct]
ScheduleAxis = Annotated[
    Annotated[ScheduleLabel, Tag("<number>")] | Annotated[ScheduleLabels, Tag("<list>")],
    Discriminator(lambda value: "<list>" if isinstance(value, list | tuple) else "<number>"),
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


def one_of(known: Iterable[str]) -> Any:
    """Type of text that is one of these names."""
    return Literal[tuple(known)]


def names(known: Iterable[str]) -> Any:
    """Type of a list of different names."""
    return Annotated[list[one_of(known)], *Distinct]  # type: ignore[misc]


def _type(option: options.Option) -> Any:
    """Type of an option."""
    match option:
        case options.Grid(units=units):
            return _grid(units)
        case options.Names(known=known):
            return names(known)
        case options.Choice(known=known):
            return one_of(known)
        case options.Groups():
            return Groups
        case options.Classes():
            return Annotated[list[int], Field(min_length=1)]
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


def _field(name: str, known: Vocabulary) -> tuple[Any, Any]:
    """Type and field of an option; None stands for the declared default, and cannot be written."""
    takers = known.quantities_with(name)
    kinds = [each.options[name] for each in takers]
    option, default = kinds[0], takers[0].default(name)
    if isinstance(option, options.Names):
        united = tuple(dict.fromkeys(each for kind in kinds for each in getattr(kind, "known", ())))
        option = replace(option, known=known.criteria if name == "criteria" else united)
    shown = {} if default is None or name == "criteria" else {"default": default}
    words = f"{', '.join(dict.fromkeys(each.name for each in takers))}: {option.meaning}"
    return _type(option), Field(default=None, description=words, json_schema_extra=shown)


def _axes(of_files: Sequence[str]) -> type[BaseModel]:
    """Model of the axes of a sweep, those of the files that the study names included."""
    return create_model(  # type: ignore[call-overload, no-any-return]
        "Axes",
        __base__=Strict,
        __doc__="Axes of a sweep, in the order of the results' dimensions.",
        **{key: (_grid(), Field(default=None, description=axis.meaning)) for key, axis in AXES.items()},
        schedule=(ScheduleAxis, Field(default=None, description="labels of noise schedules, or kinds with their defaults")),
        **{key: (_grid(), Field(default=None)) for key in of_files},
    )


def _entry_form(value: Any) -> str:
    return "<mapping>" if isinstance(value, Mapping) else "<kind>"


def _selected(value: Any) -> Any:
    """A selection: a number or name, a list of them, or a range."""
    if isinstance(value, Mapping):
        if not value or set(value) - {"start", "stop"} or not all(map(options.is_finite, value.values())):
            raise problem(f"{show(value)} is not allowed; allowed: a value, a list of values, or {{start: 1.0, stop: 2.0}}")
        return dict(value)
    for each in value if isinstance(value, list) and value else [value]:
        if not isinstance(each, str) and not options.is_finite(each):
            raise problem(f"{show(value)} is not allowed; allowed: a value, a list of values, or {{start: 1.0, stop: 2.0}}")
    return value


class FigureEntry(Strict):
    """What is chosen of a figure; what is left out follows the data."""

    x: Annotated[str, BeforeValidator(text)] = Field(default="", description="dimension that lines run over")
    lines: Annotated[str, BeforeValidator(text)] = Field(default="", description="dimension with a line for each value")
    panels: Annotated[str, BeforeValidator(text)] = Field(default="", description="dimension with a panel for each value")
    select: dict[str, Annotated[Any, BeforeValidator(_selected)]] = Field(
        default={}, description="of dimensions a value, a list of values, or a range {start, stop}: only these are drawn"
    )
    scale: dict[Literal["x", "y"], Literal["linear", "log"]] = Field(default={}, description="of the axes x and y")
    formats: Annotated[list[Literal["html", "png", "svg"]], *Distinct] = Field(
        default=["png"], description="kinds of files besides the page of the sweep"
    )
    skip: bool = Field(default=False, description="whether it is not drawn")
    first: bool = Field(default=False, description="whether it leads the pages of the study and of the sweep")


def _figures(known: Iterable[str]) -> Any:
    """Model of the figures of a sweep."""
    return create_model(  # type: ignore[call-overload]
        "Figures",
        __base__=Strict,
        __doc__="Figures of a sweep by name; under all, what all of them take.",
        **{name: (FigureEntry, Field(default=None)) for name in ("all", *known)},
    )


def _said(description: str) -> tuple[Any, Any]:
    return Annotated[str, BeforeValidator(text)], Field(default="", description=description)


OUTPUT = (
    Annotated[str, AfterValidator(folder), BeforeValidator(text)],
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
    """Models of a study, of its sweeps, axes, figures and schedules, for one vocabulary."""

    study: type[BaseModel]
    sweep: type[BaseModel]
    axes: type[BaseModel]
    figures: type[BaseModel]
    schedule: Any


@lru_cache(maxsize=8)
def models(known: Vocabulary) -> Models:
    """Models of studies that may use these names."""
    axes = _axes(known.file_axes)
    figures = _figures(known.figures)
    sweep = create_model(
        "SweepEntry",
        __base__=Strict,
        __doc__="One sweep: a family of densities, the axes it runs over, and what is computed at every point.",
        family=(one_of(known.families), Field(description="family of densities")),
        axes=(axes, Field(description="axes of the sweep")),
        parameters=(dict[str, Any], Field(default={}, description="the family's other arguments")),
        split=(
            Annotated[list[Label], AfterValidator(_different)],
            Field(default=[], description="axes of which every value is a separate job"),
        ),
        quantities=(names(known.quantity_names), Field(description="what is computed")),
        figures=(figures, Field(default=None, description="what is chosen of the figures")),
        note=_said("what the sweep shows, for its pages"),
        **{name: _field(name, known) for name in known.options},  # type: ignore[call-overload]
    )
    kind = one_of(known.kinds)
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
    return Models(study, sweep, axes, figures, schedule)


def builtin() -> Models:
    """Models of studies without plugins."""
    return models(vocabulary())
