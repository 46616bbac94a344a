"""The public names of the package, for people, editors and type checkers."""

import ast
from pathlib import Path

import scoreshock as ss

PACKAGE = Path(ss.__file__).parent


def test_dir_is_exactly_the_public_names_and_each_is_described() -> None:
    assert dir(ss) == ss.__all__ == sorted(set(ss.__all__))
    assert all(getattr(ss, name).__doc__ for name in ss.__all__)


def test_type_checkers_see_the_same_names() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    exported = [alias for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert all(alias.asname == alias.name for alias in exported)  # else a checker takes them as private
    assert sorted(alias.name for alias in exported) == ss.__all__
    assert (PACKAGE / "py.typed").exists()
