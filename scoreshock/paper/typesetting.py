"""Words with formulas in LaTeX between dollar signs, as HTML with MathML: browsers show it without scripts."""

from __future__ import annotations

import re
from functools import cache

from latex2mathml.converter import convert
from markupsafe import Markup, escape

NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
"""HTML knows MathML without it, and a page without addresses is seen to load none."""

FUNCTION = r"(?<!<msup>)<mi>(?:ln|tanh)</mi>(?!<mo stretchy)"
"""A function before an argument without parentheses, between which browsers leave no space as LaTeX does."""


def typeset(text: str) -> Markup:
    r"""``text`` as HTML, its formulas between dollar signs as MathML.

    Raises
    ------
    ValueError
        When a dollar sign has no partner.

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
    """A formula in LaTeX as MathML, in the line or on a line of its own."""
    mathml = convert(latex, display="block" if display else "inline").replace(NAMESPACE, "")
    return Markup(re.sub(FUNCTION, r"\g<0><mspace width='0.17em' />", mathml))
