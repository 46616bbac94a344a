# A rule for every job of the study (scoreshock/study/work.py); of large blocks one for all.
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
            **asked_of(job),
        params:
            call=called(HANDED),
            tasks=task_of(job),
        message:
            job.message
        shell:
            "{params.call:q} --log {log:q} {params.tasks:q}"
