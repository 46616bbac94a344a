"""The tables of the documentation are those of the declarations."""

from pathlib import Path

import yaml

from scoreshock.conventions import Status, TimeStatus, Variable
from scoreshock.study import reference
from scoreshock.study.vocabulary import vocabulary

ROOT = Path(__file__).parents[2]


def test_the_tables_in_the_repository_are_made_from_the_declarations() -> None:
    for page in reference.PAGES:
        text = (ROOT / page).read_text("utf-8")
        assert text == reference.filled(text), "run python -m scoreshock.study.reference"
    assert (ROOT / reference.VARIABLES).read_text("utf-8") == reference.variables_page(vocabulary())


def test_they_name_every_option_quantity_criterion_and_variable() -> None:
    known = vocabulary()
    text = reference.filled("".join(f"<!-- {name}: generated from the declarations -->\n<!-- end of {name} -->" for name in
                                      ("options", "quantities", "criteria", "status", "time_status")))  # fmt: skip
    for name in (*known.options, *known.quantity_names, *known.criteria, *Status.__members__, *TimeStatus.__members__):
        assert f"| `{name}` |" in text
    page = reference.variables_page(known)
    for quantity in known.quantities:
        for variable in quantity.variables:
            assert isinstance(variable, Variable)
            assert f"| `{variable.name}` |" in page


def test_every_sweep_of_the_default_study_is_named_with_what_it_shows() -> None:
    study = reference.STUDY.read_text("utf-8")
    rows = [line.strip("| \n").split(" | ") for line in reference.sweep_table(study).splitlines()[2:]]
    assert [name.strip("`") for name, _ in rows] == list(yaml.safe_load(study)["sweeps"])
    assert all(20 < len(text) < 160 and text[-1] not in ".:" for _, text in rows)
    assert f"| `pair` | {rows[0][1]} |" in (ROOT / "docs/start.md").read_text("utf-8")


def test_defaults_and_allowed_values_are_those_of_the_options() -> None:
    table = reference.option_table(vocabulary())
    assert "| `order` | highest order of the series (0 to 40) | `8` | `corrections` |" in table
    assert "| `tau_max` | diffusion time at which generation starts | `10.0` | `divergence` |" in table
