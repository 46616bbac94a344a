"""One quantity of one block, computed and stored."""

import json

from scoreshock import jobs

with jobs.logged(snakemake.log[0]):
    jobs.compute(json.loads(snakemake.params.content), snakemake.output[0], snakemake.threads)
