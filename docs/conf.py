"""The documentation site: ``python -m sphinx -W docs build/site``. It needs no network, neither to build nor to read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import scoreshock as ss
from scoreshock.paper.typesetting import formula

project, author, copyright = "scoreshock", "The scoreshock developers", "The scoreshock developers"
version = release = ss.__version__

extensions = [
    "myst_nb",  # pages in Markdown, and notebooks, which are executed at every build
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]
default_role = "code"
nitpicky = False

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_code_prompt_show = "code of the picture"
nb_code_prompt_hide = "hide the code"

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say shapes, which types do not
napoleon_google_docstring = False
napoleon_use_rtype = False

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "scoreshock"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # a page that is opened from a disk may not fetch others
html_math_renderer = "mathml"
pygments_style, pygments_dark_style = "friendly", "github-dark"


def inline_math(translator: Any, node: nodes.math) -> None:
    """MathML, which browsers set without a script."""
    translator.body.append(str(formula(node.astext())))
    raise nodes.SkipNode


def display_math(translator: Any, node: nodes.math_block) -> None:
    """The same on a line of its own, which scrolls where it is wider than a phone."""
    translator.body.append(f'<div class="math-block">{formula(node.astext(), display=True)}</div>\n')
    raise nodes.SkipNode


ROOT = Path(__file__).parents[1]
INCLUDED = {
    "study": "config/README.md",
    "benchmarks": "benchmarks/README.md",
    "architecture": "ARCHITECTURE.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
}
"""Pages that are files of the repository outside of this folder."""


def link_of(target: str, file: Path) -> str | None:
    """What a link of a file of the repository is on this site; None where the site does not have it."""
    path, _, anchor = target.partition("#")
    linked = (ROOT / file.parent / path).resolve().relative_to(ROOT)
    if not (ROOT / linked).exists():
        raise ValueError(f"{file}: the link {target} leads nowhere")
    pages = {included: f"{name}.md" for name, included in INCLUDED.items()}
    inside = linked.relative_to("docs").as_posix() if linked.is_relative_to("docs") else pages.get(linked.as_posix())
    return inside and inside + ("#" + anchor) * bool(anchor)


def included_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the file of the repository in the place of its page, with links to this site's pages."""
    if docname not in INCLUDED:
        return
    file = Path(INCLUDED[docname])
    app.env.note_dependency(str(ROOT / file))

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        inside = link_of(target, file)
        return f"[{words}]({inside})" if inside else f"`{target}`"

    source[0] = re.sub(r"\[([^\]]+)\]\((?!https?:|#)([^)\s]+)\)", link, (ROOT / file).read_text("utf-8"))


def linked_functions(app: Sphinx, docname: str, source: list[str]) -> None:  # noqa: ARG001 - the signature is Sphinx's
    """In the generated table of statements, functions link to their page instead of their file."""
    if docname != "paper":
        return

    def link(found: re.Match[str]) -> str:
        name, path = found.groups()
        return f"[`{name}`](api/scoreshock.{name})" if name in ss.__all__ else f"`{path[3:-3].replace('/', '.')}.{name}`"

    source[0] = re.sub(r"\[`(\w+)`\]\((\.\./scoreshock/[\w/]+\.py)\)", link, source[0])


def setup(app: Sphinx) -> None:
    """Register the renderer of formulas, and what becomes of pages as they are read."""
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
    app.connect("source-read", included_page)
    app.connect("source-read", linked_functions)
