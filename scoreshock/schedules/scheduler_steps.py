"""The noise levels and timesteps that diffusers' solvers visit, as functions of a resolved configuration.

Each solver reads ``timestep_spacing`` in its own way; a reading is a function of the configuration, the table's noise levels
``table (n,)`` (``sigma_n`` by entry, rising) and a `Call`. Published formulas in double precision: diffusers computes in
float32, and differs from them by its rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scoreshock.schedules import levels
from scoreshock.schedules.scheduler_config import Config


class Call(NamedTuple):
    """Arguments of ``set_timesteps``: number of steps, shift of the flow by ``mu``, levels or timesteps handed in."""

    num: int
    mu: float | None = None
    sigmas: np.ndarray | None = None
    timesteps: np.ndarray | None = None


class Visit(NamedTuple):
    """What a solver visits: levels and timesteps of the calls of its network, ``(calls,)``, and the level where it lands.

    Levels are ``sigma_n``, of flow matching the noise of the flow. ``entries``: whether timesteps are entries of the table.
    """

    sigmas: np.ndarray
    timesteps: np.ndarray
    final: float
    entries: bool = False


def whole_entries(config: Config, table: np.ndarray, call: Call) -> Visit:
    """Whole entries of the table: DDIM, DDPM, CogVideoX."""
    if call.timesteps is not None:
        return _at_entries(config, table, call.timesteps)
    return _at_entries(config, table, _selected(config, len(table), call.num))


def pndm(config: Config, table: np.ndarray, call: Call) -> Visit:
    """Entries for PLMS, the second one twice; before them four Runge-Kutta steps unless ``skip_prk_steps``."""
    steps = _selected(config, len(table), call.num)
    if config["skip_prk_steps"]:
        return _at_entries(config, table, np.concatenate([steps[:1], steps[1:2], steps[1:]]))
    if call.num < 4:
        raise ValueError(f"num_inference_steps = {call.num} is not allowed; allowed: at least 4, or skip_prk_steps: true")
    half = np.tile([0, len(table) // call.num // 2], 4)
    runge_kutta = (steps[3::-1].repeat(2) + half)[:-1].repeat(2)[1:-1][::-1]
    return _at_entries(config, table, np.concatenate([runge_kutta, steps[3:]]))


def distilled(config: Config, table: np.ndarray, call: Call) -> Visit:
    """Some of the steps with which a consistency model was distilled: LCM, TCD."""
    original = config["original_inference_steps"]
    if not call.num <= original <= len(table):
        raise ValueError(
            f"num_inference_steps = {call.num} is not allowed; allowed: at most original_inference_steps = {original}, "
            f"and that at most {len(table)}"
        )
    steps = np.arange(1, original + 1) * (len(table) // original) - 1
    chosen = np.floor(np.linspace(0, original, num=call.num, endpoint=False)).astype(np.int64)
    return _at_entries(config, table, steps[::-1][chosen])


def _selected(config: Config, total: int, num: int) -> np.ndarray:
    spacing = config.get("timestep_spacing", "linspace")
    steps = levels.select_steps(total, num, spacing)
    return steps + config["steps_offset"] if spacing == "leading" else steps


def _at_entries(config: Config, table: np.ndarray, steps: np.ndarray) -> Visit:
    """Entries of the table; the last move ends without noise, or at entry 0 without ``set_alpha_to_one``."""
    if steps[0] >= len(table):
        raise ValueError(
            f"steps_offset = {config['steps_offset']} with these steps visits entry {steps[0]}; "
            f"allowed: entries 0 to {len(table) - 1}"
        )
    return Visit(table[steps], steps.astype(float), 0.0 if config.get("set_alpha_to_one", True) else float(table[0]), True)


def sigma_solver(config: Config, table: np.ndarray, call: Call) -> Visit:
    """Fractional timesteps, sigma linear between entries: Euler, LMS; karras and others run between these sigmas."""
    if call.sigmas is not None:
        return Visit(call.sigmas[:-1], _timestep(call.sigmas[:-1], table), float(call.sigmas[-1]))
    timesteps = _fractional(config, len(table), call.num) if call.timesteps is None else call.timesteps.astype(float)
    sigmas = np.interp(timesteps, np.arange(len(table)), table)
    final = _final(config, table)
    if config.get("interpolation_type") == "log_linear":
        every = levels.polyexponential_sigmas(float(table[0]), float(table[-1]), 1.0, call.num + 1)
        sigmas, final = every[:-1], float(every[-1])
    chosen = _spaced(config, float(sigmas[-1]), float(sigmas[0]), call.num)
    if chosen is not None:
        sigmas, timesteps = chosen, _timestep(chosen, table)
    if config.get("timestep_type") == "continuous" and config.get("prediction_type") == "v_prediction":
        return Visit(sigmas, 0.25 * np.log(sigmas), final)
    return Visit(sigmas, timesteps, final, chosen is None and config.get("interpolation_type") != "log_linear")


def heun(config: Config, table: np.ndarray, call: Call) -> Visit:
    """Euler's levels, each but the first visited twice."""
    return _twice(sigma_solver(config, table, call))


