"""docs/commands.md says what the parsers say."""

import json
import re
from pathlib import Path

from scoreshock.cli import COMMANDS, main, parser_of
from scoreshock.cli.reference import PAGE, filled

TEXT = (Path(__file__).parents[2] / PAGE).read_text()


def test_the_generated_parts_are_up_to_date():
    assert filled(TEXT) == TEXT


def test_every_command_and_each_of_its_flags_is_there():
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", TEXT, flags=re.DOTALL | re.MULTILINE))
    assert list(sections) == list(COMMANDS)
    for name, section in sections.items():
        flags = [
            flag for action in parser_of(name)._actions for flag in action.option_strings if flag not in ("-h", "--help")
        ]
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", section)) >= set(flags), name


def test_the_commands_that_print_json_are_those_that_it_names():
    (named,) = re.findall(r"^(`plan`.*?) print JSON with `--json`", TEXT, flags=re.MULTILINE)
    with_json = [name for name in COMMANDS if any("--json" in action.option_strings for action in parser_of(name)._actions)]
    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(with_json)


def test_the_first_steps_are_those_of_the_help(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"^(scoreshock .*)$", TEXT, flags=re.MULTILINE)[:2]
    assert main(["--help"]) == 0
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[-2:]] == [first, second]
    assert main(first.split()[1:]) == 0
    assert main(["validate", "--json", *second.split()[2:]]) == 0
    assert list(json.loads(capsys.readouterr().out.partition("\n{")[2].join(["{", ""]))["sweeps"]) == ["iris"]
