# One rule for each job of the study (scoreshock/study/work.py); all large blocks of a quantity share one rule.
for job in JOBS:

    rule:
        name:
            job.name
        input:
            list(job.inputs),
        output:
            outputs_of(job),
        log:
            f"{OUT}/logs/{job.label}.log",
        benchmark:
            f"{OUT}/benchmarks/{job.label}.tsv"
        priority: int(job.local)
        group:
            group_of(job)
        localrule: job.local
        conda:
            "../../environment.yml"
        threads: job.threads
        resources:
            **resources_of(job),
        params:
            call=command_of(STUDY_FILE),
            tasks=task_of(job),
        message:
            job.message
        shell:
            "{params.call:q} --log {log:q} {params.tasks:q}"
