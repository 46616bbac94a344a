#!/bin/sh
# properties = {properties}
# What a job runs. It leaves its exit status in a file: queues forget jobs, some as soon as they have ended.
job=${{SLURM_JOB_ID:-${{PBS_JOBID:-$JOB_ID}}}}
trap 'echo $? >".snakemake/ended-$job.part" && mv ".snakemake/ended-$job.part" ".snakemake/ended-$job"' EXIT
{exec_job}
