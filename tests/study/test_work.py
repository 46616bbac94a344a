"""Which jobs a study is made of: what each makes, of what, and what makes it run again."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from scoreshock.storage import provenance
from scoreshock.study import work
from scoreshock.study.study import Study

ROOT = Path(__file__).parents[2]
LINE = {
    "family": "pair",
    "axes": {"separation": [1.0, 2.0, 4.0], "weight": [0.5, 0.7], "schedule": ["ve", "edm"]},
    "split": ["weight"],
    "quantities": ["speciation", "corrections"],
}
LARGE = {"start": 0.5, "stop": 8.0, "num": 2_000_000}  # some eight seconds of speciation
WEIGHTS = [0.005 * n for n in range(1, 140)]  # more than one job computes
BLOCKS = [f"weight={weight}.nc" for weight in WEIGHTS]
COMPARED = ["comparison.md", "comparison.nc"]
PAGES = ["figures", "index.html", "line.html"]
STUDIES = {
    "default": {"sweeps": yaml.safe_load((ROOT / "config/config.yaml").read_text())["sweeps"] | {}},
    "miniature": yaml.safe_load((ROOT / "tests/workflow/miniature.yaml").read_text()),
    "split": {"sweeps": {"line": LINE, "again": LINE}},
    "large blocks": {"sweeps": {"line": LINE | {"axes": LINE["axes"] | {"separation": LARGE}}}},
    "large whole": {"sweeps": {"line": LINE | {"axes": LINE["axes"] | {"separation": LARGE}, "split": []}}},
    "many blocks": {
        "sweeps": {"line": LINE | {"axes": LINE["axes"] | {"weight": {"start": 0.01, "stop": 0.5, "num": 150}}}}
    },
}
STUDIES["default"]["schedules"] = yaml.safe_load((ROOT / "config/config.yaml").read_text())["schedules"]


def study_of(written):
    return Study.from_mapping(written)


def line(**changes):
    return study_of({"sweeps": {"line": LINE | changes}})


def many(**changes):
    """Of so many blocks that quantities are jobs of their own."""
    return singles(line(**axes(weight=WEIGHTS), **changes))


def axes(**values):
    return {"axes": LINE["axes"] | values}


@dataclass(frozen=True)
class One:
    """A job as it runs, and what Snakemake holds against it: of one for every block, that of a block."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tasks: tuple[str, ...]
    job: work.Job = field(compare=False, repr=False)

    @property
    def actions(self):
        return [json.loads(task)[0] for task in self.tasks]


def singles(study):
    """Every job that runs."""
    ones = []
    for job in work.jobs_of(study):
        if not isinstance(job.tasks, dict):
            ones.append(One(job.name, tuple(sorted(job.inputs)), tuple(job.outputs), tuple(job.tasks), job))
            continue
        for block, task in job.tasks.items():
            outputs = tuple(output.replace("{block}", block) for output in job.outputs)
            ones.append(One(f"{job.name}/{block}", tuple(sorted(job.inputs)), outputs, (task,), job))
    return ones


def again(before, after):
    """Jobs that Snakemake runs when the jobs ``before`` have run and all those ``after`` are asked for.

    They make what is not there, or are of other inputs or tasks. (Of a job with an output that has no record, Snakemake
    looks at neither; such an output must therefore be asked for, and not be there.)
    """
    known = {output: (one.inputs, one.tasks) for one in before for output in one.outputs}
    return [one for one in after if any(known.get(output) != (one.inputs, one.tasks) for output in one.outputs)]


def made_again(before, after):
    """Names, without folders, of the files that are made by such a run: a job that keeps what is there leaves those."""
    there = {output: digest_of(one, output) for one in before for output in (*one.outputs, *one.job.blocks)}
    return sorted(
        Path(output).name
        for one in again(before, after)
        for output in (*one.outputs, *one.job.blocks)
        if there.get(output) != digest_of(one, output) or not (one.job.kept or output in one.job.blocks)
    )


