"""Reading a study's YAML: duplicate keys, expanding aliases and broken text are refused with their line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from scoreshock.study.errors import StudyError, key_path

# Both limits are ours: a study is written by hand, numbers by the thousand belong into a data file.
BYTES_LIMIT = 1_048_576
NODES_LIMIT = 200_000


def read_yaml(path: str | Path) -> Any:
    """Contents of a YAML file, or ``StudyError`` with file and line of what is wrong."""
    loader = yaml.SafeLoader(_text(path))
    try:
        node = loader.get_single_node()
        if node is None:
            raise StudyError([f"{path}: the file is empty"])
        if (count := _expanded(node)) > NODES_LIMIT:
            raise StudyError([f"{path}: stands for {_about(count)} values once its aliases are followed; "
                              f"at most {NODES_LIMIT:,} are allowed"])  # fmt: skip
        if problems := [f"{path}: {problem}" for problem in _duplicates(node, ())]:
            raise StudyError(problems)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise StudyError([f"{path}: {_marked(error)}"]) from None
    except yaml.YAMLError as error:
        raise StudyError([f"{path}: {' '.join(str(error).split())}"]) from None
    except RecursionError:
        raise StudyError([f"{path}: nested too deeply, or an alias that contains itself"]) from None
    except StudyError:
        raise
    except ValueError as error:
        raise StudyError([f"{path}: {error}"]) from None
    finally:
        loader.dispose()


def check_files(paths: Iterable[str | Path]) -> None:
    """Refuse study files whose keys are written twice, which a plain YAML reader drops silently.

    Parameters
    ----------
    paths
        Configuration files, as Snakemake was given them.

    Raises
    ------
    StudyError
        With file, key path and both lines of every duplicate, from all files.
    """
    problems: list[str] = []
    for path in paths:
        try:
            read_yaml(path)
        except StudyError as error:
            problems += error.problems
    if problems:
        raise StudyError(problems)


def _text(path: str | Path) -> str:
    try:
        size = Path(path).stat().st_size
        if size > BYTES_LIMIT:
            raise StudyError([f"{path}: {size:,} bytes; a study has at most {BYTES_LIMIT:,} "
                              "(put long tables into a data file)"])  # fmt: skip
        text = Path(path).read_bytes().decode("utf-8-sig")
        yaml.reader.Reader(text)
        return text
    except OSError as error:
        raise StudyError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise StudyError([f"{path}: is not a text file: {' '.join(str(error).split())}"]) from None


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _expanded(root: yaml.Node) -> int:
    """Number of values that the document stands for when every alias is written out."""
    known: dict[int, int] = {}
    open_nodes: set[int] = set()

    def count(node: yaml.Node) -> int:
        if id(node) in open_nodes:
            raise RecursionError
        if id(node) not in known:
            open_nodes.add(id(node))
            known[id(node)] = 1 + sum(map(count, _children(node)))
            open_nodes.discard(id(node))
        return known[id(node)]

    return count(root)


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


def _marked(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    tab = " (YAML is indented with spaces, not tabs)" if "'\\t'" in str(error.problem) else ""
    return where + ", ".join(text for text in (error.context, error.problem) if text) + tab


def _about(count: int) -> str:
    return f"{count:,}" if count < 10**12 else f"about 1e{len(str(count)) - 1}"
