"""Runs checks in processes of their own, with the source of one module of the package replaced.

Reads requests from standard input and answers each on standard output, one line of JSON both. A request has a ``check``, a
``module`` and its ``source``. The answer of a statement is its ``verdict``, that of a test the exceptions that it ended in,
``failed``; or it is an ``error``.

Each check runs in a fork of this process, in which libraries are imported and the package is not.
"""

import contextlib
import importlib.abc
import importlib.machinery
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest
import yaml

from scoreshock.paper import table

ROOT = Path(__file__).parents[2]

PACKAGE = table.__name__.partition(".")[0]

LIMIT = 60
"""Seconds after which a check is ended: a wrong formula may make a search endless."""


class Replaced(importlib.abc.MetaPathFinder):
    """Finds one module, and gives it another source."""

    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        spec.loader = _Loader(name, str(spec.origin), self.source)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.get_filename(fullname), "exec")


class _Failures:
    """A plugin of pytest: the names of the exceptions that tests ended in."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None:
            self.names.append(call.excinfo.type.__name__)


def outcome(check: str) -> dict[str, Any]:
    """The outcome of a statement of the page, or of a test."""
    if "::" not in check:
        return {"verdict": _verdict(check)}
    failures = _Failures()
    code = pytest.main([check, "-x", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"], [failures])
    return {"failed": failures.names} if code in (0, 1) else {"error": f"pytest ended with {code!r}"}


def _verdict(number: str) -> str:
    # Of the mutated package, not of the one that this process began with.
    from scoreshock.paper import configuration, statement, table

    paper = configuration.read(yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())["paper"])
    (checked,) = [each for each in table.STATEMENTS if each.number == number]
    return statement.judge(checked.compute(paper), checked.condition).verdict


def answer(request: dict[str, str]) -> dict[str, Any]:
    """What a fork of this process says of one request."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        with _quiet():
            signal.alarm(LIMIT)
            sys.meta_path.insert(0, Replaced(request["module"], request["source"]))
            try:
                result = outcome(request["check"])
            except BaseException as error:
                result = {"error": f"{type(error).__name__}: {error}"}
            os.write(write, json.dumps(result).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(process, 0)
    return dict(json.loads(text)) if text else {"error": f"no answer within {LIMIT} seconds"}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    warnings.simplefilter("ignore")
    yield


def main() -> None:
    importlib.import_module("hypothesis.strategies")  # a library of tests
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