def digest_of(one, output):
    """The digest that the job gives this file, by the task that makes it."""
    for action, *rest in map(json.loads, one.tasks):
        if action == "index":
            return rest[0]
        sweep, *words = rest
        is_block = f"{sweep}/blocks/{words[0]}-" in output
        if {
            "plan": output.endswith(f"{sweep}/sweep.json"),
            "compute": is_block or (output.endswith(f"{sweep}/{words[0]}.nc") and len(words) == 2),
            "join": output.endswith(f"{sweep}/{words[0]}.nc"),
            "compare": "comparison" in output,
            "draw": "figures" in output or output.endswith(f"{sweep}.html"),
        }[action]:
            return words[1] if action in ("compute", "join") else words[0]
    raise AssertionError(f"nothing of {one.name} makes {output}")


@pytest.mark.slow
@pytest.mark.parametrize("written", STUDIES.values(), ids=STUDIES)
def test_every_target_and_input_is_made_by_exactly_one_job_and_no_two_rules_have_a_name(written):
    study = study_of(written)
    jobs = list(singles(study))
    result = [output for one in jobs for output in one.outputs]
    assert len(set(result)) == len(result)
    assert set(result) == set(work.targets(study)).union(*(one.inputs for one in jobs))
    rules = [job.name for job in work.jobs_of(study)]
    assert len(set(rules)) == len(rules)
    assert work.amount(study)[0] == len(jobs)


@pytest.mark.slow
@pytest.mark.parametrize("written", STUDIES.values(), ids=STUDIES)
def test_the_tasks_of_the_jobs_compute_every_block_once_with_its_digest(written):
    study = study_of(written)
    computed = []
    for task in (json.loads(task) for one in singles(study) for task in one.tasks):
        if task[0] == "compute":
            sweep = study.sweeps[task[1]]
            part = sweep.planned(task[2])
            assert task[3] == (part.blocks_digest if part.split else part.digest)
            names = [block.name for block in sweep.blocks(task[2])]
            first, last = task[4:] or ("", "")
            computed += [(sweep.name, task[2], name) for name in names[names.index(first) : names.index(last) + 1]]
    assert computed
    assert sorted(computed) == sorted(
        (sweep.name, quantity, block.name)
        for sweep in study.sweeps.values()
        for quantity in sweep.quantities
        for block in sweep.blocks(quantity)
    )


@pytest.mark.slow
def test_small_quantities_without_split_are_one_job_with_their_comparison():
    names = {job.name: [json.loads(task)[0] for task in job.tasks] for job in work.jobs_of(line(split=[]))}
    data = ["compute", "compute", "compare"]
    assert names == {"plan": ["plan"], "data@line": data, "figures@line": ["draw"], "index": ["index"]}


@pytest.mark.slow
def test_a_small_split_sweep_is_one_job_too():
    names = {job.name: [json.loads(task)[0] for task in job.tasks] for job in work.jobs_of(line())}
    assert names["data@line"] == ["compute", "join", "compute", "join", "compare"]
    assert list(names) == ["plan", "data@line", "figures@line", "index"]


@pytest.mark.slow
def test_what_is_chosen_of_a_figure_reruns_the_figures_alone():
    for of_figures in ({"speciation": {"x": "weight"}}, {"all": {"formats": ["svg"]}}, {"speciation": {"skip": True}}):
        assert made_again(singles(line()), singles(line(figures=of_figures))) == PAGES


def test_a_sweep_of_more_blocks_has_jobs_of_runs_joining_and_a_comparison_of_its_own():
    jobs = {job.name: job for job in work.jobs_of(line(**axes(weight=WEIGHTS)))}
    quantities = [f"{name}@line@{n}" for name in ("corrections", "speciation") for n in (1, 2, "joined")]
    assert list(jobs) == ["plan", *quantities, "comparison@line", "figures@line", "index"]
    assert jobs["comparison@line"].inputs == ["results/line/speciation.nc", "results/line/corrections.nc"]
    assert jobs["figures@line"].inputs == [*jobs["comparison@line"].inputs, "results/line/comparison.nc"]
    assert jobs["index"].inputs == jobs["figures@line"].outputs == ["results/line/figures", "results/line.html"]


