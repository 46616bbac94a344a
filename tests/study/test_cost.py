"""What jobs ask for follows from the sizes of their results, and profiles group them by the same numbers."""

import math
from pathlib import Path

import pytest
import yaml

from scoreshock.study import cost, work
from scoreshock.study.evaluation import density_of, evaluate
from scoreshock.study.study import Study
from scoreshock.study.vocabulary import vocabulary

QUANTITIES = tuple(vocabulary().of("mixture"))

PROFILES = Path(__file__).parents[2] / "workflow" / "profiles"
LINE = {"start": -1.0, "stop": 1.0, "num": 21}
IN_A_PLANE = {"family": "polygon", "plane_x": [-1.0, 0.0, 1.0], "plane_y": [0.0, 0.5]}
NEEDS = {"plane": IN_A_PLANE}
"""Families and options of quantities that pairs do not have."""


def sweep(num=1000, quantity="speciation", **changes):
    inputs = {
        "family": "pair",
        "axes": {"separation": {"start": 1.0, "stop": 2.0, "num": num}, "variance": [0.5, 1.0]},
        "quantities": [quantity],
    } | NEEDS.get(quantity, {})
    return Study.from_mapping({"sweeps": {"line": inputs | changes}}).sweeps["line"]


def seconds(num=1000, quantity="speciation", **changes):
    return cost.block_seconds(sweep(num, quantity, **changes), quantity) - cost.FILE_SECONDS


@pytest.mark.parametrize("declared", vocabulary().quantities, ids=lambda declared: declared.module)
def test_every_quantity_has_a_measured_cost(declared):
    limits = (10.0, 10.0) if declared.density == "networks" else (0.1, 2.0)
    for (pair, more), most in zip((declared.seconds, declared.covariances or declared.seconds), limits, strict=True):
        assert 1e-8 < pair < most  # of covariances expectations are drawn
        assert 1e-8 < more < most


def test_covariances_cost_what_is_measured_of_them():
    matrix = {"means": [[-1.0, 0.0], [1.0, 0.0]], "covariance": [[1.0, 0.5], [0.5, 1.0]]}
    axes = {"separation": {"start": 1.0, "stop": 2.0, "num": 50}}
    own = seconds(family="custom", parameters=matrix, axes=axes)
    assert own == pytest.approx(50 * vocabulary().of("mixture")["speciation"].covariances[0])


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["speciation", "corrections", "amplification"])
def test_time_grows_with_points_components_and_dimensions(quantity):
    assert seconds(10**6, quantity) == pytest.approx(10 * seconds(10**5, quantity))
    of_vertices = [seconds(1000, quantity, family="simplex", parameters={"vertices": k}) for k in (3, 6, 12)]
    assert of_vertices == sorted(of_vertices)
    assert len(set(of_vertices)) == 3


def test_blocks_share_the_time_of_their_sweep():
    assert seconds(1000, split=["variance"]) == pytest.approx(seconds(1000) / 2)
    assert seconds(1000, "scores", x=LINE, tau=[0.1]) == pytest.approx(21 * seconds(1000, "scores", x=[0.0], tau=[0.1]))


AXES = {"variance": [0.5, 1.0], "schedule": ["ve", "edm"]}


@pytest.mark.slow
@pytest.mark.parametrize("split", [[], ["separation", "variance"]], ids=["whole", "split"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_sizes_are_those_of_the_results(quantity, split):
    result = sweep(quantity=quantity, axes={"separation": [1.0, 1.5, 2.0], **AXES}, split=split, x=LINE)
    assert result.bytes(quantity) == evaluate(result.content(quantity)).nbytes
    assert {evaluate(block.content).nbytes for block in result.blocks(quantity)} == {result.block_bytes(quantity)}


@pytest.mark.slow
@pytest.mark.parametrize("num", [10, 10**5], ids=["one chunk", "many chunks"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_chunk_is_as_large_as_evaluation_makes_it(quantity, num):
    result = sweep(axes={"separation": {"start": 1.0, "stop": 2.0, "num": num}, **AXES}, quantity=quantity, x=LINE)
    found = evaluate(result.content(quantity))
    chunks = [v for v in found.data_vars.values() if v.chunks is not None]
    longest = sum(v.dtype.itemsize * math.prod(map(max, v.chunks)) for v in chunks)
    fixed = sum(v.nbytes for name, v in found.variables.items() if "call" in v.dims)  # calls of the schedules
    assert longest <= cost.chunk_bytes(result, quantity) < 1.2 * longest + fixed  # with labels


def grid(num):
    """A sweep of ``num`` separations, variances and weights each, of which the means depend on the first alone."""
    line = {"start": 0.1, "stop": 0.9, "num": num}
    return sweep(axes={"separation": line, "variance": line, "weight": line})


def test_memory_is_that_of_chunks_not_of_the_block():
    small, large, huge = (cost.block_memory(grid(num), "speciation") for num in (10, 100, 400))
    assert cost.BASE_MEMORY < small < large == huge
    two = cost.block_memory(grid(400), "speciation", threads=2)
    assert two - cost.BASE_MEMORY == pytest.approx(2 * (large - cost.BASE_MEMORY), abs=1)


@pytest.mark.parametrize("num", [10, 100])
def test_means_and_weights_are_counted_as_they_are_held(num):
    result = grid(num)
    density = density_of(result.content("speciation"))
    counted = sum(each * num ** len(dims) for dims, each in result.density_bytes.items())
    assert counted == sum(v.nbytes for v in density.data_vars.values())


@pytest.mark.slow
def test_memory_grows_with_the_means_that_differ():
    few, many = (cost.block_memory(sweep(num), "speciation") for num in (10**6, 10**7))
    assert (many - few) * 2**20 == pytest.approx(cost.DENSITY_COPIES * 9e6 * 2 * 8, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("product", ["comparison", "figures"])
def test_products_cost_time_by_points_and_joining_by_blocks_too(product):
    assert cost.product_seconds(sweep(10**4), product) < cost.product_seconds(sweep(10**7), product)
    few, many = (sweep(split=split) for split in (["variance"], ["separation"]))
    assert cost.join_seconds(few, "speciation") < cost.join_seconds(many, "speciation")


def test_requested_memory_and_time_have_a_margin_and_grow_with_the_attempt():
    for work_seconds in (3.0, 59.0, 1e4):
        first = cost.minutes(work_seconds)
        assert first * 60 > 3 * work_seconds + 60
        assert [cost.minutes(work_seconds, attempt=n) for n in (2, 3)] == [2 * first, 3 * first]
    assert cost.minutes(6000.0, threads=4) - cost.START_MINUTES == (cost.minutes(6000.0) - cost.START_MINUTES) / 4


def test_a_block_gets_threads_when_it_is_hours_long():
    assert [cost.threads(each) for each in (3.0, 1800.0, 1801.0, 7200.0, 1e6)] == [1, 1, 2, 4, 8]


@pytest.mark.parametrize("name", ["slurm", "lsf", "cluster-generic"])
def test_profiles_group_runs_of_small_blocks_to_a_minute_of_work(name):
    profile = yaml.safe_load((PROFILES / name / "config.yaml").read_text())
    number = round(work.GROUPED_SECONDS / work.RUN_SECONDS)
    assert profile["group-components"] == {"small": number, "products": number, "paper": 1}
    assert profile["cores"] == 1  # else members of a group run at once, and it is as much shorter
    default = yaml.safe_load((PROFILES / "default" / "config.yaml").read_text())
    assert {key: profile[key] for key in default} == default
