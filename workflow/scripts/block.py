"""One quantity of one block, computed and stored."""

import json
import sys
from pathlib import Path

from scoreshock import jobs

sys.stderr = Path(snakemake.log[0]).open("w", buffering=1)

jobs.compute(json.loads(snakemake.params.content), snakemake.output[0], snakemake.threads)
