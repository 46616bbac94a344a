"""Run the examples of a module: ``python -m tests.project.examples MODULE``."""

import doctest
import importlib
import sys

if __name__ == "__main__":
    failed, attempted = doctest.testmod(importlib.import_module(sys.argv[1]))
    print(f"{failed} of {attempted} examples failed")
    sys.exit(failed > 0 or not attempted)
