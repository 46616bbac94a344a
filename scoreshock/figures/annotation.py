"""Texts on an image, light on its dark colours and dark on its light ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoreshock.figures.description import Image, Labels
from scoreshock.figures.style import OKABE_ITO

LIGHT, DARK = "#ffffff", "#111111"
"""Colours of texts, in either theme."""

BRIGHT = 0.18
"""Relative luminance above which black contrasts more than white (W3C's formula)."""


def on_image(
    image: Image, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, texts: Sequence[str]
) -> tuple[Labels, ...]:
    """Labels of ``texts`` at the points (x, y) of a grid, in black or white by the colour of the image there.

    Examples
    --------
    >>> image = Image(np.arange(2.0), np.arange(1.0), np.array([[0.0, 1.0]]), "z")
    >>> [(label.texts, label.color) for label in on_image(image, [0.0, 1.0], [0.0, 0.0], ["low", "high"])]
    [(('low',), '#ffffff'), (('high',), '#111111')]
    """
    inks = [_ink(image, *point) for point in zip(x, y, strict=True)]
    groups = {color: [i for i, ink in enumerate(inks) if ink == color] for color in dict.fromkeys(inks)}
    return tuple(
        Labels(np.array([x[i] for i in group]), np.array([y[i] for i in group]), tuple(texts[i] for i in group), color)
        for color, group in groups.items()
    )


def _ink(image: Image, x: float, y: float) -> str:
    """Colour of a text at a point of an image."""
    value = image.z[np.abs(image.y - y).argmin(), np.abs(image.x - x).argmin()]
    low, high = image.limits
    if not np.isfinite(value):
        return OKABE_ITO[0]
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    colours = image.colours()
    color = colours[round(share * (len(colours) - 1))]
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return DARK if float(np.dot([0.2126, 0.7152, 0.0722], linear)) > BRIGHT else LIGHT
