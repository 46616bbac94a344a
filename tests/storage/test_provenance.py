"""Digests change with what changes numbers and with nothing else; attributes fit into NetCDF."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scoreshock.storage import provenance
from scoreshock.study.vocabulary import vocabulary

QUANTITIES = tuple(vocabulary().of("mixture"))

MINIATURE = {
    "__init__.py": "from mini.figures import draw\n",
    "conventions.py": "NAMES = ('tau',)\n",
    "figures.py": "def draw(): return 1\n",
    "densities/families.py": "from mini import conventions\n",
    "schedules/schedule.py": "import mini.schedules.formulas as formulas\n",
    "study/evaluation.py": """
        from mini import quantities
        from mini.densities import families
        def evaluate(quantity):
            if quantity == "scores":
                from mini.quantities.scores import compute
            else:
                from mini.quantities import speciation
        """,
    "schedules/formulas.py": "from ..conventions import NAMES\n",
    "kernels/gaussian/mixture.py": "import numpy as np\n",
    "kernels/speciation/roots.py": '''
        """Roots."""
        def root(x):  # the largest
            """A root."""
            from ..gaussian import mixture
            return x + 1
        ''',
    "quantities/__init__.py": "from mini.quantities import scores, speciation\n",
    "quantities/labelled.py": "import xarray\n",
    "quantities/criteria.py": '''
        VARIABLES = variables(
            """
            tau_star(criterion), status: time
                | Of each criterion. | (94)
            """
        )
        SIGMA = Variable("sigma", "noise", description="As in EDM.", references="(80)")
        ''',
    "quantities/scores.py": "from mini.kernels.gaussian import mixture\nfrom .labelled import apply\n",
    "quantities/speciation.py": """
        from mini.kernels.speciation.roots import root
        from mini.quantities import criteria
        from mini.schedules import schedule
        """,
    "paper/page.py": "from mini import conventions\n",
    "paper/templates/index.html.j2": "<title>{{ title }}</title>\n",
}

Edit = Callable[..., Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Write the miniature package with one replacement in one file, each time into a new folder."""

    def write(file: str = "", old: str = "", new: str = "") -> Path:
        package = tmp_path / str(len(list(tmp_path.iterdir()))) / "mini"
        for name, text in MINIATURE.items():
            path = package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [line.removeprefix("        ") for line in text.splitlines()]
            source = "\n".join(lines) + "\n"
            assert name != file or old in source
            path.write_text(source.replace(old, new) if name == file else source)
        return package

    return write


def test_a_template_is_code_of_the_page_and_of_nothing_else(edited: Edit) -> None:
    before, after = edited(), edited("paper/templates/index.html.j2", "title", "heading")
    assert provenance.code_digest("verification page", before) != provenance.code_digest("verification page", after)
    assert provenance.code_digest("speciation", before) == provenance.code_digest("speciation", after)


def test_modules_are_those_that_can_change_a_quantity(edited: Edit) -> None:
    package = edited()
    shared = {"study.evaluation", "densities.families", "conventions", "quantities", "quantities.labelled"} | {
        "kernels.gaussian.mixture"
    }
    scores = {"quantities.scores", *shared}
    own = {"quantities.speciation", "quantities.criteria", "kernels.speciation.roots"} | {
        "schedules.schedule",
        "schedules.formulas",
    }
    assert set(provenance.code_modules("scores", package)) == {f"mini.{name}" for name in scores}
    assert set(provenance.code_modules("speciation", package)) == {
        f"mini.{name}" for name in (shared - {"quantities.labelled"}) | own
    }


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("kernels/speciation/roots.py", '"""A root."""', '"""Another sentence, over\n    two lines."""'),
        ("kernels/speciation/roots.py", "# the largest", "# a comment"),
        ("kernels/speciation/roots.py", "return x + 1", "return (x +\n            1)"),
        ("figures.py", "return 1", "return 2"),
        ("quantities/criteria.py", "Of each criterion. | (94)", "Another | (77)"),
        ("quantities/criteria.py", "As in EDM.", "Another."),
        ("quantities/criteria.py", "(80)", "(81)"),
        ("__init__.py", "import draw", "import draw as paint"),
        ("quantities/scores.py", "mixture", "mixture as m"),
    ],
)
def test_changes_without_effect_on_a_quantity_keep_its_digest(edited: Edit, file: str, old: str, new: str) -> None:
    changed = edited(file, old, new)
    assert provenance.code_digest("speciation", changed) == provenance.code_digest("speciation", edited())


