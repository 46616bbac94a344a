"""The blocks of a sweep's quantity, joined into one file, or only listed."""

from scoreshock import jobs

with jobs.logged(snakemake.log[0], snakemake.input):
    output = snakemake.output
    jobs.merge(list(snakemake.input), output.get("joined"), output.catalogue, list(snakemake.params.split))
