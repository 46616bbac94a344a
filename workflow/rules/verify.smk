# The paper as one target: `snakemake --cores all verify` computes every statement, table and figure, by section.
from scoreshock.study.layers import overridden
from scoreshock.study.reading import read_yaml
from scoreshock.verification import configuration as verification
from scoreshock.verification import contents

try:
    # config/paper.yaml, and over it what the user's own configuration says under the key `paper`.
    paper = read_yaml(HERE / "config/paper.yaml")["paper"]
    PAPER = verification.read(overridden(paper, WRITTEN.get("paper") or {}))
    verification.refuse_shared_folder(PAPER, STUDY.output, STUDY.sweeps)
    if "paper" in WRITTEN:
        check_output(PAPER.output, "paper.output")
except StudyError as error:
    raise WorkflowError(
        f"The paper's configuration is not valid; nothing was run.\n{error}"
    ) from None

PAPER_OUT = str(Path(PAPER.output))
PAPER_FILES = {
    section: [f"{PAPER_OUT}/{name}.nc" for name in names]
    for section, names in contents.FILES.items()
}
PAPER_FIGURES = [
    path for paths in PAPER_FILES.values() for path in paths if "/figures/" in path
]
PAPER_DRAWN = [
    path.removesuffix("nc") + suffix
    for path in sorted(PAPER_FIGURES)
    for suffix in ("html", "png")
]

for section, files in PAPER_FILES.items():

    rule:
        name:
            f"verify_section_{section}"
        output:
            files,
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
            content=json.dumps(PAPER.content()),
            section=section,
            code=lambda _: provenance.code_digest("verification"),
        message:
            f"section {section} of the paper"
        script:
            "../scripts/verify.py"


rule verify_figures:
    input:
        sorted(PAPER_FIGURES),
    output:
        PAPER_DRAWN,
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
        code=lambda _: provenance.code_digest("verification figures"),
    message:
        "figures 1-7 of the paper"
    script:
        "../scripts/verify_figures.py"


rule verify:
    input:
        [path for paths in PAPER_FILES.values() for path in paths],
        PAPER_DRAWN,
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
        content=json.dumps(PAPER.model_dump()),
        code=lambda _: provenance.code_digest("verification page"),
    message:
        f"the paper, statement by statement: {PAPER_OUT}/index.html"
    script:
        "../scripts/verify_page.py"