@pytest.mark.parametrize(
    ("file", "old", "new", "quantities"),
    [
        ("kernels/speciation/roots.py", "x + 1", "x + 2", {"speciation"}),
        ("schedules/formulas.py", "NAMES", "NAMES as names", {"speciation"}),
        ("quantities/criteria.py", "status: time", "status: another time", {"speciation"}),
        ("quantities/criteria.py", "(criterion)", "(schedule)", {"speciation"}),
        ("quantities/criteria.py", '"noise"', '"another"', {"speciation"}),
        ("quantities/scores.py", "mixture", "mixture as m", {"scores"}),
        ("quantities/labelled.py", "xarray", "xarray as xr", {"scores"}),
        ("kernels/gaussian/mixture.py", "np", "numpy", {"scores", "speciation"}),
        ("conventions.py", "tau", "tau_star", {"scores", "speciation"}),
        ("study/evaluation.py", "else", "elif quantity", {"scores", "speciation"}),
    ],
)
def test_changes_with_effect_on_a_quantity_change_its_digest_only(
    edited: Edit, file: str, old: str, new: str, quantities: set[str]
) -> None:
    before, after = edited(), edited(file, old, new)
    changed = {
        quantity
        for quantity in ("scores", "speciation")
        if provenance.code_digest(quantity, before) != provenance.code_digest(quantity, after)
    }
    assert changed == quantities


def test_code_is_spelled_alike_by_every_version_of_python() -> None:
    # `ast.unparse` of this line has other quotes from 3.12 on, and `ast.dump` other fields from 3.13 on.
    tree = ast.parse("""def f(a):\n    return f"{', '.join(a)}" if a else None""")
    joined = "Call(func=Attribute(value=Constant(value=', ')attr='join')args=[Name(id='a'),])"
    spelled = f"JoinedStr(values=[FormattedValue(value={joined}conversion=-1),])"
    body = f"Return(value=IfExp(test=Name(id='a')body={spelled}orelse=Constant()))"
    arguments = "arguments(args=[arg(arg='a'),])"
    assert provenance._spelled(tree) == f"Module(body=[FunctionDef(name='f'args={arguments}body=[{body},]),])"


def test_a_missing_module_and_an_unknown_quantity_are_named(edited: Edit) -> None:
    with pytest.raises(FileNotFoundError, match=r"mini\.quantities\.corrections"):
        provenance.code_digest("corrections", edited())
    with pytest.raises(FileNotFoundError, match=r"scoreshock\.quantities\.score has no source file"):
        provenance.code_digest("score")


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_quantity_depends_on_its_kernels_and_not_on_figures(quantity: str) -> None:
    modules = provenance.code_modules(quantity)
    assert {f"scoreshock.quantities.{quantity}", "scoreshock.study.evaluation", "scoreshock.conventions"} <= set(modules)
    assert any(name.startswith("scoreshock.kernels.") for name in modules)
    assert {name for name in modules if name.startswith("scoreshock.study")} == {"scoreshock.study.evaluation"}
    for room in ("figures", "comparison", "cli", "running", "storage", "paper"):
        assert not any(name.split(".")[1] == room for name in modules)


def test_the_diagnosis_of_networks_depends_on_its_room_and_not_on_training_and_figures() -> None:
    modules = provenance.code_modules("networks.diagnosis")
    rooms = {name.split(".")[1] for name in modules if "." in name}
    assert {"networks", "diagnosis", "kernels", "densities"} <= rooms
    assert not rooms & {"figures", "comparison", "cli", "running", "storage", "paper", "reports"}
    assert {"scoreshock.networks.perceptron", "scoreshock.networks.diagnosis"} <= set(modules)
    assert not {"scoreshock.networks.training", "scoreshock.networks.tables"} & set(modules)


