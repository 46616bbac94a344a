"""A study's sweeps and blocks: what they hold, how they are named, and which change makes a block another one."""

import copy
import hashlib
import json
from pathlib import Path

import pytest

import scoreshock as ss
from scoreshock import axes
from scoreshock.densities import families, sources
from scoreshock.quantities.declaration import criteria_of
from scoreshock.storage import provenance
from scoreshock.storage.plans import Planned
from scoreshock.study.errors import StudyError
from scoreshock.study.reading import check_files
from scoreshock.study.study import Study
from scoreshock.study.vocabulary import vocabulary

QUANTITIES = tuple(vocabulary().of("mixture"))

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "config" / "config.yaml"

PAIR = {
    "family": "pair",
    "axes": {
        "separation": {"start": 0.5, "stop": 8.0, "num": 76},
        "variance": [0.25, 1],
        "weight": 0.5,
        "dimension": [1, 64],
        "schedule": ["ve", "ddpm"],
    },
    "parameters": {"scaling": "per-coordinate"},
    "split": ["dimension", "schedule"],
    "quantities": ["scores", "speciation", "corrections", "amplification"],
}


def study_of(sweep=PAIR, **more):
    schedules = {"ddpm": {"kind": "vp-linear", "beta_max": 20}}
    return Study.from_mapping({"schedules": schedules, "sweeps": {"pair": sweep}} | more)


def sweep_of(**changes):
    return study_of(copy.deepcopy(PAIR) | changes).sweeps["pair"]


def digests(sweep, quantity):
    part = sweep.planned(quantity)
    return {block.name: part.blocks_digest or part.digest for block in sweep.blocks(quantity)}


def short(sweep, label):
    """What names of blocks say of a schedule."""
    return f"{label}-{provenance.parameters_digest(sweep.schedules[label])[:8]}"


@pytest.fixture(scope="module")
def default():
    return ss.load_study(DEFAULT)


@pytest.mark.slow
def test_blocks_are_the_product_of_the_split_axes_in_the_order_of_the_axes():
    sweep = sweep_of()
    ve, ddpm = (short(sweep, label) for label in ("ve", "ddpm"))
    assert [block.name for block in sweep.blocks("speciation")] == [
        f"dimension=1,schedule={ve}",
        f"dimension=1,schedule={ddpm}",
        f"dimension=64,schedule={ve}",
        f"dimension=64,schedule={ddpm}",
    ]
    assert [block.values for block in sweep.blocks("speciation")][1] == {"dimension": 1, "schedule": "ddpm"}
    assert sweep.n_blocks("speciation") == 4


def test_options_belong_to_their_quantity_alone():
    sweep = sweep_of(order=5, tau_min=0.125, tau=[0.5, 1], x={"start": -1, "stop": 1, "num": 3, "unit": "layer"})
    tau = {"values": [0.5, 1.0], "unit": "absolute"}
    line = {"start": -1.0, "stop": 1.0, "num": 3, "scale": "linear", "unit": "layer"}
    assert sweep.content("scores")["options"] == {"x": line, "tau": tau}
    assert sweep.content("corrections")["options"] == {"order": 5}
    assert sweep.content("amplification")["options"] == {"tau_min": 0.125, "tau": tau}


@pytest.mark.parametrize("quantity", ["scores", "corrections", "amplification"])
def test_schedules_are_content_of_speciation_only(quantity):
    assert sweep_of().content(quantity)["schedules"] == {}
    assert list(sweep_of().content("speciation")["schedules"]) == ["ve", "ddpm"]


def test_a_sweep_needs_no_schedule():
    numeric = {name: axis for name, axis in PAIR["axes"].items() if name != "schedule"}
    sweep = sweep_of(axes=numeric, split=["dimension"])
    assert sweep.content("speciation")["schedules"] == {}
    assert [block.name for block in sweep.blocks("speciation")] == ["dimension=1", "dimension=64"]


def test_a_label_hides_the_kind_of_the_same_name():
    sweep = study_of(PAIR, schedules={"ddpm": "vp-linear", "ve": {"kind": "ve", "t_end": 7.0}}).sweeps["pair"]
    assert sweep.schedules["ve"]["t_end"] == 7.0


@pytest.mark.slow
def test_contents_are_plain_and_whole_through_json(default):
    for sweep in default.sweeps.values():
        for quantity in sweep.quantities:
            for content in (sweep.content(quantity), *(block.content for block in sweep.blocks(quantity))):
                assert json.loads(json.dumps(content, allow_nan=False)) == content
                assert plain_types(content)


