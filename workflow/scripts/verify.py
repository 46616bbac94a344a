"""One section of the paper, computed and stored."""

import json
from pathlib import Path

from scoreshock import jobs

with jobs.logged(snakemake.log[0]):
    content = json.loads(snakemake.params.content)
    jobs.verify(content, snakemake.params.section, Path(snakemake.output[0]).parents[1], snakemake.threads)
