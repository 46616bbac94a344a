"""The blocks of a sweep's quantity, joined into one file."""

from scoreshock import jobs

with jobs.logged(snakemake.log[0]):
    jobs.merge(list(snakemake.input), snakemake.output[0], list(snakemake.params.split))
