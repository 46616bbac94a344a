"""The page that sets the paper's statements beside what was computed."""

import json
from pathlib import Path

from scoreshock import jobs

with jobs.logged(snakemake.log[0], snakemake.input):
    jobs.describe_paper(json.loads(snakemake.params.content), Path(snakemake.output[0]).parent)
