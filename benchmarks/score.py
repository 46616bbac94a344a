"""Score and log density of mixtures against other ways to compute them: ratios of CPU time within one run.

Run ``python benchmarks/score.py``. Rivals are interleaved, on one thread each, and the least time of the rounds is
compared: other work on the machine only adds to a time. Peers that are not installed are left out with a line. Below 1,
ours is slower.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["NUMEXPR_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import importlib
import time
from collections.abc import Callable
from functools import partial
from types import ModuleType

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax

from scoreshock.kernels.gaussian import mixture
from scoreshock.kernels.gaussian.pair import PIECE

Rival = Callable[..., object]

OFTEN = 100
"""Repetitions of what is too short for the clock."""

V = 0.7
VARIANCE, TAU = 0.3, 0.2

SHAPES = (
    (2, 8, 200_000, "f8"),
    (2, 3, 200_000, "f8"),
    (16, 16, 50_000, "f8"),
    (64, 32, 20_000, "f8"),
    (3072, 10, 2_000, "f8"),
    (64, 32, 20_000, "f4"),
    (3072, 10, 2_000, "f4"),
)


def installed(name: str) -> ModuleType | None:
    """The module, or None with a line that says so."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed and left out")
        return None


def broadcast(x: np.ndarray, means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log density and score by the plain (N, k, d) broadcast."""
    difference = x[:, None, :] - means
    logits = np.log(weights) - (difference**2).sum(axis=-1) / (2 * V)
    top = logits.max(axis=1, keepdims=True)
    e = np.exp(logits - top)
    total = e.sum(axis=1, keepdims=True)
    log_p = (top + np.log(total))[:, 0] - x.shape[1] / 2 * np.log(2 * np.pi * V)
    return log_p, -((e / total)[:, :, None] * difference).sum(axis=1) / V


def broadcast_score(x: np.ndarray, means: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score alone by the plain broadcast."""
    difference = x[:, None, :] - means
    r = softmax(np.log(weights) - (difference**2).sum(axis=-1) / (2 * V), axis=1)
    return -(r[:, :, None] * difference).sum(axis=1) / V


def scipy_way(x: np.ndarray, means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log density and score by SciPy's distances, logsumexp and softmax."""
    logits = np.log(weights) - cdist(x, means, "sqeuclidean") / (2 * V)
    log_p = logsumexp(logits, axis=1) - x.shape[1] / 2 * np.log(2 * np.pi * V)
    return log_p, (softmax(logits, axis=1) @ means - x) / V


def torch_way(torch: ModuleType) -> Rival:
    """Log density and score by automatic differentiation of torch's mixture."""
    torch.set_num_threads(1)

    def run(x: np.ndarray, means: np.ndarray, weights: np.ndarray) -> object:
        d = torch.distributions
        points = torch.from_numpy(x).requires_grad_()
        normals = d.Independent(d.Normal(torch.from_numpy(means), torch.tensor(V, dtype=points.dtype).sqrt()), 1)
        log_p = d.MixtureSameFamily(d.Categorical(torch.from_numpy(weights)), normals).log_prob(points)
        return log_p, torch.autograd.grad(log_p.sum(), points)

    return run


def jax_way(jax: ModuleType) -> Rival:
    """Log density and score in the matrix form ``|x|^2 - 2 x.mu + |mu|^2``, compiled, in the precision of the arrays."""
    jax.config.update("jax_enable_x64", True)
    jnp = importlib.import_module("jax.numpy")

    @jax.jit
    def run(x: object, means: object, weights: object) -> object:
        logits = jnp.log(weights) + (x @ means.T - 0.5 * (means**2).sum(1)) / V
        top = logits.max(1, keepdims=True)
        e = jnp.exp(logits - top)
        total = e.sum(1, keepdims=True)
        log_p = (top + jnp.log(total))[:, 0] - (x**2).sum(1) / (2 * V) - x.shape[1] / 2 * np.log(2 * np.pi * V)
        return log_p, ((e / total) @ means - x) / V

    return lambda *arrays: jax.block_until_ready(run(*arrays))


def jax_score(jax: ModuleType) -> Rival:
    """Score alone in the matrix form, compiled."""

    @jax.jit
    def run(x: object, means: object, weights: object) -> object:
        return (jax.nn.softmax(jax.numpy.log(weights) + (x @ means.T - 0.5 * (means**2).sum(1)) / V) @ means - x) / V

    return lambda *arrays: jax.block_until_ready(run(*arrays))


def least(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least CPU time of each call, in seconds."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return {name: min(own) for name, own in times.items()}


def limits() -> dict[str, float]:
    """What this machine does on one thread, seconds an element: a product and sum of a matrix product, exp, tanh, a copy."""
    a, b = np.random.default_rng(0).standard_normal((2, 768, 768))
    row = np.linspace(-1, 1, 16_384)
    out, large = np.empty_like(row), np.ones(4_000_000)
    target = np.empty_like(large)

    def often(ufunc: np.ufunc) -> None:
        for _ in range(OFTEN):
            ufunc(row, out=out)

    calls = {
        "GEMM": (lambda: a @ b, 768**3),
        "exp": (lambda: often(np.exp), OFTEN * row.size),
        "tanh": (lambda: often(np.tanh), OFTEN * row.size),
        "copy": (lambda: np.copyto(target, large), large.size),
    }
    seconds = least({name: call for name, (call, _) in calls.items()}, 21)
    return {name: seconds[name] / size for name, (_, size) in calls.items()}


def bound(machine: dict[str, float], d: int, k: int) -> float:
    """Least seconds a point: two matrix products, k exponentials, x read and the score written."""
    return 2 * k * d * machine["GEMM"] + k * machine["exp"] + d * machine["copy"]


def mixtures(machine: dict[str, float], rivals: dict[str, Rival], function: Rival) -> None:
    """A line for each shape: ratios of each rival to our ``function``, and the part of the limit that it reaches."""
    rng = np.random.default_rng(0)
    for d, k, count, dtype in SHAPES:
        x, means = rng.standard_normal((count, d)).astype(dtype), rng.standard_normal((k, d)).astype(dtype)
        weights = np.full(k, 1 / k, dtype)
        some = {name: run for name, run in rivals.items() if d < 100 or name in ("jax.jit", "SciPy")}
        calls = {name: partial(run, x, means, weights) for name, run in some.items()}
        calls["ours"] = partial(function, x, means, weights, VARIANCE, TAU)
        if "jax.jit" in calls:
            calls["jax.jit"]()  # compiled before it is timed
        seconds = least(calls, 9)
        own = seconds.pop("ours")
        reached = bound(machine, d, k) * count / own
        ratios = "  ".join(f"{name} {each / own:5.2f}" for name, each in seconds.items())
        print(f"d={d:<4} k={k:<2} {dtype}  {own / count * 1e9:8.0f} ns a point, {reached:4.0%} of the limit   {ratios}")


def one_line(x: np.ndarray, a: float) -> np.ndarray:
    """Score of the symmetric pair, equation (29)."""
    return -x / V + a / V * np.tanh(a * x / V)


def in_pieces(x: np.ndarray, a: float) -> np.ndarray:
    """The same, written in place and in cache: what NumPy can do at best, without a check for cancellation."""
    s, pull = np.empty_like(x), np.empty(PIECE)
    for start in range(0, len(x), PIECE):
        points, piece = x[start : start + PIECE], s[start : start + PIECE]
        np.tanh(np.multiply(points, a / V, out=piece), out=piece)
        piece *= a / V
        piece -= np.multiply(points, 1 / V, out=pull[: len(points)])
    return s


def pairs(machine: dict[str, float], numexpr: ModuleType | None) -> None:
    """The symmetric pair on a line, against its formula in one line."""
    means, weights, x = np.array([[-1.0], [1.0]]), np.array([0.5, 0.5]), np.random.default_rng(0).standard_normal(1_000_000)
    calls: dict[str, Callable[[], object]] = {
        "ours": partial(mixture.score, x[:, None], means, weights, VARIANCE, TAU),
        "one line of NumPy": partial(one_line, x, 1.0),
        "in pieces, no check": partial(in_pieces, x, 1.0),
    }
    if numexpr is not None:
        calls["numexpr"] = lambda: numexpr.evaluate("-x / v + a / v * tanh(a * x / v)", {"x": x, "a": 1.0, "v": V})
    seconds = least(calls, 15)
    own = seconds.pop("ours")
    reached = (machine["tanh"] + machine["copy"]) * len(x) / own
    ratios = "  ".join(f"{name} {each / own:5.2f}" for name, each in seconds.items())
    print(f"pair, d=1     {own / len(x) * 1e9:8.1f} ns a point, {reached:4.0%} of the limit   {ratios}")


def accuracy(rivals: dict[str, Rival]) -> None:
    """Relative error of scores far from the origin, against sums of exact differences in extended precision."""
    rng = np.random.default_rng(1)
    for offset, d in ((0.0, 8), (1e4, 8), (1e6, 8)):
        means = offset + rng.standard_normal((5, d))
        x = means[rng.integers(0, 5, 1000)] + 0.8 * rng.standard_normal((1000, d))
        weights = np.full(5, 0.2)
        exact = broadcast(*(a.astype(np.longdouble) for a in (x, means, weights)))[1]
        errors = {"ours": mixture.score(x, means, weights, VARIANCE, TAU)}
        errors |= {name: np.asarray(run(x, means, weights)[1]) for name, run in rivals.items() if name != "torch autograd"}
        size = np.abs(exact).max(axis=1, keepdims=True)
        line = "  ".join(f"{name} {float((np.abs(s - exact) / size).max()):.0e}" for name, s in errors.items())
        print(f"largest relative error of the score, offset {offset:.0e}, d={d}: {line}")


def growth() -> None:
    """Exponents of the CPU time of ours in N, k and d, each fitted between two sizes far above its overhead."""

    def seconds(count: int, k: int, d: int) -> float:
        rng = np.random.default_rng(0)
        x, means = rng.standard_normal((count, d)), rng.standard_normal((k, d))
        return least({"ours": partial(mixture.fields, x, means, np.full(k, 1 / k), VARIANCE, TAU)}, 5)["ours"]

    base, ratio = (20_000, 16, 64), 4
    small = seconds(*base)
    for place, name in enumerate("Nkd"):
        larger = [size * ratio if i == place else size for i, size in enumerate(base)]
        print(f"time grows as {name}^{np.log(seconds(*larger) / small) / np.log(ratio):.2f}", end="   ")
    print(f"(from N, k, d = {base}, times {ratio})")


def main() -> None:
    """Print the versions, the machine's limits and a line for each shape."""
    modules = {name: installed(name) for name in ("jax", "torch", "numexpr")}
    versions = {name: module.__version__ for name, module in modules.items() if module}
    print("NumPy", np.__version__, *(f"{name} {version}" for name, version in versions.items()))
    machine = limits()
    print(
        f"one thread: GEMM {2e-9 / machine['GEMM']:.0f} GFLOPS, exp {machine['exp'] * 1e9:.2f} ns, "
        f"tanh {machine['tanh'] * 1e9:.2f} ns, copy {8e-9 / machine['copy']:.1f} GB/s"
    )
    rivals: dict[str, Rival] = {"broadcast": broadcast, "SciPy": scipy_way}
    if modules["torch"]:
        rivals["torch autograd"] = torch_way(modules["torch"])
    if modules["jax"]:
        rivals["jax.jit"] = jax_way(modules["jax"])
    print("log density and score together: CPU time of a rival over ours")
    mixtures(machine, rivals, mixture.fields)
    print("score alone")
    alone = {"broadcast": broadcast_score} | ({"jax.jit": jax_score(modules["jax"])} if modules["jax"] else {})
    mixtures(machine, alone, mixture.score)
    pairs(machine, modules["numexpr"])
    accuracy(rivals)
    growth()


if __name__ == "__main__":
    main()
