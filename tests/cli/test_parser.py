"""What is wrong on a command line is one sentence with what may have been meant, and exit code 2."""

from __future__ import annotations

import shlex

import pytest

from scoreshock.cli import COMMANDS, main


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "plan --jsn",
            "scoreshock plan: '--jsn' is not a flag (did you mean --json?); allowed: --help, --allow-plugins, --json",
        ),
        ("plan --jsn=1 mine.yaml", "scoreshock plan: '--jsn' is not a flag (did you mean --json?)"),
        ("figure --figure tau", "scoreshock figure: '--figure' is not a flag (did you mean --name?); allowed: --help, "),
        ("run --forceall", "; flags of snakemake follow --"),
        ("figure --format pgn", "--format = 'pgn' is not allowed (did you mean 'png'?); allowed: png, svg, html"),
        ("export zar results line scores out", "FORMAT = 'zar' is not allowed (did you mean 'zarr'?); allowed: zarr"),
        ("when --data iris --steps few", "--steps = 'few' is not allowed; allowed: a whole number"),
        ("when --data iris --scale much", "--scale = 'much' is not allowed; allowed: a number"),
        ("when --into", "--into: expected one argument; its usage: scoreshock when --help"),
        ("merge results", "the following arguments are required: FOLDER; its usage: scoreshock merge --help"),
        ("doctor now", "'now' is one argument too many; its usage: scoreshock doctor --help"),
        ("status --full=yes", "--full: ignored explicit argument 'yes'; its usage: scoreshock status --help"),
    ],
)
def test_what_is_wrong_is_one_sentence(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(line)) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert message in seen.err
    assert seen.err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_what_is_no_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--no-such-flag"]) == 2
    assert capsys.readouterr().err.startswith(f"scoreshock {command}: '--no-such-flag' is not a flag; allowed: --help")
