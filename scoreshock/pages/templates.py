"""Templates of pages."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(package: str) -> Environment:
    """Templates in the folder ``templates`` of a package; those of HTML escape what is not markup.

    Examples
    --------
    >>> environment("scoreshock.reports").get_template("study.css.j2").name
    'study.css.j2'
    """
    return Environment(
        loader=PackageLoader(package, "templates"),
        undefined=StrictUndefined,
        autoescape=lambda name: ".html" in str(name),
        trim_blocks=True,
        lstrip_blocks=True,
    )
