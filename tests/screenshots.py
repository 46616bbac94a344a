"""Pictures of pages as readers see them: ``python -m tests.screenshots PAGE... [--into FOLDER] [--height PIXELS]``.

Each page is taken at the width of a laptop and of a telephone, in the light and in the dark theme.
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

from . import browser


def main() -> None:
    """Write the pictures; print their names, and what is wrong with a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    parser.add_argument("--into", type=Path, default=Path("screenshots"), metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--height", type=int, default=0, metavar="PIXELS", help="of the page from its top; by default all")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser.started(Path(folder)) as chromium:
        for path, width, theme in product(options.pages, (browser.DESKTOP, browser.PHONE), browser.THEMES):
            page = chromium.open(path, width, theme)
            print(page.screenshot(options.into / f"{path.stem}-{width}-{theme}.png", options.height))
            said = [*page.console, *page.outside(path.parent)]
            said += [f"it is {page.width} pixels wide on a screen of {width}"] if page.width > width else []
            for line in said:
                print(f"  {path.name}: {line}")


if __name__ == "__main__":
    main()
