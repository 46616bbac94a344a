"""What a dataset is, in a few lines of text or HTML."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scoreshock.accessor.content import content_of
from scoreshock.accessor.tidy import is_flag
from scoreshock.checks import listed, number_of, shortened
from scoreshock.quantities.outcomes import occurrences
from scoreshock.storage import provenance

COUNTED = 10**7
"""Maximum number of flags that are read to count them."""

Facts = list[tuple[str, str]]
"""What is said, line by line: a key and its text."""

STYLE = """<style>
.scoreshock-card { color: var(--xr-font-color0, var(--jp-content-font-color0, inherit)); font-size: 13px; line-height: 1.4; }
.scoreshock-card b { font-size: 14px; }
.scoreshock-card table { border-collapse: collapse; margin: 4px 0; background: none; color: inherit; }
.scoreshock-card tr { background: none !important; }
.scoreshock-card :is(th, td) { text-align: left !important; vertical-align: top; padding: 1px 12px 1px 0; border: 0;
  color: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
.scoreshock-card th { font-weight: 400; opacity: .65; white-space: nowrap; }
</style>"""
"""Colours are those of xarray's own representation, and so those of the notebook's theme."""


def as_text(title: str, facts: Facts) -> str:
    """The card as lines of text."""
    width = max((len(key) for key, _ in facts), default=0)
    lines = [f"{key:<{width}}  {text}".replace("\n", f"\n{'':<{width}}  ") for key, text in facts]
    return "\n".join([title, *(f"  {line}".replace("\n", "\n  ") for line in lines)])


def as_html(title: str, facts: Facts) -> str:
    """The card as HTML, in the colours of the notebook's theme."""
    rows = "".join(f"<tr><th>{html.escape(key)}</th><td>{html.escape(text)}</td></tr>" for key, text in facts)
    return f'{STYLE}<div class="scoreshock-card"><b>{html.escape(title)}</b><table>{rows}</table></div>'


def of_dataset(dataset: xr.Dataset) -> tuple[str, Facts]:
    """Title and facts of the results of a quantity."""
    names = ", ".join(str(name) for name in dataset.data_vars if not is_flag(dataset[name])) or "none"
    title = str(dataset.attrs.get("title") or f"results: {shortened(names, 60)}")
    facts = _warnings(dataset.attrs)
    facts += [(key, str(dataset.attrs[key])) for key in ("author", "comment") if key in dataset.attrs]
    facts += [("axes", "\n".join(_axes(dataset)))] if dataset.dims else []
    facts += [("variables", names)]
    facts += [(key, str(dataset.attrs[key])) for key in ("parameters", "options", "schedules") if dataset.attrs.get(key)]
    facts += [("status", text)] if (text := "\n".join(_statuses(dataset))) else []
    return title, [*facts, *_origin(dataset)]


def _warnings(attributes: Mapping[Any, Any]) -> Facts:
    """The first lines of the warnings with which the results were opened."""
    lines = str(attributes.get("scoreshock_warnings", "")).splitlines()
    more = [("", f"... and {len(lines) - 3:,} more in .attrs['scoreshock_warnings']")] if len(lines) > 3 else []
    return [*(("warning", line) for line in lines[:3]), *more]


def _axes(dataset: xr.Dataset) -> Iterator[str]:
    for dim, size in dataset.sizes.items():
        values = dataset[dim].values if dim in dataset.coords else np.arange(size)
        texts = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values[[0, -1]].tolist()]
        shown = listed(str(value) for value in values.tolist()) if size <= 12 else f"{texts[0]} ... {texts[1]}"
        yield f"{dim}: {shortened(shown, 100)} ({size:,})"


def _statuses(dataset: xr.Dataset) -> Iterator[str]:
    """Counts of each flag variable's words."""
    flags = [dataset[name] for name in dataset.variables if is_flag(dataset[name])]
    total = sum(flag.size for flag in flags)
    if total > COUNTED:
        yield f"{total:,} flags, not counted here; .scoreshock.explain() counts them"
        return
    for flag in flags:
        each = (f"{count:,} {meaning}" for meaning, count in occurrences(flag).items())
        yield f"{flag.name}: {', '.join(each)}"


def _origin(dataset: xr.Dataset) -> Facts:
    """Where the results come from, and how they are opened."""
    facts: Facts = []
    content = content_of(dataset, needed=False)
    if "source" in dataset.attrs:
        quantity = (content or {}).get("quantity", dataset.attrs.get("scoreshock_quantity", ""))
        same = provenance.is_of_this_code(dataset.attrs, str(quantity))
        facts.append(("computed", f"by {dataset.attrs['source']}, {'this' if same else 'another'} version of the code"))
    if file := dataset.encoding.get("source"):
        path = Path(file)
        facts.append(("open again", f"ss.open_results({str(path.parents[1])!r}, {path.parent.name!r}, {path.stem!r})"))
    return [*facts, ("more", ".scoreshock.explain(), .valid(), .to_tidy(), .sigma('tau_star'), .recompute(...)")]


def of_array(array: xr.DataArray) -> tuple[str, Facts]:
    """Title and facts of one variable."""
    title = f"{array.name or 'values'}: {array.attrs.get('long_name', 'no description')}"
    facts: Facts = [(key, str(array.attrs[key])) for key in ("description", "references", "units") if key in array.attrs]
    facts += [("axes", "\n".join(_axes(array.to_dataset(name="values"))))] if array.dims else []
    alone = array.to_dataset(name=array.name or "values")
    return title, [*facts, *([("status", text)] if (text := "\n".join(_statuses(alone))) else [])]


def of_tree(tree: xr.DataTree) -> tuple[str, Facts]:
    """Title and facts of all results in a folder, or of a sweep."""
    facts = _warnings(tree.attrs)
    facts += [(node.path.strip("/") or "/", _of_node(node)) for node in tree.subtree if not node.children]
    return str(tree.attrs.get("title", "results")), [*facts, ("open", "tree['SWEEP/QUANTITY'].to_dataset()")]


def _of_node(node: xr.DataTree) -> str:
    dataset: Any = node.dataset
    if not dataset.data_vars:
        return shortened(dataset.attrs.get("scoreshock_warnings", "empty"))
    sizes = " x ".join(f"{dim} {size:,}" for dim, size in dataset.sizes.items() if size > 1)
    return "; ".join([*filter(None, [sizes]), number_of(len(dataset.data_vars), "variable")])
