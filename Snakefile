from snakemake.utils import min_version

min_version("9.8")


report: "workflow/report/study.rst"


wildcard_constraints:
    block=r"[^/]+",


include: "workflow/rules/common.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/examples.smk"


rule all:
    default_target: True
    input:
        work.targets(STUDY),
    localrule: True
    message:
        "the study is complete"


onstart:
    refuse_interpreter()


onsuccess:
    print_summary()
