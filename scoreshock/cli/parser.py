"""The parser of a command, whose errors are one sentence: what is not allowed, what may have been meant, what is allowed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

KINDS = {int: "a whole number", float: "a number"}


class Parser(argparse.ArgumentParser):
    """A parser that raises ValueError, where that of the standard library prints its usage and ends the process."""

    hint = ""
    """What to do where a flag is not one of the command."""

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Flags and arguments in any order; flags may be shortened."""
        for flag in (word.partition("=")[0] for word in words if word.startswith("--")):
            if not any(name.startswith(flag) for name in self._option_string_actions):
                raise ValueError(self._no_flag(flag))
        options, unknown = self.parse_known_intermixed_args(words)
        if unknown and unknown[0].startswith("-"):
            raise ValueError(self._no_flag(unknown[0]))
        if unknown:
            self.error(f"{unknown[0]!r:.80} is one argument too many")
        return options

    def error(self, message: str) -> NoReturn:
        """Raise what argparse says, with the command that says more."""
        text = re.sub(r"^argument (-\w/)?", "", message)
        raise ValueError(text if "; allowed: " in text else f"{text}; its usage: {self.prog} --help")

    def _no_flag(self, flag: str) -> str:
        from scoreshock.checks import listed, nearest, show

        named = {action.metavar: name for action in self._actions for name in action.option_strings[-1:]}
        flags = [name for action in self._actions for name in action.option_strings[-1:]]
        word = flag.lstrip("-")
        close = nearest(flag, flags) or named.get(word.upper())
        meant = f" (did you mean {close}?)" if close else ""
        return f"{self.prog}: {show(flag)} is not a flag{meant}; allowed: {listed(flags)}{self.hint}"

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        if action.type not in KINDS:
            return super()._get_value(action, arg_string)
        try:
            return action.type(arg_string)
        except ValueError:
            raise ValueError(f"{_name(action)} = {arg_string!r:.80} is not allowed; allowed: {KINDS[action.type]}") from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None:
            from scoreshock.cli.results import one_of

            one_of(_name(action), value, action.choices)


def _name(action: argparse.Action) -> str:
    return action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest).upper()
