"""What jobs ask for follows from the size of their blocks, and profiles group them by the same numbers."""

import math
from pathlib import Path

import pytest
import yaml

from scoreshock.conventions import QUANTITIES
from scoreshock.evaluation import evaluate
from scoreshock.families import registry
from scoreshock.study import Study, cost

PROFILES = Path(__file__).parents[1] / "workflow" / "profiles"


def block(num=1000, quantity="speciation", **changes):
    sweep = {
        "family": "pair",
        "axes": {"separation": {"start": 1.0, "stop": 2.0, "num": num}, "variance": [0.5, 1.0]},
        "quantities": [quantity],
    }
    return Study.from_mapping({"sweeps": {"line": sweep | changes}}).sweeps["line"].blocks()[0]


def simplex(vertices, **options):
    return block(family="simplex", parameters={"vertices": vertices}, **options)


@pytest.mark.parametrize("kind", [registry.MIXTURE, registry.WELL], ids=["mixtures", "wells"])
def test_every_quantity_has_a_measured_cost(kind):
    assert not set(kind.quantities.values()) - set(cost.POINT_SECONDS)


@pytest.mark.parametrize("quantity", ["speciation", "corrections", "amplification"])
def test_time_grows_with_points_components_and_dimensions(quantity):
    small = cost.block_seconds(block(10**5, quantity), quantity) - cost.JOB_SECONDS
    large = cost.block_seconds(block(10**6, quantity), quantity) - cost.JOB_SECONDS
    assert large == pytest.approx(10 * small)
    of_vertices = [cost.block_seconds(simplex(k, quantity=quantity), quantity) for k in (3, 6, 12)]
    assert of_vertices == sorted(of_vertices)
    assert len(set(of_vertices)) == 3


@pytest.mark.parametrize("num", [10, 10**5], ids=["one chunk", "many chunks"])
@pytest.mark.parametrize("schedules", [{}, {"schedule": ["ve", "edm"]}], ids=["no schedule", "two schedules"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_chunk_is_as_large_as_evaluation_makes_it(quantity, num, schedules):
    axes = {"separation": {"start": 1.0, "stop": 2.0, "num": num}, "variance": [0.5, 1.0], **schedules}
    made = block(axes=axes, quantity=quantity, x={"start": -1.0, "stop": 1.0, "num": 21})
    result = evaluate(made, quantity)
    longest = math.prod(max(result.chunks[axis]) for axis in ("separation", "variance"))
    assert cost.chunk_densities(made, quantity) == pytest.approx(longest, rel=1e-3, abs=1)
    assert cost.chunk_bytes(made, quantity) == made.bytes(quantity) * cost.chunk_densities(made, quantity) // (2 * num)


def grid(num):
    """A block of ``num`` separations, variances and weights each, of which the means depend on the first alone."""
    line = {"start": 0.1, "stop": 0.9, "num": num}
    return block(axes={"separation": line, "variance": line, "weight": line})


def test_memory_is_that_of_chunks_not_of_the_block():
    small, large, huge = (cost.block_memory(grid(num), "speciation") for num in (10, 100, 400))
    assert cost.LIBRARIES < small < large == huge
    assert cost.block_memory(grid(400), "speciation", 2) - cost.LIBRARIES == pytest.approx(
        2 * (large - cost.LIBRARIES), abs=1
    )


def test_memory_grows_with_the_means_that_differ():
    few, many = (cost.block_memory(block(num), "speciation") for num in (10**6, 10**7))
    assert (many - few) * 2**20 == pytest.approx(cost.DENSITY_COPIES * 9e6 * 2 * 8, rel=0.01)
    ten, hundred = (cost.density_bytes(grid(num).sweep) for num in (10, 100))
    assert ten == 10 * (2 * 8 + 2 * 8 + 8) + 8  # two means, two weights, a variance; one dimension
    assert hundred == 100 * (2 * 8 + 2 * 8 + 8) + 8
    assert cost.density_bytes(grid(10).sweep, {"separation": 0.1}) == ten - 9 * 2 * 8


def test_what_is_asked_for_has_room_and_grows_with_the_attempt():
    for seconds in (3.0, 59.0, 1e4):
        first = cost.minutes(seconds)
        assert first * 60 > 3 * seconds + 60
        assert [cost.minutes(seconds, attempt=n) for n in (2, 3)] == [2 * first, 3 * first]


def test_a_group_of_short_blocks_has_room_and_asks_for_twenty_minutes_at_most():
    for tenths in range(30, 600):
        seconds = tenths / 10
        number = cost.group_components()[cost.group_class(seconds)]
        for members in (1, number):  # the last group may hold one block
            work = members * (seconds + cost.JOB_SECONDS) + cost.JOB_SECONDS  # of Snakemakes, too
            asked = 60 * members * cost.minutes(seconds, members=number)
            assert 3 * work <= asked <= 20 * 60


def compared(points, criteria=("leading", "exact"), **changes):
    axes = {"separation": {"start": 1.0, "stop": 2.0, "num": points}}
    sweep = {"family": "pair", "axes": axes, "quantities": ["speciation"], "criteria": list(criteria)} | changes
    return Study.from_mapping({"sweeps": {"line": sweep}}).sweeps["line"]


def test_a_comparison_costs_time_and_memory_by_its_points_and_criteria():
    few, many = compared(10**4), compared(10**7)
    for of in (cost.product_seconds, cost.sweep_memory):
        assert of(few, "comparison") < of(many, "comparison")
    assert cost.product_seconds(many, "comparison") < cost.product_seconds(
        compared(10**7, ("leading", "first", "exact")), "comparison"
    )
    assert cost.sweep_memory(few) == cost.sweep_memory(many)  # merging holds chunks
    assert cost.sweep_seconds(many) > cost.product_seconds(many, "comparison")
    assert cost.comparison_bytes(compared(10, quantities=["corrections"])) == 0


def test_a_block_gets_threads_when_it_is_hours_long():
    assert [cost.threads(seconds) for seconds in (3.0, 1800.0, 1801.0, 7200.0, 1e6)] == [1, 1, 2, 4, 8]


def test_groups_work_for_a_minute_at_least_and_two_and_a_half_at_most():
    for tenths in range(30, 600):
        seconds = tenths / 10
        least = cost.group_class(seconds)
        number = cost.group_components()[least]
        assert 60 <= number * least <= number * seconds < 150
    assert cost.group_class(60.0) is None
    assert cost.group_class(0.5) == cost.CLASSES[0]


@pytest.mark.parametrize("name", ["slurm", "cluster-generic"])
def test_profiles_hold_the_numbers_of_the_classes(name):
    profile = yaml.safe_load((PROFILES / name / "config.yaml").read_text())
    numbers = cost.group_components()
    shortest = cost.MERGE_SECONDS + cost.PRODUCT_SECONDS["figures"]  # of what is made of a sweep
    expected = {f"blocks-of-{least}s": number for least, number in numbers.items()}
    expected |= {f"sweeps-of-{least}s": number for least, number in numbers.items() if least >= cost.group_class(shortest)}
    expected |= {f"sweeps-of-{cost.LEAST_SECONDS}s": 1, "paper": 1}
    assert profile["group-components"] == expected
    assert profile["cores"] == 1  # else members of a group run at once, and it is as much shorter
    default = yaml.safe_load((PROFILES / "default" / "config.yaml").read_text())
    assert {key: profile[key] for key in default} == default
