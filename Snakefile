from snakemake.utils import min_version

min_version("9.8")


wildcard_constraints:
    sweep=r"[^/]+",
    block=r"[^/]+",


include: "workflow/rules/common.smk"
include: "workflow/rules/sweep.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/verify.smk"


rule all:
    default_target: True
    input:
        sweep_targets(),
    localrule: True
    message:
        "the study is complete"


onstart:
    announce()


onsuccess:
    conclude()
