"""``python -m scoreshock``."""

import sys

from scoreshock.cli import main

if __name__ == "__main__":
    sys.exit(main())
