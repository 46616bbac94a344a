"""The criteria of a sweep against each other, as a dataset and as a table."""

import json
import sys
from pathlib import Path

from scoreshock import jobs

sys.stderr = Path(snakemake.log[0]).open("w", buffering=1)

content = json.loads(snakemake.params.content)
jobs.compare(list(snakemake.input), content, snakemake.output.dataset, snakemake.output.table, snakemake.threads)
