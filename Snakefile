# The workflow is where the Snakemake workflow catalog and snakedeploy look for it; here a clone finds it, with profiles/default.
include: "workflow/Snakefile"


workflow.default_target = ALL  # that of an included file does not count