def test_roots_belong_to_speciation_and_not_to_scores() -> None:
    assert "scoreshock.kernels.speciation.roots" in provenance.code_modules("speciation")
    assert "scoreshock.kernels.speciation.roots" not in provenance.code_modules("scores")


def test_wells_and_mixtures_depend_on_kernels_of_their_own() -> None:
    mixtures, wells = provenance.code_modules("speciation"), provenance.code_modules("wells.speciation")
    assert {"scoreshock.kernels.wells.times", "scoreshock.quantities.schedule_time", "scoreshock.study.evaluation"} <= set(
        wells
    )
    assert not {"scoreshock.kernels.wells.parts", "scoreshock.kernels.wells.double_wells"} & set(mixtures)
    assert not {
        "scoreshock.kernels.speciation.roots",
        "scoreshock.kernels.modes.modes",
        "scoreshock.quantities.speciation",
    } & set(wells)


def test_a_file_of_this_code_names_the_module_that_computed_it() -> None:
    result = provenance.attributes(CONTENT, "speciation", module="wells.speciation")
    assert result["scoreshock_code_digest"] == provenance.code_digest("wells.speciation")
    assert provenance.is_of_this_code(result, "speciation")
    assert provenance.is_of_this_code(provenance.attributes(CONTENT, "speciation"), "speciation")
    for module in ("speciation", "wells.corrections", "nothing"):
        assert not provenance.is_of_this_code(result | {"scoreshock_module": module}, "speciation")


CONTENT = {
    "parameters": {"seed": 7, "scaling": "fixed"},
    "family": "pair",
    "axes": {"variance": {"values": [1.0]}, "separation": {"values": [2.0]}},
    "schedules": {},
    "quantity": "speciation",
    "options": {"criteria": ["exact"]},
}


def test_the_digest_of_parameters_is_that_of_their_text_and_minds_the_order_of_axes() -> None:
    attributes = provenance.attributes(CONTENT, "speciation")
    text = str(attributes["scoreshock_parameters"])
    assert json.loads(text) == CONTENT
    assert provenance.parameters_digest(CONTENT) == hashlib.sha256(text.encode()).hexdigest()
    turned = CONTENT | {"axes": {"separation": {"values": [2.0]}, "variance": {"values": [1.0]}}}
    assert provenance.parameters_digest(turned) != provenance.parameters_digest(CONTENT)
    with pytest.raises(ValueError, match="JSON"):
        provenance.canonical_json({"x": float("nan")})


def test_digests_of_code_are_taken_from_a_process_that_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    result = {module: provenance.code_digest(module) for module in ("speciation", "joining")}
    assert not provenance.is_of_this_code({"scoreshock_module": "nothing"}, "speciation")  # asked for, and not known
    known = json.loads(json.dumps(provenance.known_code()))
    assert result.items() <= known["digests"].items()
    monkeypatch.setattr(provenance, "_DIGESTS", {})
    monkeypatch.setattr(provenance, "_code_digest", None)  # is not called again
    provenance.take_known_code(known)
    assert {module: provenance.code_digest(module) for module in result} == result


