"""Read the YAML of a study; duplicate keys, expanding aliases and invalid text are refused with their line.

A study contains values, never code: the loader does not know tags that create objects, and templates are refused.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from scoreshock.study.errors import StudyError, key_path

# Our limits: a study is written by hand, and thousands of numbers belong into a data file.
BYTES_LIMIT = 1_048_576
NODES_LIMIT = 50_000
DIGITS_LIMIT = 400  # the longest number in floating point has 309 before its point; reading takes quadratic time
TEMPLATE = "__use_yte__"  # with this key Snakemake executes texts that begin with "?" as Python


class _Loader(yaml.SafeLoader):
    """The safe loader, with a limited number of values."""

    composed = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.composed += 1
        if self.composed > NODES_LIMIT:
            raise StudyError([f"holds more than {NODES_LIMIT:,} values; at most so many are allowed "
                              "(put long tables into a data file)"])  # fmt: skip
        return super().compose_node(parent, index)


def read_yaml(path: str | Path) -> Any:
    """Contents of a YAML file, or ``StudyError`` with file and line of what is wrong."""
    return _read(path, lambda root: [root])


def check_files(paths: Iterable[str | Path], part: bool = False) -> None:
    """Refuse templates, and study files that YAML reads differently than their author meant.

    Parameters
    ----------
    paths
        Configuration files, as Snakemake was given them.
    part
        Look only at mappings that hold ``sweeps``: the rest of the files is another workflow's.

    Raises
    ------
    StudyError
        With file and line of every key that is written twice and every word that is misread, from all files.
    """
    problems: list[str] = []
    for path in paths:
        try:
            content = _read(path, _studies if part else lambda root: [root])
            if isinstance(content, Mapping) and TEMPLATE in content:
                problems.append(f"{path}: {TEMPLATE}: a study is values, not a template that runs code; write the values")
        except StudyError as error:
            problems += error.problems
    if problems:
        raise StudyError(problems)


def _read(path: str | Path, studies: Callable[[yaml.Node], list[yaml.Node]]) -> Any:
    """Contents of a YAML file, of which the ``studies`` are checked."""
    text = _text(path)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise StudyError([f"{path}: the file is empty"])
        if holds_more_than(node, NODES_LIMIT, _children):
            raise StudyError([f"{path}: holds more than {NODES_LIMIT:,} values with its aliases, or contains itself"])
        parts = studies(node)
        if problems := [f"{path}: {each}" for part in parts for each in (*_duplicates(part, ()), *_misread(part))]:
            raise StudyError(problems)
        if Path(path).suffix == ".json":  # where 1e-3 is a number
            return json.loads(text)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise StudyError([f"{path}: {_marked(error)}"]) from None
    except yaml.YAMLError as error:
        raise StudyError([f"{path}: {' '.join(str(error).split())}"]) from None
    except RecursionError:
        raise StudyError([f"{path}: nested too deeply"]) from None
    except StudyError as error:
        raise StudyError([p if p.startswith(f"{path}: ") else f"{path}: {p}" for p in error.problems]) from None
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        # The loader trusts explicit tags: !!int "", !!timestamp "today".
        raise StudyError([f"{path}: a value is not what its tag says: {error}"]) from None
    finally:
        loader.dispose()


def holds_more_than(root: Any, limit: int, children: Callable[[Any], Iterable[Any]]) -> bool:
    """Whether ``root`` has more than ``limit`` descendants, with shared ones counted repeatedly; stops there.

    Examples
    --------
    >>> pair = [1, 2]
    >>> holds_more_than([pair, pair], 6, lambda value: value if isinstance(value, list) else ())
    True
    """
    waiting, count = [root], 0
    while waiting and count + len(waiting) <= limit:
        waiting.extend(children(waiting.pop()))
        count += 1
    return bool(waiting)


def _studies(root: yaml.Node) -> list[yaml.Node]:
    """The mappings of a document that hold ``sweeps``."""
    return [node for node in _nodes(root) if isinstance(node, yaml.MappingNode)
            and any(key.value == "sweeps" for key, _ in node.value)]  # fmt: skip


def _text(path: str | Path) -> str:
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise StudyError([f"{path}: is not a file"])
        size = Path(path).stat().st_size
        if size > BYTES_LIMIT:
            raise StudyError([f"{path}: {size:,} bytes; a study has at most {BYTES_LIMIT:,} "
                              "(put long tables into a data file)"])  # fmt: skip
        text = Path(path).read_bytes().decode("utf-8-sig")
        yaml.reader.Reader(text)
        return text
    except OSError as error:
        raise StudyError([f"{path}: cannot be read: {error.strerror}"]) from None
    except StudyError:
        raise
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise StudyError([f"{path}: is not a text file: {' '.join(str(error).split())}"]) from None
    except ValueError as error:
        raise StudyError([f"{path!r}: is not a path ({error})"]) from None


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _duplicates(node: yaml.Node, path: tuple[str | int, ...]) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[tuple[str, str], yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if isinstance(key, yaml.ScalarNode) and name != "<<":
                first = seen.setdefault((key.tag, name), key)
                if first is not key:
                    yield (f"{key_path((*path, name))}: written twice, on lines {first.start_mark.line + 1} "
                           f"and {key.start_mark.line + 1}; keep one")  # fmt: skip
            yield from _duplicates(value, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _duplicates(value, (*path, position))


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node of a document once, in any order."""
    waiting, seen = deque([root]), {id(root)}
    while waiting:
        node = waiting.popleft()
        yield node
        new = [child for child in _children(node) if id(child) not in seen]
        seen.update(map(id, new))
        waiting += new


def _misread(root: yaml.Node) -> Iterator[str]:
    """Plain words that YAML 1.1 converts to something else, which is rarely meant."""
    nodes = list(_nodes(root))
    keys = {id(key) for node in nodes if isinstance(node, yaml.MappingNode) for key, _ in node.value}
    for node in nodes:
        if isinstance(node, yaml.ScalarNode) and (node.style is None or len(node.value) > DIGITS_LIMIT):
            meaning = _meaning(node.tag.removeprefix("tag:yaml.org,2002:"), node.value, id(node) in keys)
            if meaning:
                yield f"line {node.start_mark.line + 1}: YAML reads {node.value[:60]} as {meaning}"


def _meaning(kind: str, text: str, is_key: bool) -> str:
    """How YAML reads a word, and how to write the meant value; empty if they are equal."""
    if kind in ("int", "float") and len(text) > DIGITS_LIMIT:
        return f"a number of {len(text):,} characters; at most {DIGITS_LIMIT} are allowed"
    if kind == "int" and (octal := re.fullmatch(r"([+-]?)0+_*([0-7][0-7_]*)", text)):
        sign, digits = octal.groups()
        return f"the octal number {int(sign + digits.replace('_', ''), 8)}; write {sign}{digits}, or a text in quotes"
    if kind in ("int", "float") and ":" in text:
        return "a number to the base 60; write it to the base 10, or a text in quotes"
    if kind == "timestamp":
        return "a date, which nothing in a study is; write a text in quotes"
    if kind == "bool" and is_key and text.lower() not in ("true", "false"):
        return "true or false; write a name in quotes"
    return ""


def _marked(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    tab = " (YAML is indented with spaces, not tabs)" if "'\\t'" in str(error.problem) else ""
    return where + ", ".join(text for text in (error.context, error.problem) if text) + tab
