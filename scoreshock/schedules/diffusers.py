"""Schedules of diffusers' configurations: the table that a network was trained with, and what its sampler visits.

Published formulas in double precision; the table's time is its index, 0 with the least noise, that of flow matching is
``num_train_timesteps`` times the noise, that of EDM the noise level.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from scoreshock.checks import as_array, as_real, show
from scoreshock.options import Choice, Number, Other, Positive, Whole
from scoreshock.schedules import files, formulas, lists, scheduler_config, scheduler_steps, tables
from scoreshock.schedules.kinds import MAX_STEPS, Path, Sampled, schedule_kind
from scoreshock.schedules.scheduler_config import Config
from scoreshock.schedules.scheduler_steps import Call, Visit
from scoreshock.schedules.spacings import entries_of

MAX_BETA = 0.999
"""Cap of the rates of ``squaredcos_cap_v2`` (Nichol and Dhariwal 2021) and its like."""

LEAST_ALPHA_BAR = 2.0**-24
"""What sigma-based solvers put for the last alpha_bar of ``rescale_betas_zero_snr``, whose sigma would be infinite."""

FLOWS = ("flow", "heun flow")


def cosine(t: np.ndarray) -> np.ndarray:
    """``alpha_bar`` but for a factor (Nichol and Dhariwal 2021)."""
    return np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2


def laplace(t: np.ndarray) -> np.ndarray:
    """diffusers' Laplace schedule, ``alpha_bar`` the root of a signal share (after Hang et al. 2024)."""
    log_snr = -0.5 * np.copysign(1, 0.5 - t) * np.log(1 - 2 * np.abs(0.5 - t) + 1e-6)
    return np.sqrt(1 / (1 + np.exp(-log_snr)))


def exponential(t: np.ndarray) -> np.ndarray:
    """``alpha_bar = e^{-12 t}``."""
    return np.exp(-12 * t)


ALPHA_BARS = {"squaredcos_cap_v2": cosine, "laplace": laplace, "exp": exponential}


def rates(config: Config) -> np.ndarray:
    """Rates beta by entry, (n,)."""
    start, end, num = (config.get(key, 0.0) for key in ("beta_start", "beta_end", "num_train_timesteps"))
    name = config["beta_schedule"]
    if config.get("trained_betas") is not None:
        if len(config["trained_betas"]) != num:
            raise ValueError(
                f"config: trained_betas has {len(config['trained_betas'])} entries; allowed: num_train_timesteps = {num}"
            )
        return np.array(config["trained_betas"])
    if name == "linear":
        return formulas.linear_betas(start, end, num)
    if name == "scaled_linear":
        return formulas.scaled_linear_betas(start, end, num)
    if name == "sigmoid":
        return start + (end - start) / (1 + np.exp(-np.linspace(-6, 6, num)))
    alpha_bar = ALPHA_BARS[name](np.arange(num + 1) / num)
    return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], MAX_BETA)


def table_sigmas(config: Config) -> np.ndarray:
    """Noise levels ``sigma_n`` by entry, rising, (n,): infinite at the last of a table rescaled to zero SNR."""
    with np.errstate(divide="ignore"):
        sigmas = np.sqrt(np.expm1(-np.cumsum(np.log1p(-rates(config)))) * config.get("snr_shift_scale", 1.0))
        if config.get("rescale_betas_zero_snr"):
            sigmas = to_zero_snr(sigmas)
            if "set_alpha_to_one" not in config and not config["_class_name"].startswith("DDPM"):
                sigmas[-1] = np.sqrt(1 / LEAST_ALPHA_BAR - 1)
    return sigmas


def to_zero_snr(sigmas: np.ndarray) -> np.ndarray:
    """The signal ``alpha`` shifted to end at 0 and scaled to begin as it did (Lin et al. 2024, algorithm 1), (n,)."""
    alpha = 1 / np.sqrt(1 + sigmas**2)
    alpha = (alpha - alpha[-1]) * (alpha[0] / (alpha[0] - alpha[-1]))
    return np.sqrt(1 / alpha**2 - 1)


def call_of(config: Config, options: dict[str, Any]) -> Call:
    """The arguments of ``set_timesteps``; refuses those that the class would ignore, and a shift that is missing."""
    handed = _handed(config, options) if "sigmas" in options else None
    mu, dynamic = options.get("mu"), config.get("use_dynamic_shifting", False)
    needed = (dynamic and "flow_shift" not in config) or (dynamic and config["_class_name"].startswith("UniPC"))
    for name in ("mu", "image_seq_len"):
        if name in options and not dynamic:
            raise ValueError(
                f"{name} = {options[name]:g} is not used; allowed: with use_dynamic_shifting: true in the config"
            )
    if "image_seq_len" in options:
        if mu is not None or "base_shift" not in config:
            raise ValueError(
                f"image_seq_len = {options['image_seq_len']} is not used; allowed: mu, or a config with base_shift"
            )
        mu = shift_of(config, options["image_seq_len"])
    if needed and mu is None:
        raise ValueError(
            "config: use_dynamic_shifting needs mu, or image_seq_len (latent tokens of the image); add one of them"
        )
    if mu is not None and config["time_shift_type"] == "linear" and mu <= 0:
        raise ValueError(f"mu = {mu:g} is not allowed; allowed: a number above 0, with time_shift_type: linear")
    total = config["num_train_timesteps"]
    timesteps = _handed_timesteps(config, options) if "timesteps" in options else None
    default = _most_steps(config) if handed is None else len(handed) - (config["_class_name"] == "EulerDiscreteScheduler")
    default = default if timesteps is None else len(timesteps)
    num = int(options.setdefault("num_inference_steps", default) or default)
    given = "timesteps" if timesteps is not None else "sigmas" if handed is not None else ""
    if num > total or (given and num != default):
        allowed = f"{default}, as {given} say" if given else f"at most {total}"
        raise ValueError(f"num_inference_steps = {num} is not allowed; allowed: {allowed}")
    return Call(num, mu, handed, timesteps)