def _twice(visit: Visit) -> Visit:
    sigmas, timesteps = (np.concatenate([each[:1], each[1:].repeat(2)]) for each in (visit.sigmas, visit.timesteps))
    return Visit(sigmas, timesteps, visit.final, visit.entries)


def midpoint(config: Config, table: np.ndarray, call: Call) -> Visit:
    """Euler's levels, and between them their geometric means: KDPM2, DPM-Solver's SDE."""
    visit = _rounded_karras(config, sigma_solver(config, table, call))
    return _interleaved(visit, np.sqrt(visit.sigmas[:-1] * visit.sigmas[1:]), table)


def ancestral_midpoint(config: Config, table: np.ndarray, call: Call) -> Visit:
    """The same where half of the way to the ancestral step is the next level itself, which is visited twice."""
    visit = _rounded_karras(config, sigma_solver(config, table, call))
    return _interleaved(visit, visit.sigmas[1:], table)


def _rounded_karras(config: Config, visit: Visit) -> Visit:
    rounds = config["use_karras_sigmas"] and config["_class_name"].startswith("KDPM2")
    return visit._replace(timesteps=np.round(visit.timesteps)) if rounds else visit


def _interleaved(visit: Visit, between: np.ndarray, table: np.ndarray) -> Visit:
    """Levels with one more before each but the first."""

    def merged(each: np.ndarray, more: np.ndarray) -> np.ndarray:
        return np.concatenate([each[:1], np.stack([more, each[1:]], axis=1).reshape(-1)])

    return Visit(merged(visit.sigmas, between), merged(visit.timesteps, _timestep(between, table)), visit.final)


def multistep(config: Config, table: np.ndarray, call: Call) -> Visit:
    """One entry more than steps, the last left out: DPM-Solver, UniPC, DEIS, SA-Solver; whole timesteps."""
    if config["use_flow_sigmas"]:
        return multistep_flow(config, table, call)
    low, high = float(table[0]), float(table[-1])
    sigmas = _spaced(config, low, high, call.num)
    if sigmas is None:
        steps = _one_more(config, table, call.num) if call.timesteps is None else call.timesteps
        sigmas = np.interp(steps, np.arange(len(table)), table)
        return Visit(sigmas, steps.astype(float), _final(config, table), True)
    timesteps = _timestep(sigmas, table)
    rounds = config["use_karras_sigmas"] or config.get("use_lu_lambdas", False)
    if config["_class_name"] == "DPMSolverMultistepScheduler" and config["beta_schedule"] == "squaredcos_cap_v2":
        rounds = False
    timesteps = np.round(timesteps) if rounds else _truncated(timesteps)
    return Visit(sigmas, timesteps, _final(config, table, sigmas))