def plain_types(value):
    if isinstance(value, dict):
        return all(type(key) is str and plain_types(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(plain_types, value))
    return type(value) in (str, int, float, bool, type(None))


def test_digests_of_blocks_leave_out_the_split_values():
    sweep = sweep_of()
    part, code, content = sweep.planned("speciation"), provenance.code_digest("speciation"), sweep.content("speciation")
    whole = {"code": [code, provenance.code_digest("joining")], "content": content, "split": ["dimension", "schedule"]}
    kept = {key: value for key, value in content.items() if key != "schedules"}
    kept["axes"] = {axis: spec for axis, spec in content["axes"].items() if axis != "dimension"}
    for each, message in ((part.digest, whole), (part.blocks_digest, whole | {"code": code, "content": kept})):
        assert each == hashlib.sha256(json.dumps(message, separators=(",", ":")).encode()).hexdigest()[:16]
    assert Planned.of(json.loads(json.dumps(part.plain()))) == part


WITHOUT_TAU = {"speciation", "corrections", "divergence", "cascade", "isotropy", "clocks", "collapse", "guidance", "when"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reruns"),
    [
        ({"x": {"start": -1, "stop": 1, "num": 3}}, {"scores", "burgers"}),
        ({"tau": [1.0]}, set(QUANTITIES) - WITHOUT_TAU),
        ({"criteria": ["exact"]}, {"speciation", "when"}),
        ({"order": 3}, {"corrections"}),
        ({"tau_min": 0.5}, {"amplification", "boundary_amplification", "divergence"}),
        ({"tau_max": 0.5}, {"divergence"}),
        ({"groups": [[1], [0]]}, {"boundary_amplification", "layer"}),
        ({"forms": ["vp"]}, {"burgers"}),
        ({"terms": True}, {"burgers"}),
        ({"starts": [0.5]}, {"trajectories"}),
        ({"bias": -0.1}, {"trajectories", "divergence"}),
        ({"error_support": "layer"}, {"trajectories", "divergence"}),
        ({"distance": [0, 1]}, {"regions"}),
        ({"tau_relative": [1.0, 2.0]}, {"isotropy"}),
        ({"threshold": 0.1}, {"isotropy"}),
        ({"points": 500}, {"isotropy"}),
        ({"seed": 1}, {"isotropy", "decisions", "clocks", "collapse", "guidance", "when"}),
        ({"parameters": {"scaling": "fixed"}}, set(QUANTITIES)),
        ({"parameters": {"scaling": "per-coordinate"}}, set()),
        ({"quantities": ["speciation", "scores", "corrections", "amplification"]}, set()),
    ],
)
def test_an_option_reruns_the_quantities_that_it_enters(change, reruns):
    before, after = sweep_of(split=[]), sweep_of(split=[], **change)
    for quantity in QUANTITIES:
        assert (digests(before, quantity) == digests(after, quantity)) == (quantity not in reruns)


def test_how_a_study_is_written_changes_no_digest(tmp_path):
    terse, wordy = tmp_path / "terse.yaml", tmp_path / "wordy.yaml"
    terse.write_text(
        "schedules: {a: {kind: edm, steps: 18, sigma_max: 80.0}, b: ve}\n"
        "sweeps: {p: {family: pair, axes: {separation: {start: 1, stop: 2, num: 3}, variance: 1, schedule: [b, a]},"
        " quantities: [speciation]}}\n"
    )
    wordy.write_text(
        "# a comment\n"
        "sweeps:\n  p:\n    quantities: [speciation]  # all\n    parameters: {}\n    order: 8\n"
        "    axes:\n      separation: {num: 3, scale: linear, stop: 2.0, start: 1.0}\n      variance: {values: [1.0]}\n"
        "      schedule: [b, a]\n    family: pair\noutput: elsewhere\n"
        "schedules:\n  b: {kind: ve}\n  a: {sigma_max: 80, kind: edm, steps: 18}\n"
    )
    one, other = (ss.load_study(path).sweeps["p"] for path in (terse, wordy))
    assert digests(one, "speciation") == digests(other, "speciation")
    assert (one.content("speciation"), one.name) == (other.content("speciation"), other.name)


def test_the_order_of_axes_and_schedules_is_that_of_the_results():
    turned = dict(reversed(PAIR["axes"].items()))
    assert list(sweep_of(axes=turned).content("scores")["axes"]) == ["dimension", "weight", "variance", "separation"]
    one, other = digests(sweep_of(axes=turned), "scores"), digests(sweep_of(), "scores")
    assert one.keys() == other.keys()
    assert set(one.values()).isdisjoint(other.values())


def test_a_schedule_that_changes_reruns_its_own_blocks():
    before = study_of().sweeps["pair"]
    after = study_of(PAIR, schedules={"ddpm": {"kind": "vp-linear", "beta_max": 19}}).sweeps["pair"]
    old, new = digests(before, "speciation"), digests(after, "speciation")
    changed = short(before, "ddpm")
    assert old.keys() - new.keys() == {f"dimension=1,schedule={changed}", f"dimension=64,schedule={changed}"}
    assert set(old.values()) == set(new.values())


def test_points_count_mixtures_and_the_grid_of_scores():
    sweep = sweep_of(x={"start": -3, "stop": 3, "num": 301}, tau=[0.1, 1.0])
    assert sweep.points("speciation") == 76 * 2 * 2
    assert sweep.points("corrections") == 76 * 2 * 2
    assert sweep_of(parameters={}).points("corrections") == 76 * 2
    assert sweep.points("scores") == 76 * 2 * 2 * 301 * 2
    assert sweep.points("layer") == 76 * 2 * 2 * 2


def test_the_digest_of_a_data_file_is_content(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("a,b,label\n1,2,x\n3,4,y\n5,6.5,y\n")
    sweep = {"family": "data", "axes": {"schedule": ["ve"]}, "parameters": {"file": str(file)}, "quantities": ["speciation"]}
    content = study_of(sweep).sweeps["pair"].content("speciation")
    assert content["data"] == sources.digest(file)
    assert content["axes"] == {}
    before = study_of(sweep).sweeps["pair"].planned("speciation").digest
    file.write_text(file.read_text() + "\n7,8,x\n")
    assert study_of(sweep).sweeps["pair"].planned("speciation").digest != before


WELLS = {
    "family": "tilted-quartic",
    "axes": {"half_distance": [1.0, 1.5, 2.0], "tilt": [0.0, 0.2], "schedule": ["ve", "ddpm"]},
    "quantities": ["scores", "speciation", "layer"],
    "x": {"start": -2, "stop": 2, "num": 9},
}


def test_criteria_are_by_default_those_of_the_family():
    assert sweep_of().options["criteria"] == list(criteria_of(default=True))
    assert study_of(WELLS).sweeps["pair"].options["criteria"] == ["boundary", "merging", "matched-gaussian"]
    some = study_of(WELLS | {"criteria": ["merging"]}).sweeps["pair"]
    assert some.content("speciation")["options"] == {"criteria": ["merging"]}


@pytest.mark.slow
def test_each_kind_of_family_has_modules_of_its_own():
    wells = study_of(WELLS).sweeps["pair"]
    assert [wells.declaration(q).module for q in wells.quantities] == ["wells.scores", "wells.speciation", "wells.layer"]
    assert [sweep_of().declaration(q).module for q in QUANTITIES] == list(QUANTITIES)
    with pytest.raises(ValueError, match="'modes' is not computed of wells; allowed: layer, scores, spec"):
        wells.declaration("modes")


def test_a_description_holds_the_contents_and_is_json():
    sweep = sweep_of()
    described = sweep.description()
    assert (described["sweep"], described["family"], list(described["quantities"])) == ("pair", "pair", PAIR["quantities"])
    assert described["quantities"]["speciation"]["content"] == sweep.content("speciation")
    assert json.loads(json.dumps(described)) == described


@pytest.mark.slow
def test_the_default_study_is_valid_and_has_the_documented_sweeps(default):
    check_files([DEFAULT])
    assert set(default.sweeps) >= {"pair", "dimension", "triangle", "digits"}
    pair, dimension, triangle, digits = (default.sweeps[name] for name in ("pair", "dimension", "triangle", "digits"))
    assert [*pair.axes, "schedule"] == ["separation", "variance", "weight", "dimension", "schedule"]
    assert (pair.split, pair.quantities, list(pair.schedules)) == (
        ("dimension",),
        ("scores", "speciation", "corrections", "amplification"),
        ["ve", "ddpm", "vp-cosine", "edm18"],
    )
    assert dimension.parameters["scaling"] == "per-coordinate"
    assert (min(dimension.axes["dimension"]["values"]), max(dimension.axes["dimension"]["values"])) == (1, 10**6)
    assert (triangle.components, triangle.features) == (3, 2)
    assert (digits.components, dict(digits.axes)) == (10, {})
    assert any(parameters["kind"] == "table" for parameters in digits.schedules.values())
    assert all(sweep.block_bytes(quantity) < 40e6 for sweep in default.sweeps.values() for quantity in sweep.quantities)


@pytest.mark.slow
def test_the_default_study_builds_the_mixtures_that_it_names(default):
    for sweep in default.sweeps.values():
        values = {name: axes.values(spec) for name, spec in sweep.axes.items()}
        mixture = families.build(sweep.family, values, dict(sweep.parameters))
        assert (mixture.sizes["component"], mixture.sizes["feature"]) == (sweep.components, sweep.features)


def test_title_author_and_note_of_a_study_change_no_digest() -> None:
    plain = {"sweeps": {"line": {"family": "pair", "axes": {"separation": [1.0]}, "quantities": ["speciation"]}}}
    told = Study.from_mapping(plain | {"title": "Pairs", "author": "A. B.", "note": None})
    assert told.about == {"study": "Pairs", "author": "A. B."}
    assert Study.from_mapping(plain).about == {}
    content = told.sweeps["line"].content("speciation")
    assert content == Study.from_mapping(plain).sweeps["line"].content("speciation")
    assert provenance.attributes(content, "speciation", sweep="line", **told.about)["author"] == "A. B."
    with pytest.raises(StudyError, match=r"title: 3 is not text; write it in quotes"):
        Study.from_mapping(plain | {"title": 3})
