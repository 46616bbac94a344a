from snakemake.utils import min_version

min_version("9.8")

# Without a study of the user's own (--configfile), the default one.
if "sweeps" not in config:

    configfile: workflow.source_path("config/config.yaml")


wildcard_constraints:
    sweep=r"[^/]+",
    block=r"[^/]+",


include: "workflow/rules/common.smk"
include: "workflow/rules/sweep.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/figures.smk"


rule all:
    input:
        sweep_targets(),
    default_target: True
    localrule: True


onstart:
    announce()


onsuccess:
    conclude()