def _most_steps(config: Config) -> int:
    """Steps that visit every entry which the solver and its offset leave."""
    reading = scheduler_config.SOLVERS[config["_class_name"]].reading
    if reading == "distilled":
        return int(config["original_inference_steps"])
    offset = config["steps_offset"] if config.get("timestep_spacing") == "leading" else 0
    whole_table = reading == "multistep" and not config["use_flow_sigmas"]
    return max(1, config["num_train_timesteps"] - offset - whole_table)


def shift_of(config: Config, image_seq_len: int) -> float:
    """``mu`` on the line through (base_image_seq_len, base_shift) and (max_image_seq_len, max_shift)."""
    low, high = config["base_image_seq_len"], config["max_image_seq_len"]
    if low >= high:
        raise ValueError(f"config: base_image_seq_len = {low} is not allowed; allowed: below max_image_seq_len = {high}")
    slope = (config["max_shift"] - config["base_shift"]) / (high - low)
    return float(config["base_shift"] + slope * (image_seq_len - low))


def _handed_timesteps(config: Config, options: dict[str, Any]) -> np.ndarray:
    """Timesteps handed in, which the class must take."""
    name = config["_class_name"]
    formula = [key for key in scheduler_config.LEVELS if config.get(key)] or "use_flow_sigmas" * config.get(
        "use_flow_sigmas", False
    )
    if name not in scheduler_config.TAKES_TIMESTEPS or formula or "sigmas" in options:
        raise ValueError(f"timesteps = {show(options['timesteps'])} is not used: {name} takes none with this configuration")
    options["timesteps"] = entries_of(options["timesteps"], config["num_train_timesteps"])
    return np.array(options["timesteps"])


def _handed(config: Config, options: dict[str, Any]) -> np.ndarray:
    """Levels handed in, which the class must take."""
    options["sigmas"] = lists.numbers("sigmas", options["sigmas"])
    sigmas = as_real("sigmas", options["sigmas"])
    name = config["_class_name"]
    unipc = name == "UniPCMultistepScheduler" and config["use_flow_sigmas"] and not config["use_karras_sigmas"]
    flow = name in ("FlowMatchEulerDiscreteScheduler", "FlowMatchLCMScheduler") or unipc
    if not flow and name != "EulerDiscreteScheduler":
        raise ValueError(f"sigmas = {show(options['sigmas'])} is not used: {name} takes none with this configuration")
    good = sigmas.ndim == 1 and len(sigmas) > 1 - flow and np.isfinite(sigmas).all() and (np.diff(sigmas) < 0).all()
    if not good or (flow and not (sigmas[-1] > 0 and sigmas[0] <= 1)) or sigmas[-1] < 0:
        allowed = (
            "falling numbers in (0, 1], without the final 0" if flow else "falling numbers sigma_n >= 0 with the final one"
        )
        raise ValueError(f"sigmas = {show(options['sigmas'])} is not allowed; allowed: {allowed}")
    options["sigmas"] = sigmas.tolist()
    return sigmas


def table_path(config: Config, table: np.ndarray, linear: bool) -> Path:
    """The path of a training table: log-SNR linear between entries, or ``sigma_n`` as Euler's fractional steps read it."""
    with np.errstate(divide="ignore"):
        entries = formulas.Table(-2 * np.log(table), np.zeros(len(table)))
    tables.check_monotone(entries.log_snr, {f"config of {config['_class_name']}": table})
    if linear and np.isfinite(table[-1]):
        clock: Any = partial(formulas.sigma_table_variance, sigmas=table)
        return Path(clock, partial(formulas.sigma_table_time, sigmas=table), formulas.preserving, float(len(table) - 1))
    clock, inverse = partial(formulas.table_variance, table=entries), partial(formulas.table_time, table=entries)
    return Path(clock, inverse, formulas.preserving, float(len(table) - 1))


def _scaled_flow_variance(t: np.ndarray, total: float) -> np.ndarray:
    return formulas.flow_variance(t / total)


def _scaled_flow_time(q: np.ndarray, total: float) -> np.ndarray:
    return total * formulas.flow_time(q)