def test_digests_of_other_sources_are_not_taken(edited: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_DIGESTS", {})
    monkeypatch.setattr(provenance, "PACKAGE", edited())
    known = provenance.known_code() | {"digests": {"speciation": "1"}}
    added = edited()
    (added / "kernels" / "more.py").touch()
    changed = [edited(name, text.strip()[:3], "# a") for name, text in MINIATURE.items() if text]
    for package in (added, *changed):
        monkeypatch.setattr(provenance, "PACKAGE", package)
        provenance.take_known_code(known)
        assert provenance._DIGESTS == {}, package
    package = edited()  # the same sources in another folder
    monkeypatch.setattr(provenance, "PACKAGE", package)
    provenance.take_known_code(known)
    assert {("speciation", package): "1"} == provenance._DIGESTS


def test_attributes_are_text_and_numbers() -> None:
    attributes = provenance.attributes(CONTENT | {"data": "ab" * 32}, "speciation", threads=3)
    assert all(type(value) in (str, int, float) for value in attributes.values())
    assert attributes["Conventions"] == "CF-1.11"
    assert attributes["parameters"] == "seed: 7\nscaling: fixed"
    assert json.loads(str(attributes["scoreshock_parameters"]))["data"] == "ab" * 32
    assert attributes["scoreshock_threads"] == 3
    assert json.loads(str(attributes["scoreshock_libraries"]))["numpy"] == np.__version__
    assert json.loads(str(attributes["scoreshock_parameters"]))["family"] == "pair"
    assert str(attributes["history"]).split()[0].endswith("+00:00")
    assert "parameters" not in provenance.attributes({"family": "pair"}, "scores")


def test_a_reader_finds_sweep_study_and_every_parameter_at_the_top() -> None:
    content = {
        "family": "polygon",
        "parameters": {"angles": [0.0, 100.5], "weights": None, "scaling": "fixed"},
        "axes": {
            "separation": {"start": 0.5, "stop": 8.0, "num": 76, "scale": "linear"},
            "variance": {"values": [0.25, 1.0]},
        },
        "schedules": {
            "ddpm": {"beta_max": 20.0, "beta_min": 0.1, "kind": "vp-linear", "steps": 1000},
            "mine": {"kind": "table", "betas": {"start": 0.0001, "stop": 0.02, "num": 1000}},
        },
        "quantity": "layer",
        "options": {"groups": [[0], [1, 2]], "tau": {"values": [i / 8 for i in range(100)], "unit": "speciation"}},
    }
    told = {"sweep": "triangle", "study": "Shocks of triangles", "author": "A. B.", "note": "First try.\nSecond line."}
    attributes = provenance.attributes(content, "layer", **told)
    summary = attributes.pop("summary")
    assert summary.startswith(
        "layer of the family polygon over separation (76) x variance (2), in the schedules ddpm, mine. "
    )
    assert list(attributes.items())[:8] == [
        ("title", "layer of the sweep triangle (family polygon); Shocks of triangles"),
        ("author", "A. B."),
        ("comment", "First try.\nSecond line."),
        ("family", "polygon"),
        ("parameters", "angles: 0, 100.5\nscaling: fixed"),
        ("axes", "separation: 0.5 to 8, 76 values, scale linear\nvariance: 0.25, 1"),
        ("options", "groups: [0], [1, 2]\ntau: 100 values, 0 ... 12.375, unit speciation"),
        (
            "schedules",
            "ddpm: vp-linear, beta_max 20, beta_min 0.1, steps 1000\nmine: table, betas 0.0001 to 0.02, 1000 values",
        ),
    ]
    plain = provenance.attributes(content, "layer")
    assert plain["title"] == "layer of the family polygon"
    assert attributes["scoreshock_parameters"] == plain["scoreshock_parameters"]
    assert not {"author", "comment"} & set(plain)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_the_commit_is_that_of_the_checkout_which_tracks_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert provenance.commit_of.__wrapped__(package) == ("unknown", "unknown")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "other").write_text("")
    git(tmp_path, "add", "other")
    git(tmp_path, "commit", "--quiet", "-m", "without the package")
    assert provenance.commit_of.__wrapped__(package) == ("unknown", "unknown")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "with the package")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert provenance.commit_of.__wrapped__(package) == (commit, "no")
    (tmp_path / "other").write_text("a study, not the package")
    assert provenance.commit_of.__wrapped__(package) == (commit, "no")
    (package / "new.py").write_text("")
    assert provenance.commit_of.__wrapped__(package) == (commit, "yes")
    monkeypatch.setenv("PATH", "")
    assert provenance.commit_of.__wrapped__(package) == ("unknown", "unknown")
