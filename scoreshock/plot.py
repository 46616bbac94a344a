"""Figures of results in a session: ``ss.plot.NAME(data)`` draws what the workflow draws, one function a figure.

``dir(ss.plot)`` lists the figures, those of plugins included. All take the keys of ``figures`` in a study as arguments, and
return an object of HoloViews or of Matplotlib.

    >>> import scoreshock as ss
    >>> tau = ss.speciation(ss.families.pair(separation=[1.0, 2.0, 3.0], variance=[0.25, 1.0]))
    >>> drawn = ss.plot.speciation(tau, lines="variance", select={"criterion": "exact"}, backend="matplotlib")
    >>> [axes.get_xlabel() for axes in drawn.axes]
    ['separation a']
"""

from __future__ import annotations

import html
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from scoreshock.checks import listed, show, suggestion
from scoreshock.figures import FIGURES, Captioned, captions
from scoreshock.figures import save as _save
from scoreshock.figures.description import Choice, Panel
from scoreshock.figures.selection import choosable, dimension
from scoreshock.figures.style import THEMES

BACKENDS = ("holoviews", "matplotlib")

SCALES = ("linear", "log")

_KEYS = """

Parameters
----------
data
    {data}
x, lines, panels
    Dimension that lines run over, that has a line for each value, and that has a panel for each value.
select
    Of dimensions a value, a list of values, or a slice of values: only these are drawn.
scale
    ``linear`` or ``log`` of the axes ``x`` and ``y``.
backend
    ``holoviews`` or ``matplotlib``.
theme
    ``light`` or ``dark``.
{beside}
Returns
-------
holoviews.Layout or matplotlib.figure.Figure
    One panel each. What is left out follows the data.

Raises
------
ValueError
    Where the data lack what the figure needs, or a choice is none; the message says what is allowed.
"""


def save(
    path: str | Path,
    name: str,
    data: xr.Dataset,
    *,
    x: str = "",
    lines: str = "",
    panels: str = "",
    select: Mapping[str, Any] | None = None,
    scale: Mapping[str, str] | None = None,
    **beside: xr.Dataset,
) -> Path:
    """Write a figure as a page or as a picture, with its caption.

    Parameters
    ----------
    path
        A file that ends in ``.html``, ``.png`` or ``.svg``. A page needs the script that is written beside it.
    name
        Name of the figure, as in ``dir(ss.plot)``.
    data, x, lines, panels, select, scale
        As in the function of that name; datasets of other quantities by keyword.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        Where there is no such figure, its data lack what it needs, or the format is unknown.

    Examples
    --------
    >>> import tempfile, scoreshock as ss
    >>> tau = ss.speciation(ss.families.pair(separation=[1.0, 2.0, 3.0], variance=0.25))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ss.plot.save(f"{folder}/times.png", "speciation", tau, scale={"y": "log"}).name
    'times.png'
    """
    chosen = {"x": x, "lines": lines, "panels": panels, "select": select, "scale": scale}
    return saved(path, name, data, chosen, beside)[0]


def saved(
    path: str | Path, name: str, data: xr.Dataset, chosen: Mapping[str, Any], beside: Mapping[str, xr.Dataset]
) -> tuple[Path, str]:
    """The file that `save` writes of what is ``chosen``, and its caption."""
    found = _captioned(_known(name), data, chosen, beside)
    return _save(found.panels, Path(path), name, html.escape(found.caption)), found.caption


class NothingToDraw(ValueError):
    """The data have nothing that a figure shows."""


def __getattr__(name: str) -> Callable[..., Any]:
    key = name.replace("_", "-")
    if name.startswith("_") or key not in FIGURES:
        hint = suggestion(name, __dir__())
        raise AttributeError(f"there is no figure {name!r}{hint}; allowed: {', '.join(__dir__())}")
    return _function(name, key)


def __dir__() -> list[str]:
    return sorted(["save", *(name.replace("-", "_") for name in FIGURES)])


