"""The figures of a sweep, from its NetCDF files alone."""

from scoreshock import jobs

with jobs.logged(snakemake.log[0], snakemake.input):
    jobs.draw(list(snakemake.input), snakemake.output[0])
