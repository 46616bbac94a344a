"""How much faster the mixture kernels are than what one would write by hand: ratios of CPU time within one run.

Run ``python benchmarks/score.py``. Each pair of rivals is interleaved and the median of the rounds is compared, so that
ratios hold on a busy machine where bare times do not. BLAS runs on one thread, as in a study.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax
from threadpoolctl import threadpool_limits

from scoreshock.kernels.gaussian import mixture

Rival = Callable[[np.ndarray, np.ndarray, np.ndarray], object]

V = 0.7
VARIANCE, TAU = 0.3, 0.2


def broadcast(x: np.ndarray, means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log density and score by the plain (N, k, d) broadcast."""
    difference = x[:, None, :] - means
    logits = np.log(weights) - (difference**2).sum(axis=-1) / (2 * V)
    top = logits.max(axis=1, keepdims=True)
    e = np.exp(logits - top)
    total = e.sum(axis=1, keepdims=True)
    log_p = (top + np.log(total))[:, 0] - x.shape[1] / 2 * np.log(2 * np.pi * V)
    return log_p, -((e / total)[:, :, None] * difference).sum(axis=1) / V


def scipy_way(x: np.ndarray, means: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log density and score by SciPy's distances, logsumexp and softmax."""
    logits = np.log(weights) - cdist(x, means, "sqeuclidean") / (2 * V)
    log_p = logsumexp(logits, axis=1) - x.shape[1] / 2 * np.log(2 * np.pi * V)
    return log_p, (softmax(logits, axis=1) @ means - x) / V


def torch_way() -> Rival | None:
    """Log density and score by automatic differentiation of torch's mixture, or None where there is no torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)

    def run(x: np.ndarray, means: np.ndarray, weights: np.ndarray) -> object:
        d = torch.distributions
        points = torch.from_numpy(x).requires_grad_()
        normals = d.Independent(d.Normal(torch.from_numpy(means), torch.tensor(V, dtype=points.dtype).sqrt()), 1)
        log_p = d.MixtureSameFamily(d.Categorical(torch.from_numpy(weights)), normals).log_prob(points)
        return log_p, torch.autograd.grad(log_p.sum(), points)

    return run


def ratio(ours: Callable[[], object], rival: Callable[[], object], rounds: int) -> float:
    """Median CPU time of the rival over that of ours."""
    times: dict[str, list[float]] = {"ours": [], "rival": []}
    for _ in range(rounds):
        for name, run in (("ours", ours), ("rival", rival)):
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return float(np.median(times["rival"]) / np.median(times["ours"]))


def one_line(x: np.ndarray, a: float) -> np.ndarray:
    """Score of the symmetric pair, equation (29)."""
    return -x / V + a / V * np.tanh(a * x / V)


def pair_lines(rng: np.random.Generator) -> None:
    """Score of a symmetric pair on a line, against the formula in one line of NumPy."""
    a = 1.0
    means, weights = np.array([[-a], [a]]), np.array([0.5, 0.5])
    for count in (1_000_000, 4_000_000):
        x = rng.standard_normal(count)
        ours = partial(mixture.score, x[:, None], means, weights, VARIANCE, TAU)
        found = ratio(ours, partial(one_line, x, a), rounds=9)
        print(f"score  d=1  pair      f64  N={count:<8} one-line NumPy formula  {found:6.1f}")


def main() -> None:
    """Print one line for each problem and rival."""
    rng = np.random.default_rng(0)
    torch_run = torch_way()
    rivals: dict[str, Rival | None] = {
        "broadcast (N, k, d)": broadcast,
        "SciPy cdist + softmax": scipy_way,
        "torch autograd": torch_run,
    }
    print("rival's CPU time / ours")
    for d, k, count, dtype in (
        (1, 2, 300_000, "f8"),
        (2, 8, 200_000, "f8"),
        (64, 32, 20_000, "f8"),
        (64, 32, 20_000, "f4"),
    ):
        x, means = rng.standard_normal((count, d)).astype(dtype), rng.standard_normal((k, d)).astype(dtype)
        weights = np.full(k, 1 / k, dtype)
        for name, run in rivals.items():
            label = f"fields d={d:<2} k={k:<2}      {'f64' if dtype == 'f8' else 'f32'}  N={count:<8} {name:<22}"
            if run is None:
                print(f"{label}  skipped: torch is not installed")
                continue
            ours = partial(mixture.fields, x, means, weights, VARIANCE, TAU)
            found = ratio(ours, partial(run, x, means, weights), rounds=7)
            print(f"{label}  {found:6.1f}")
    pair_lines(rng)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