def test_a_quantity_that_does_not_depend_on_the_split_axis_is_one_file():
    jobs = {job.name: job for job in work.jobs_of(line(split=["schedule"]))}  # corrections take no schedule
    assert "results/line/corrections.nc" in jobs["data@line"].outputs
    assert ["speciation-" in name for name in jobs["data@line"].blocks] == [True, True]


@pytest.mark.slow
def test_large_blocks_are_jobs_of_their_own_by_one_rule_and_a_large_whole_is_one():
    blocks = {job.name: job for job in work.jobs_of(study_of(STUDIES["large blocks"]))}["speciation@line"]
    assert blocks.label == "speciation@line/{block}"
    assert list(blocks.tasks) == ["weight=0.5", "weight=0.7"]
    assert not blocks.kept
    whole = {job.name: job for job in work.jobs_of(study_of(STUDIES["large whole"]))}
    assert whole["speciation@line"].outputs == ["results/line/speciation.nc"]
    assert whole["comparison@line"].inputs[0] == "results/line/speciation.nc"


@pytest.mark.parametrize(("points", "length"), [(3, work.RUN_BLOCKS), (200_000, None)], ids=["many", "long"])
def test_a_run_of_small_blocks_is_of_128_or_ten_seconds_at_most(points, length):
    separation = {"start": 0.5, "stop": 8.0, "num": points}
    weight = {"start": 0.01, "stop": 0.5, "num": 150}
    study = line(axes={"separation": separation, "weight": weight}, quantities=["speciation"])
    runs = [job for job in work.jobs_of(study) if job.name.startswith("speciation@line@") and job.kept]
    lengths = [len(job.outputs) for job in runs]
    full = length or lengths[0]
    assert lengths == [full] * (150 // full) + [150 % full] * (150 % full > 0)
    assert full == 128 or 2 <= full < 128
    assert all(job.seconds <= 10.0 for job in runs)
    assert full == 128 or runs[0].seconds / full * (full + 1) > 10.0
    assert [output for job in runs for output in job.outputs] == [
        f"results/line/{block.file}" for block in study.sweeps["line"].blocks("speciation")
    ]


def test_appending_a_value_reruns_the_last_run_for_the_new_block_only():
    before, after = (singles(line(**axes(weight=w), quantities=["speciation"])) for w in (WEIGHTS, [*WEIGHTS, 0.75]))
    changed = [one.name for one in again(before, after)]
    assert changed == ["plan", "speciation@line@2", "speciation@line@joined", "comparison@line", "figures@line", "index"]
    products = [*COMPARED, *PAGES, "speciation.nc", "sweep.json"]
    assert made_again(before, after) == sorted(["weight=0.75.nc", *products])


@pytest.mark.parametrize("weight", [[0.6, 0.5, 0.7], [0.5, 0.6, 0.7]], ids=["in front", "between"])
def test_inserting_a_value_computes_its_block_only(weight):
    before, after = (singles(line(**axes(weight=w), quantities=["speciation"])) for w in ([0.5, 0.7], weight))
    blocks = [name for name in made_again(before, after) if "=" in name]
    assert blocks == ["weight=0.6.nc"]


@pytest.mark.parametrize("weight", [[0.7], [0.7, 0.5]], ids=["one less", "another order"])
def test_removing_or_reordering_values_computes_no_block(weight):
    result = made_again(singles(line()), singles(line(**axes(weight=weight))))
    assert result == sorted([*COMPARED, *PAGES, "corrections.nc", "speciation.nc", "sweep.json"])


def test_a_schedule_changed_under_its_label_makes_its_blocks_only():
    def of(steps):
        schedules = {"mine": {"kind": "vp-linear", "steps": steps}}
        sweep = LINE | axes(schedule=["ve", "mine"]) | {"split": ["schedule"], "quantities": ["speciation"]}
        return singles(study_of({"schedules": schedules, "sweeps": {"line": sweep}}))

    (block,) = [name for name in made_again(of(10), of(20)) if "=" in name]
    assert block.startswith("schedule=mine-")


def test_adding_a_quantity_reruns_the_figures():
    result = made_again(many(), many(quantities=["speciation", "corrections", "amplification"]))
    assert result == sorted(["amplification.nc", *PAGES, "sweep.json", *BLOCKS])


def test_an_option_reruns_its_quantity_and_its_products():
    result = made_again(many(), many(order=4))
    assert result == sorted([*COMPARED, *PAGES, "corrections.nc", "sweep.json", *BLOCKS])


@pytest.mark.slow
def test_an_axis_that_is_not_split_reruns_its_sweep_only():
    def of(separation):
        return singles(study_of({"sweeps": {"line": LINE | axes(separation=separation), "other": LINE}}))

    after = of([1.0, 3.0])
    result = again(of([1.0, 2.0]), after)
    assert result == [one for one in after if "line" in one.name or one.name in ("plan", "index")]


@pytest.mark.slow
def test_titles_and_order_rerun_no_result():
    written = {"sweeps": {"line": LINE, "other": LINE}}
    backwards = dict(reversed(LINE.items())) | {"quantities": ["corrections", "speciation"]}
    turned = {"title": "another", "sweeps": {"other": LINE, "line": backwards}}
    before = singles(study_of(written))
    assert made_again(before, singles(study_of(turned))) == ["index.html", "sweep.json", "sweep.json"]
    assert again(before, singles(study_of(written))) == []


CODES = {
    "speciation": [*COMPARED, *PAGES, "speciation.nc", "sweep.json", *BLOCKS],
    "corrections": [*COMPARED, *PAGES, "corrections.nc", "sweep.json", *BLOCKS],
    "joining": [*COMPARED, *PAGES, "corrections.nc", "speciation.nc", "sweep.json"],
    "comparison": [*COMPARED, *PAGES],
    "figures": PAGES,
    "index": ["index.html"],
    "wells.speciation": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("module", CODES)
def test_changed_code_reruns_the_results_that_depend_on_it(monkeypatch, module):
    before = many()
    known = provenance.code_digest
    monkeypatch.setattr(provenance, "code_digest", lambda name: known(name) + ("-edited" if name == module else ""))
    assert made_again(before, many()) == sorted(CODES[module])


@pytest.mark.slow
def test_digests_of_products_depend_on_their_inputs_and_code_only(monkeypatch):
    def digests(**changes):
        sweep = line(**changes).sweeps["line"]
        return [sweep.product_digest(product) for product in ("comparison", "figures")]

    plain, added, option = digests(), digests(quantities=["speciation", "corrections", "amplification"]), digests(order=4)
    assert plain == digests(quantities=["corrections", "speciation"])
    assert (plain[0] == added[0], plain[1] == added[1]) == (True, False)
    assert (plain[0] == option[0], plain[1] == option[1]) == (False, False)
    known = provenance.code_digest
    monkeypatch.setattr(provenance, "code_digest", lambda name: known(name) + ("-edited" if name == "figures" else ""))
    assert (plain[0] == digests()[0], plain[1] == digests()[1]) == (True, False)


def test_blocks_too_large_to_be_joined_are_targets_themselves_and_nothing_is_made_of_them(monkeypatch):
    monkeypatch.setattr("scoreshock.study.blocks.JOINED_BYTES", 0)
    study = line()
    assert [job.name for job in work.jobs_of(study)] == ["plan", "corrections@line@1", "speciation@line@1", "index"]
    folders = [study.sweeps["line"].planned(quantity).folder for quantity in LINE["quantities"]]
    blocks = [f"results/line/{folder}/weight={weight}.nc" for folder in folders for weight in (0.5, 0.7)]
    assert sorted(work.targets(study)) == sorted([*blocks, "results/line/sweep.json", "results/index.html"])
