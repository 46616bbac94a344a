"""Files of a study: what is no YAML, what YAML reads otherwise than meant, and what is too much."""

import copy

import pytest

from scoreshock.study.errors import LONGEST, StudyError
from scoreshock.study.reading import check_files
from scoreshock.study.study import Study, load_study

from .test_models import CASES, GOOD, changed, lines_of


def yaml_lines(path, text):
    path.write_text(text)
    with pytest.raises(StudyError) as caught:
        load_study(path)
    return str(caught.value).splitlines()


YAML = {
    "duplicate key": ("sweeps:\n  p:\n    family: 1\n    family: 2\n", "sweeps.p.family: written twice, on lines 3 and 4"),
    "duplicate sweep": ("sweeps:\n  p: {}\n  p: {}\n", "sweeps.p: written twice, on lines 2 and 3"),
    "tab": ("sweeps:\n\tp: 1\n", "line 2, column 1"),
    "unclosed": ("sweeps: [1, 2\n", "line 2, column 1"),
    "empty": ("", "the file is empty"),
    "only a comment": ("# nothing\n", "the file is empty"),
    "list": ("- 1\n", "is not a mapping"),
    "python object": ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
    "two documents": ("a: 1\n---\nb: 2\n", "expected a single document"),
    "alias to itself": ("a: &x [*x]\n", "or contains itself"),
    "deep nesting": ("[" * 5000, "nested too deeply"),
    "null byte": ("a: \x00\n", "is not a text file"),
    "impossible date": ("a: 2026-13-45\n", "line 1: YAML reads 2026-13-45 as a date"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("text", "what"), YAML.values(), ids=YAML.keys())
def test_invalid_yaml_is_refused_with_its_line(tmp_path, text, what):
    (line,) = yaml_lines(tmp_path / "study.yaml", text)
    assert what in line


@pytest.mark.slow
def test_aliases_that_expand_without_end_are_refused(tmp_path):
    levels = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    levels += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    (line,) = yaml_lines(tmp_path / "study.yaml", "\n".join(levels))
    assert "holds more than 50,000 values" in line
    value = 1
    for _ in range(60):
        value = [value, value]
    (line,) = lines_of({"sweeps": {"p": value}})
    assert "holds more than 1,000,000 values" in line


def test_aliases_may_be_shared(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "sweeps:\n"
        "  a: &a {family: pair, axes: {separation: &s [1.0, 2.0]}, quantities: [speciation]}\n"
        "  b: {<<: *a, quantities: [corrections]}\n"
    )
    study = load_study(path)
    assert study.sweeps["b"].axes == study.sweeps["a"].axes
    assert study.quantities == ("speciation", "corrections")


def test_a_file_that_is_too_long_is_refused(tmp_path):
    (line,) = yaml_lines(tmp_path / "study.yaml", "# " + "x" * 2**20)
    assert "at most 1,048,576" in line


def test_duplicates_are_found_in_every_file(tmp_path):
    good, bad, worse = (tmp_path / name for name in ("good.yaml", "bad.yaml", "worse.yaml"))
    good.write_text("output: a\n")
    bad.write_text("output: a\noutput: b\n")
    worse.write_text("schedules: {a: ve, a: edm}\n")
    check_files([good])
    with pytest.raises(StudyError) as caught:
        check_files([good, bad, worse])
    assert str(caught.value).splitlines() == [
        f"{bad}: output: written twice, on lines 1 and 2; keep one",
        f"{worse}: schedules.a: written twice, on lines 1 and 1; keep one",
    ]


MISREAD = {
    "octal": ("separation: [0o17, 017]", "YAML reads 017 as the octal number 15; write 17"),
    "octal with a sign": ("tilt: -010", "YAML reads -010 as the octal number -8; write -10"),
    "octal that is none": ("separation: 08", "'08' is not allowed (text, not a number: write 8.0"),
    "base 60": ("separation: [1:30]", "YAML reads 1:30 as a number to the base 60"),
    "base 60 with a point": ("separation: [1:30.5]", "YAML reads 1:30.5 as a number to the base 60"),
    "date": ("separation: [2024-01-01]", "YAML reads 2024-01-01 as a date"),
    "yes as a number": ("separation: [yes]", "true is not allowed; allowed: a finite number"),
    "no as a label": ("schedule: [no]", "false is not text; write it in quotes"),
    "on as a key": ("on: 1", "YAML reads on as true or false; write a name in quotes"),
    "infinity": ("separation: .inf", "inf is not allowed; allowed: a finite number"),
    "digits of another script": ("separation: ['٣']", "is not allowed (text, not a number: write 3.0"),
    "decimal comma": ("separation: '1,5'", "'1,5' is not allowed (text, not a number); allowed: a finite number"),
}


@pytest.mark.parametrize(("axis", "what"), MISREAD.values(), ids=MISREAD.keys())
def test_a_word_that_yaml_reads_as_something_else_is_refused(tmp_path, axis, what):
    lines = yaml_lines(
        tmp_path / "study.yaml", f"sweeps:\n  s:\n    family: pair\n    axes:\n      {axis}\n    quantities: [speciation]\n"
    )
    assert any(what in line for line in lines)


def test_numbers_are_read_as_their_author_means_them(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(
        "sweeps: {s: {family: pair, axes: {separation: [1_000, .5, +2, 0x10, 1.]}, quantities: [burgers], terms: yes}}"
    )
    sweep = load_study(file).sweeps["s"]
    assert sweep.axes["separation"]["values"] == [1000.0, 0.5, 2.0, 16.0, 1.0]
    assert sweep.options["terms"] is True


def test_numbers_of_a_json_file_are_those_of_json(tmp_path):
    file = tmp_path / "study.json"
    file.write_text('{"sweeps": {"s": {"family": "pair", "axes": {"separation": [1e-3]}, "quantities": ["scores"]}}}')
    assert load_study(file).sweeps["s"].axes["separation"] == {"values": [0.001]}


def test_anchors_stand_under_keys_that_begin_with_x():
    study = load_study(CASES / "k9g_anchors.yaml")
    assert {name: sweep.axes["separation"] for name, sweep in study.sweeps.items()} == {
        "a": {"values": [1.0]},
        "b": {"values": [2.0]},
    }
    (line,) = lines_of(GOOD | {"y-common": 1})
    assert line.startswith("y-common: unknown key; allowed: output, schedules, sweeps, title, author, note, paper, plugins")


@pytest.mark.parametrize("key", ["split", "parameters", "x", "criteria", "groups"])
def test_an_empty_section_is_none(key):
    with_default = Study.from_mapping(changed(f"sweeps/pair/{key}", None)).sweeps["pair"]
    without = copy.deepcopy(GOOD)
    without["sweeps"]["pair"].pop(key, None)
    assert with_default == Study.from_mapping(without).sweeps["pair"]


@pytest.mark.parametrize("path", [None, 3, ["a.yaml"], b"a.yaml", "a\0b", ".", "", "x" * 300])
def test_an_argument_that_is_no_path_is_refused_with_one_line(path):
    with pytest.raises(StudyError) as caught:
        load_study(path)
    (line,) = str(caught.value).splitlines()
    assert len(line) <= LONGEST


def test_a_binary_file_is_refused_by_name(tmp_path):
    (tmp_path / "study.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(StudyError, match=r"study\.yaml: is not a text file"):
        load_study(tmp_path / "study.yaml")