def _one_more(config: Config, table: np.ndarray, num: int) -> np.ndarray:
    """Entries of ``num + 1`` steps without the last, of those whose ``ln(alpha/noise)`` is not below the clipping."""
    clipped = int(np.count_nonzero(-np.log(table) < config.get("lambda_min_clipped", -np.inf)))
    last = len(table) - clipped
    spacing = config.get("timestep_spacing", "linspace")
    if spacing == "trailing":
        return levels.trailing_steps(last, len(table) / num)
    if spacing == "leading":
        if num >= last:
            raise ValueError(f"num_inference_steps = {num} is not allowed; allowed: at most {last - 1} with leading")
        return (np.arange(num + 1) * (last // (num + 1)))[::-1][:-1] + config["steps_offset"]
    return np.round(np.linspace(0, last - 1, num + 1))[::-1][:-1].astype(np.int64)


def multistep_flow(config: Config, table: np.ndarray, call: Call) -> Visit:
    """Flow matching by a multistep solver; UniPC starts at 1 and keeps the last level, the others start below it."""
    total = config["num_train_timesteps"]
    if config["_class_name"] == "UniPCMultistepScheduler":
        return _unipc_flow(config, table, call)
    shift = np.exp(call.mu) if call.mu is not None else config["flow_shift"]
    sigmas = np.flip(shifted(1.0 - np.linspace(1, 1 / total, call.num + 1), shift))[:-1]
    return Visit(sigmas, np.trunc(sigmas * total), _final(config, table, sigmas))


NEARLY_ONE = 1e-6
"""UniPC starts a flow this much below 1 to keep its logarithms finite."""


def _unipc_flow(config: Config, table: np.ndarray, call: Call) -> Visit:
    total = config["num_train_timesteps"]
    if config["use_karras_sigmas"]:
        sigmas = _spaced(config, float(table[0]), float(table[-1]), call.num)
        assert sigmas is not None
        sigmas = sigmas / (sigmas + 1)
    else:
        plain = np.linspace(1, 1 / total, call.num + 1)[:-1] if call.sigmas is None else call.sigmas
        shift = config["flow_shift"]
        sigmas = shifted(plain, shift) if call.mu is None else shifted_dynamically(config, plain, call.mu)
        sigmas = to_terminal(config, sigmas)
        sigmas[0] -= NEARLY_ONE * (abs(sigmas[0] - 1) < NEARLY_ONE)
    final = float(sigmas[-1]) if config["final_sigmas_type"] == "sigma_min" else 0.0
    return Visit(sigmas, np.trunc(sigmas * total), final)


def edm(config: Config, _table: np.ndarray, call: Call) -> Visit:
    """Levels of Karras et al. or of equal ratios; the network is told ``ln(sigma)/4``, or an angle (Stable Audio)."""
    ends = config["sigma_min"], config["sigma_max"]
    if config["sigma_schedule"] == "karras":
        sigmas = levels.karras_sigmas(*ends, config["rho"], call.num)
    else:
        sigmas = levels.polyexponential_sigmas(*ends, 1.0, call.num)
    final = float(sigmas[-1]) if config["final_sigmas_type"] == "sigma_min" else 0.0
    cosine = config["_class_name"].startswith("Cosine")
    return Visit(sigmas, np.arctan(sigmas) * 2 / np.pi if cosine else 0.25 * np.log(sigmas), final)


def flow(config: Config, _table: np.ndarray, call: Call) -> Visit:
    """Flow matching by Euler steps: equal steps to the table's end, shifted, or levels handed in."""
    total, shift = config["num_train_timesteps"], config["shift"]
    dynamic = config.get("use_dynamic_shifting", False)
    least = np.array(1 / total)
    sigmas = np.linspace(1.0, least if dynamic else shifted(least, shift), call.num) if call.sigmas is None else call.sigmas
    if dynamic:
        assert call.mu is not None
        sigmas = shifted_dynamically(config, sigmas, call.mu)
    else:
        sigmas = shifted(sigmas, shift)
    sigmas = to_terminal(config, sigmas)
    chosen = _spaced(config, float(sigmas[-1]), float(sigmas[0]), len(sigmas))
    sigmas = sigmas if chosen is None else chosen
    return Visit(sigmas, (1 - sigmas if config.get("invert_sigmas") else sigmas) * total, 0.0)


def heun_flow(config: Config, table: np.ndarray, call: Call) -> Visit:
    """The same by Heun's, each level but the first visited twice."""
    return _twice(flow(config, table, call))


def shifted(sigma: np.ndarray, shift: float) -> np.ndarray:
    """Noise of a flow with noise/alpha multiplied by ``shift`` (Esser et al. 2024, eq. 23)."""
    return shift * sigma / (1 + (shift - 1) * sigma)


def shifted_dynamically(config: Config, sigma: np.ndarray, mu: float) -> np.ndarray:
    """The same with the shift ``e^mu``, or ``mu`` where the time shift is linear."""
    shift = np.exp(mu) if config["time_shift_type"] == "exponential" else mu
    return shift / (shift + (1 / sigma - 1))


def to_terminal(config: Config, sigma: np.ndarray) -> np.ndarray:
    """The flow's signal stretched so that the last level is ``shift_terminal``, where that is set."""
    terminal = config.get("shift_terminal")
    return sigma if terminal is None else 1 - (1 - sigma) / ((1 - sigma[-1]) / (1 - terminal))


def _fractional(config: Config, total: int, num: int) -> np.ndarray:
    if config["timestep_spacing"] == "linspace":
        return np.linspace(0, total - 1, num)[::-1]
    return _selected(config, total, num).astype(float)


def _spaced(config: Config, low: float, high: float, num: int) -> np.ndarray | None:
    """Levels by a formula between two, which the configuration may replace; None where it names no formula."""
    if config.get("use_lu_lambdas"):
        return levels.polyexponential_sigmas(low, high, 1.0, num)
    low = low if config.get("sigma_min") is None else config["sigma_min"]
    high = high if config.get("sigma_max") is None else config["sigma_max"]
    if config.get("use_karras_sigmas"):
        return levels.karras_sigmas(low, high, 7.0, num)
    if config.get("use_exponential_sigmas"):
        return levels.polyexponential_sigmas(low, high, 1.0, num)
    return levels.beta_sigmas(low, high, num) if config.get("use_beta_sigmas") else None


def _timestep(sigmas: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Fractional entry of each level, by interpolation in the logarithm, clamped to the table."""
    return np.interp(np.log(np.maximum(sigmas, 1e-10)), np.log(np.maximum(table, 1e-300)), np.arange(len(table)))


def _truncated(timesteps: np.ndarray) -> np.ndarray:
    """Whole part, where what is whole but for rounding (that of float32 in diffusers) stays."""
    near = np.round(timesteps)
    return np.where(np.abs(timesteps - near) < 1e-4, near, np.trunc(timesteps))


def _final(config: Config, table: np.ndarray, sigmas: np.ndarray | None = None) -> float:
    """Where the last move lands: 0, the table's first entry, or (DEIS and SA-Solver; UniPC) the last level once more."""
    name = config["_class_name"]
    if name in ("DEISMultistepScheduler", "SASolverScheduler"):
        return float(table[0] if sigmas is None else sigmas[-1])
    if config.get("final_sigmas_type", "zero") == "zero":
        return 0.0
    return float(sigmas[-1] if sigmas is not None and name == "UniPCMultistepScheduler" else table[0])


READINGS: dict[str, Callable[[Config, np.ndarray, Call], Visit]] = {
    "entries": whole_entries,
    "pndm": pndm,
    "distilled": distilled,
    "sigmas": sigma_solver,
    "heun": heun,
    "midpoint": midpoint,
    "ancestral midpoint": ancestral_midpoint,
    "multistep": multistep,
    "edm": edm,
    "flow": flow,
    "heun flow": heun_flow,
}


def visit(reading: str, config: dict[str, Any], table: np.ndarray, call: Call) -> Visit:
    """What a reading visits."""
    return READINGS[reading](config, table, call)
