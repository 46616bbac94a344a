# `snakemake --cores all verify` computes all statements, tables and figures of the paper, one job a section.
for section, names in PAPER_FILES.items():

    rule:
        name:
            f"verify_section_{section}"
        output:
            in_paper(names),
        log:
            f"{PAPER_OUT}/logs/section-{section}.log",
        benchmark:
            f"{PAPER_OUT}/benchmarks/section-{section}.tsv"
        group:
            paper_group
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            **paper_resources(),
        params:
            call=command_of(PAPER_FILE),
            tasks=partial(of_paper, action=["verify", str(section)]),
        message:
            f"section {section} of the paper"
        shell:
            "{params.call:q} --log {log:q} {params.tasks:q}"


rule verify_figures:
    input:
        in_paper(PAPER_FIGURES),
    output:
        drawn(),
    log:
        f"{PAPER_OUT}/logs/figures.log",
    benchmark:
        f"{PAPER_OUT}/benchmarks/figures.tsv"
    group:
        paper_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **paper_resources(),
    params:
        call=command_of(PAPER_FILE),
        tasks=partial(
            of_paper,
            action=["draw-paper", *PAPER_FIGURES],
            code="verification figures",
        ),
    message:
        "figures 1-7 of the paper"
    shell:
        "{params.call:q} --log {log:q} {params.tasks:q}"


rule verify:
    input:
        in_paper(name for names in PAPER_FILES.values() for name in names),
        in_paper(PAPER_DRAWN),
    output:
        f"{PAPER_OUT}/index.html",
        f"{PAPER_OUT}/index.md",
    log:
        f"{PAPER_OUT}/logs/page.log",
    benchmark:
        f"{PAPER_OUT}/benchmarks/page.tsv"
    group:
        paper_group
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **paper_resources(),
    params:
        call=command_of(PAPER_FILE),
        tasks=partial(of_paper, action=["describe-paper"], code="verification page"),
    message:
        f"the paper, statement by statement: {PAPER_OUT}/index.html"
    shell:
        "{params.call:q} --log {log:q} {params.tasks:q}"
