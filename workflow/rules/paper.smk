# Parameters and files of the paper's statements, tables and figures; and the tasks of the worked examples and of the networks.
import json

from scoreshock.paper import configuration as verification
from scoreshock.paper import contents
from scoreshock.storage import provenance
from scoreshock.study.layers import overridden
from scoreshock.study.reading import read_yaml

try:
    # config/paper.yaml, overridden by the key `paper` of the study.
    paper = read_yaml(shipped("config/paper.yaml"))["paper"]
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
    section: [f"{name}.nc" for name in names]
    for section, names in contents.FILES.items()
}
PAPER_FIGURES = sorted(
    name for names in PAPER_FILES.values() for name in names if "figures/" in name
)
PAPER_DRAWN = [
    name.removesuffix("nc") + suffix
    for name in PAPER_FIGURES
    for suffix in ("png", "csv")
]
PAPER_FILE = tasks.write_study(
    {
        "output": placed(PAPER_OUT),
        "content": PAPER.model_dump(mode="json"),
    },
    workflow.is_main_process,
)


def of_paper(_, action, code="verification"):
    """A task of the paper: an action, the digest of its code and content, and its other words."""
    content = (
        PAPER.model_dump(mode="json")
        if code == "verification page"
        else PAPER.content()
    )
    digest = provenance.parameters_digest(
        {"code": provenance.code_digest(code), "content": content}
    )
    return [json.dumps([*action[:1], digest[:16], *action[1:]])]


def example_task(_, name):
    """The task of a worked example, with the digest of its code."""
    return [json.dumps(["example", provenance.code_digest("examples")[:16], name])]


def networks_task(_, action, code):
    """A task of the networks: an action, the digest of its code, and its other words."""
    return [json.dumps([action[0], provenance.code_digest(code)[:16], *action[1:]])]


def paper_resources(seconds=cost.SECTION_SECONDS, threads=1, memory=cost.BASE_MEMORY):
    return {
        "mem_mb": lambda _, attempt: attempt * memory,
        "runtime": lambda _, attempt: cost.minutes(seconds, threads, attempt),
    }


def paper_group(_):
    """The group of all jobs of the paper, so that a cluster can run them as one job."""
    return named_group("paper")


def in_paper(names):
    return [f"{PAPER_OUT}/{name}" for name in names]


def drawn():
    """What is drawn of the paper, pictures marked for `snakemake --report`."""
    return [
        paper_picture(path) if path.endswith(".png") else path
        for path in in_paper(PAPER_DRAWN)
    ]


def paper_picture(path):
    labels = partial(labels_of, name=Path(path).stem)
    return report(path, caption="../report/paper.rst", category="paper", labels=labels)


def labels_of(_, name):
    """The title of a figure, looked up when a report is written."""
    from scoreshock.paper.pictures import PICTURES

    return {"result": next(each.title for each in PICTURES if each.name == name)}
