"""The criteria of a sweep against each other, as a dataset and as a table."""

import json

from scoreshock import jobs

with jobs.logged(snakemake.log[0], snakemake.input):
    content = json.loads(snakemake.params.content)
    jobs.compare(list(snakemake.input), content, snakemake.output.dataset, snakemake.output.table, snakemake.threads)