def flow_path(config: Config) -> Path:
    """``alpha = 1 - t/T``, ``noise = t/T`` with ``T = num_train_timesteps``."""
    total = float(config["num_train_timesteps"])
    clock, inverse = partial(_scaled_flow_variance, total=total), partial(_scaled_flow_time, total=total)
    return Path(clock, inverse, formulas.interpolant, total, end_open=True)


def build(config: Config, options: dict[str, Any]) -> Path:
    """The path of a complete configuration, with what its sampler visits."""
    reading = scheduler_config.SOLVERS[config["_class_name"]].reading
    call = call_of(config, options)
    flow = reading in FLOWS or config.get("use_flow_sigmas", False)
    table = np.empty(0) if reading in (*FLOWS, "edm") else table_sigmas(config)
    with np.errstate(divide="ignore", invalid="ignore"):
        visit = scheduler_steps.visit(reading, config, table, call)
    if np.isnan(visit.sigmas).any() or (np.diff(visit.sigmas) > 0).any():
        raise ValueError(
            f"config: the levels {show(visit.sigmas.tolist())} of {call.num} steps do not fall; allowed: falling levels"
        )
    continuous = config.get("timestep_type") == "continuous" and config["prediction_type"] == "v_prediction"
    if flow:
        path = flow_path(config)
        with np.errstate(divide="ignore"):
            visit = visit._replace(sigmas=visit.sigmas / (1 - visit.sigmas), final=visit.final / (1 - visit.final))
    elif reading == "edm" or continuous:
        path = Path(formulas.edm_variance, formulas.edm_time, formulas.exploding, float(visit.sigmas[0]))
    else:
        path = table_path(config, table, visit.entries and reading in ("sigmas", "heun"))
    return path._replace(sampled=sampled(path, visit))


def sampled(path: Path, visit: Visit) -> Sampled:
    """A visit in the path's own time, with the landing where the path has it."""
    with np.errstate(all="ignore"):
        times = visit.timesteps if visit.entries else path.time(visit.sigmas**2)
        times = np.clip(np.where(np.isinf(visit.sigmas), path.end, times), 0.0, path.end)
        low = np.sqrt(path.variance(np.zeros(1)))[0]
        if visit.final >= low and times[-1] > 0:
            times = np.append(times, np.clip(path.time(np.array([visit.final**2])), 0.0, path.end))
    return Sampled(times, np.append(visit.sigmas, visit.final), visit.timesteps)


def check_live(scheduler: Any, built: Path) -> None:
    """Refuse a live scheduler whose timesteps are not those of its configuration, such as one with another ``mu``."""
    timesteps = as_array("scheduler.timesteps", scheduler.timesteps).astype(float)
    ours = built.sampled.timesteps if built.sampled else timesteps
    bound = 1.1e-3 * np.abs(ours).max()
    if timesteps.shape != ours.shape or not (np.abs(timesteps - ours) <= bound).all():
        raise ValueError(
            f"config: the scheduler's timesteps {show(timesteps.tolist())} are not those of its configuration, "
            f"{show(ours.tolist())}; give mu, image_seq_len or sigmas too"
        )


@schedule_kind(
    "a scheduler's configuration; t is the index of its training table, 1000 times the noise of a flow, or EDM's sigma",
    {
        "config": Other(
            "scheduler_config.json, its contents, or in a session a scheduler", form="a path, or a mapping with _class_name"
        ),
        "digest": Other("sha256 of the file", form="text: 64 hexadecimal digits"),
        "num_inference_steps": Whole("steps of set_timesteps; by default all that the table has", low=1, high=MAX_STEPS),
        "prediction_type": Choice("what the network predicts (found, not chosen)", known=scheduler_config.PREDICTIONS),
        "mu": Number("shift of a flow with use_dynamic_shifting", low=-100.0, high=100.0),
        "image_seq_len": Positive("latent tokens of an image, from which mu follows on the line between base and max shift"),
        "timesteps": Other("entries handed to set_timesteps", form="a falling list of whole numbers"),
        "sigmas": Other("levels handed to set_timesteps", form="a falling list of numbers"),
    },
    spacing="scheduler",
)
def diffusers(**options: Any) -> Path:
    given = options.get("config")
    if given is None:
        raise ValueError("config is missing; allowed: a path to scheduler_config.json, or its contents")
    contents = files.read_config(options) if isinstance(given, str) else given
    config = scheduler_config.resolved(contents)
    if not isinstance(given, str):
        options["config"] = config
    found = config["prediction_type"]
    if options.setdefault("prediction_type", found) != found:
        raise ValueError(f"prediction_type = {options['prediction_type']!r} is not allowed; allowed: {found}, as in config")
    built = build(scheduler_config.complete(config), options)
    return built._replace(completed=options)


def as_parameters(scheduler: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with a live scheduler's configuration in place of the scheduler, and its number of steps."""
    steps = getattr(scheduler, "num_inference_steps", None)
    result = {**parameters, "config": scheduler_config.resolved(scheduler)}
    if isinstance(steps, int) and not ({"num_inference_steps", "sigmas"} & set(parameters)):
        result["num_inference_steps"] = steps
        options = {key: value for key, value in result.items() if key not in ("kind", "spacing")}
        check_live(scheduler, build(scheduler_config.complete(result["config"]), options))
    return result
