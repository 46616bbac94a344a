"""The figures of a sweep, from its NetCDF files alone."""

import sys
from pathlib import Path

from scoreshock import jobs

sys.stderr = Path(snakemake.log[0]).open("w", buffering=1)

jobs.draw(list(snakemake.input), snakemake.output[0])
