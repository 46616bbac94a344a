"""The tables of the documentation are those of the declarations."""

from pathlib import Path

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


def test_defaults_and_allowed_values_are_those_of_the_options() -> None:
    table = reference.option_table(vocabulary())
    assert "| `order` | highest order of the series (0 to 40) | `8` | `corrections` |" in table
    assert "| `tau_max` | diffusion time at which generation starts | `10.0` | `divergence` |" in table