def _function(name: str, key: str) -> Callable[..., Any]:
    """The public function of a figure."""

    def draw(
        data: xr.Dataset,
        *,
        x: str = "",
        lines: str = "",
        panels: str = "",
        select: Mapping[str, Any] | None = None,
        scale: Mapping[str, str] | None = None,
        backend: str = "holoviews",
        theme: str = "light",
        **beside: xr.Dataset,
    ) -> Any:
        for argument, value, allowed in (("backend", backend, BACKENDS), ("theme", theme, THEMES)):
            _check_one(argument, value, allowed)
        chosen = {"x": x, "lines": lines, "panels": panels, "select": select, "scale": scale}
        return _drawn(_captioned(key, data, chosen, beside).panels, backend, theme)

    declared = FIGURES[key]
    others = "".join(
        f"{each}\n    Result of the quantity ``{each}``, by keyword; may be left out.\n" for each in declared.beside
    )
    data = f"Result of the quantity ``{declared.of}``, computed in the session or opened."
    draw.__name__, draw.__qualname__ = name, name
    draw.__doc__ = declared.words + _KEYS.format(data=data, beside=others)
    return draw


def _drawn(panels: Sequence[Panel], backend: str, theme: str) -> Any:
    if backend == "matplotlib":
        from scoreshock.figures import picture

        return picture.drawn(panels, theme)
    from scoreshock.figures import interactive

    interactive.load_in_notebook()
    return interactive.drawn(panels, theme)


def _captioned(key: str, data: Any, chosen: Mapping[str, Any], beside: Mapping[str, Any]) -> Captioned:
    """Panels and caption of a figure of checked data in a checked choice."""
    declared = FIGURES[key]
    for name, value in {"data": data, **beside}.items():
        if not isinstance(value, xr.Dataset):
            raise ValueError(f"{name} = {show(value)} is not a dataset; allowed: a result of the quantity {declared.of}")
    for name in beside:
        _check_one("the keyword", name, declared.beside)
    choice = _choice([data, *beside.values()], chosen)
    try:
        panels = declared.panels({declared.of: data, **beside}, choice)
    except (KeyError, AttributeError, StopIteration) as error:
        words = " ".join(str(error).split()).strip("\"'")
        raise ValueError(f"data: the figure {key} needs a result of the quantity {declared.of}: {words:.160}") from error
    if not panels:
        lacking = [name for name in declared.beside if name not in beside]
        hint = f" without the keywords {', '.join(lacking)}" if lacking else ""
        said = f"data: nothing to draw in the figure {key}{hint}; ss.explain(data) counts why values are missing"
        raise NothingToDraw(said)
    return Captioned(panels, captions.caption(declared.words, panels))


def _choice(datasets: Sequence[xr.Dataset], chosen: Mapping[str, Any]) -> Choice:
    known = dict.fromkeys(name for dataset in datasets for name in dataset.dims)
    given = {key: chosen[key] for key in ("x", "lines", "panels") if chosen[key]}
    roles = {key: dimension(name, known) for key, name in given.items()}
    for key, name in given.items():
        _check_one(key, name, choosable(datasets), known)
        if list(roles.values()).count(roles[key]) > 1:
            raise ValueError(f"{key} = {show(name)} is chosen twice; allowed: each of x, lines and panels another dimension")
    select, scale = dict(chosen["select"] or {}), dict(chosen["scale"] or {})
    for name in select:
        _check_one("select", name, choosable(datasets), known)
    for axis, value in scale.items():
        _check_one("scale", axis, ("x", "y"))
        _check_one(f"scale[{axis!r}]", value, SCALES)
    return Choice(**roles, select=select, scale=scale)


def _known(name: str) -> str:
    key = name.replace("_", "-") if isinstance(name, str) else name
    if key not in FIGURES:  # files of figures have dashes
        _check_one("name", name, [each for each in __dir__() if each != "save"])
    return key


def _check_one(argument: str, value: Any, allowed: Any, also: Container[Any] = ()) -> None:
    names = list(allowed)
    if value not in names and value not in also:
        raise ValueError(f"{argument} = {show(value)} is not allowed{suggestion(value, names)}; allowed: {listed(names)}")
