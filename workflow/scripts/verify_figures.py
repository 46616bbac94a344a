"""The paper's figures, each from its NetCDF file alone."""

from pathlib import Path

from scoreshock import jobs

with jobs.logged(snakemake.log[0], snakemake.input):
    jobs.draw_paper(list(snakemake.input), Path(snakemake.output[0]).parent)
