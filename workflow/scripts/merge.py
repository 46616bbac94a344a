"""The blocks of a sweep's quantity, joined into one file."""

import sys
from pathlib import Path

from scoreshock import jobs

sys.stderr = Path(snakemake.log[0]).open("w", buffering=1)

jobs.merge(list(snakemake.input), snakemake.output[0], list(snakemake.params.split))
