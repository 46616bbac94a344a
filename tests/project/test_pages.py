"""Every command of README and of the documentation runs as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import pages

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "config" / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LEFT_OUT = 8
"""Blocks that do not run, for a reason that stands before each."""

COMMANDS = re.compile(r"^ {4}(\$ |>>> |import |from \w+ import|snakemake |scoreshock |pip |python )", re.MULTILINE)


def blocks_of(name: str) -> list[pages.Block]:
    return pages.blocks((ROOT / name).read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if any(b.kind in pages.RUN for b in blocks_of(name))])
def test_the_blocks_of_a_page_run_and_print_what_it_shows(name: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "tests.project.pages", str(ROOT / name)]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_blocks_that_do_not_run_are_few_and_say_why() -> None:
    marks = [block.mark for name in NAMES for block in blocks_of(name) if block.mark.startswith("<!-- not run")]
    assert all(re.fullmatch(r"<!-- not run: \S.{10,} -->", mark) for mark in marks), marks
    assert len(marks) <= LEFT_OUT
    tests = {block.mark[12:-4] for name in NAMES for block in blocks_of(name) if block.mark.startswith("<!-- run by")}
    assert all((ROOT / test).is_file() for test in tests), tests
    marked = [name for name in NAMES for block in blocks_of(name) if block.mark.startswith("<!-- ci:")]
    assert marked == ["README.md", "README.md"]


def test_every_block_has_a_kind_that_is_run_or_read() -> None:
    for name in NAMES:
        text = (ROOT / name).read_text("utf-8")
        cells = len(re.findall(r"^```\{", text, flags=re.MULTILINE))
        assert len(re.findall(r"^```", text, flags=re.MULTILINE)) == 2 * (len(blocks_of(name)) + cells), name
        assert {block.kind for block in blocks_of(name)} <= {*pages.RUN, *pages.SHOWN}, name


def test_no_command_hides_in_an_indented_block() -> None:
    for name in NAMES:
        text = re.sub(r"^```.*?^```$", "", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        assert not COMMANDS.search(text), name


PAGE = """
```bash
echo 1 > file
```

```python
# file: module.py
value = 3
```

<!-- not run: it would end the test -->
```bash
exit 1
```

```text
what that would print
```

```python
import module
print(module.value, open("file").read())
```

```text
3 ...
```

```console
$ echo one; \\
  echo two
one
two
$ cat missing  # exit code 1
cat: missing: No such file ...
```
"""


@pytest.mark.slow
def test_a_page_runs_in_its_order_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert pages.main(Path("page.md")) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3 ...", "4 ...", "what is printed is"),
        ("one\ntwo\n$", "one\nthree\n$", "prints"),
        ("echo 1 > file", "false", "exit code 1"),
        ("missing  # exit code 1", "missing", "exit code 1"),
        ("print(module", "print(nothing", "NameError"),
    ],
)
def test_a_block_that_fails_is_reported_with_its_line(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "page.md").write_text(PAGE.replace(old, new))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert pages.main(Path("page.md")) == 1
    printed = capsys.readouterr().out
    assert message in printed
    assert re.match(r"page\.md, line \d+:", printed)
