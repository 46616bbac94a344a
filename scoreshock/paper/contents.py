"""Names of the files of the verification by section; cheap to import, because every job of the workflow reads it."""

from __future__ import annotations

SECTIONS = {
    4: "The score-Burgers correspondence",
    5: "Interfacial structure and speciation",
    6: "Error amplification at score shocks",
    7: "Several dimensions",
    8: "The VP-SDE by reduction of coordinates",
    9: "Correction terms for asymmetric mixtures",
}

_STATEMENTS = {
    4: "theorem statement theorem remark corollary",
    5: "proposition proposition definition proposition remark theorem proposition theorem remark proposition theorem remark "
    "proposition proposition",
    6: "proposition theorem theorem corollary remark proposition definition proposition",
    7: "theorem remark definition theorem theorem corollary proposition proposition remark",
    8: "theorem remark definition lemma theorem corollary corollary",
    9: "definition proposition corollary definition theorem definition theorem proposition remark theorem remark",
}
"""Kinds of the statements of each section, in the order of their numbers, which start at 1."""

_OTHERS = {
    4: ("figures/figure-3",),
    5: ("figures/figure-1", "figures/figure-2"),
    6: ("tables/exponents", "figures/figure-4"),
    7: ("figures/figure-5",),
    8: ("figures/figure-6",),
    9: ("tables/corrections", "figures/figure-7"),
}
"""Tables and figures of each section."""

FILES: dict[int, tuple[str, ...]] = {
    section: (*(f"statements/{kind}-{section}.{n}" for n, kind in enumerate(kinds.split(), 1)), *_OTHERS[section])
    for section, kinds in _STATEMENTS.items()
}
"""Paths of the files of each section, without suffix; `table` defines their contents."""
