"""Conversion of text with LaTeX formulas between dollar signs to HTML with MathML, which needs no scripts."""

from __future__ import annotations

import re
from functools import cache

from latex2mathml.converter import convert
from markupsafe import Markup, escape

NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
"""Namespace that HTML does not need; without it, the page contains no external address."""

FUNCTION = r"(?<!<msup>)<mi>(?:ln|tanh)</mi>(?!<mo stretchy)"
"""A function before an argument without parentheses; browsers, unlike LaTeX, add no space between them."""


def typeset(text: str) -> Markup:
    r"""Convert ``text`` to HTML, with formulas between dollar signs as MathML.

    Raises
    ------
    ValueError
        If the number of dollar signs is odd.

    Examples
    --------
    >>> typeset(r"where $a < b$")
    Markup('where <math display="inline"><mrow><mi>a</mi><mo>&#x0003C;</mo><mi>b</mi></mrow></math>')
    """
    parts = text.split("$")
    if len(parts) % 2 == 0:
        raise ValueError(f"a formula is not closed by a dollar sign: {text!r}")
    return Markup("").join(formula(part) if number % 2 else escape(part) for number, part in enumerate(parts))


@cache
def formula(latex: str, display: bool = False) -> Markup:
    """Convert a LaTeX formula to MathML, inline or on a separate line."""
    mathml = convert(latex, display="block" if display else "inline").replace(NAMESPACE, "")
    return Markup(re.sub(FUNCTION, r"\g<0><mspace width='0.17em' />", mathml))
