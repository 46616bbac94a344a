"""Schedulers of diffusers as they are stored (``scheduler_config.json``): classes, the keys that each reads, their defaults.

A key that would change the schedule and is not read is refused; those that concern only the solver are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from scoreshock.checks import as_array, nearest, shortened, show, suggestion
from scoreshock.options import Number, Option, Positive, Whole
from scoreshock.schedules.kinds import MAX_STEPS

Config = dict[str, Any]


class Solver(NamedTuple):
    """How a class reads its table: its reading in `scheduler_steps`, and the keys of its schedule with defaults."""

    reading: str
    keys: Mapping[str, Any]


_BETAS: Config = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "trained_betas": None,
}
_STABLE_BETAS = _BETAS | {"beta_start": 0.00085, "beta_end": 0.012}
_LEADING: Config = {"timestep_spacing": "leading", "steps_offset": 0}
_LINSPACE: Config = {"timestep_spacing": "linspace", "steps_offset": 0}
_ZERO_SNR: Config = {"rescale_betas_zero_snr": False}
_LANDING: Config = {"set_alpha_to_one": True}
_FINAL: Config = {"final_sigmas_type": "zero"}
LEVELS: Config = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}
"""Switches of formulas for the levels."""
_ENDS: Config = {"sigma_min": None, "sigma_max": None}
_CLIPPED: Config = {"lambda_min_clipped": -float("inf")}
_AS_FLOW: Config = {
    "use_flow_sigmas": False,
    "flow_shift": 1.0,
    "use_dynamic_shifting": False,
    "time_shift_type": "exponential",
}
_DDIM = _BETAS | _LEADING | _ZERO_SNR | _LANDING
_COGVIDEO = _STABLE_BETAS | {"beta_schedule": "scaled_linear", "snr_shift_scale": 3.0} | _LEADING | _ZERO_SNR | _LANDING
_DISTILLED = _STABLE_BETAS | _ZERO_SNR | _LANDING | {"beta_schedule": "scaled_linear", "original_inference_steps": 50}
_SECOND_ORDER = _STABLE_BETAS | LEVELS | _ENDS | _LINSPACE
_DPM = _BETAS | LEVELS | _ENDS | _AS_FLOW | _FINAL | _CLIPPED
_DEIS = _BETAS | LEVELS | _ENDS | _AS_FLOW | _LINSPACE
_EDM: Config = {
    "num_train_timesteps": 1000,
    "sigma_min": 0.002,
    "sigma_max": 80.0,
    "sigma_schedule": "karras",
    "rho": 7.0,
    **_FINAL,
}
_FLOW: Config = {"num_train_timesteps": 1000, "shift": 1.0}
_DYNAMIC: Config = {
    "use_dynamic_shifting": False,
    "base_shift": 0.5,
    "max_shift": 1.15,
    "base_image_seq_len": 256,
    "max_image_seq_len": 4096,
    "invert_sigmas": False,
    "shift_terminal": None,
    "time_shift_type": "exponential",
}

SOLVERS: dict[str, Solver] = {
    "DDIMScheduler": Solver("entries", _DDIM),
    "DDIMParallelScheduler": Solver("entries", _DDIM),
    "DDPMScheduler": Solver("entries", _BETAS | _LEADING | _ZERO_SNR),
    "DDPMParallelScheduler": Solver("entries", _BETAS | _LEADING | _ZERO_SNR),
    "CogVideoXDDIMScheduler": Solver("entries", _COGVIDEO),
    "CogVideoXDPMScheduler": Solver("entries", _COGVIDEO),
    "UnCLIPScheduler": Solver("entries", {"num_train_timesteps": 1000, "beta_schedule": "squaredcos_cap_v2"}),
    "PNDMScheduler": Solver("pndm", _BETAS | _LEADING | {"set_alpha_to_one": False, "skip_prk_steps": False}),
    "LCMScheduler": Solver("distilled", _DISTILLED),
    "TCDScheduler": Solver("distilled", _DISTILLED),
    "EulerDiscreteScheduler": Solver(
        "sigmas",
        _BETAS
        | LEVELS
        | _ENDS
        | _LINSPACE
        | _ZERO_SNR
        | _FINAL
        | {"interpolation_type": "linear", "timestep_type": "discrete"},
    ),
    "EulerAncestralDiscreteScheduler": Solver("sigmas", _BETAS | _LINSPACE | _ZERO_SNR),
    "LMSDiscreteScheduler": Solver("sigmas", _BETAS | LEVELS | _LINSPACE),
    "HeunDiscreteScheduler": Solver("heun", _SECOND_ORDER),
    "DPMSolverSDEScheduler": Solver("midpoint", _STABLE_BETAS | LEVELS | _LINSPACE),
    "KDPM2DiscreteScheduler": Solver("midpoint", _SECOND_ORDER),
    "KDPM2AncestralDiscreteScheduler": Solver("ancestral midpoint", _SECOND_ORDER),
    "DPMSolverMultistepScheduler": Solver("multistep", _DPM | _LINSPACE | _ZERO_SNR | {"use_lu_lambdas": False}),
    "DPMSolverSinglestepScheduler": Solver("multistep", _DPM),
    "UniPCMultistepScheduler": Solver(
        "multistep", _BETAS | LEVELS | _ENDS | _AS_FLOW | _FINAL | _LINSPACE | _ZERO_SNR | {"shift_terminal": None}
    ),
    "DEISMultistepScheduler": Solver("multistep", _DEIS),
    "SASolverScheduler": Solver("multistep", _DEIS | _CLIPPED),
    "EDMEulerScheduler": Solver("edm", _EDM),
    "EDMDPMSolverMultistepScheduler": Solver("edm", _EDM),
    "CosineDPMSolverMultistepScheduler": Solver(
        "edm", _EDM | {"sigma_min": 0.3, "sigma_max": 500.0, "sigma_schedule": "exponential"}
    ),
    "FlowMatchLCMScheduler": Solver("flow", _FLOW | _DYNAMIC | LEVELS | _ENDS),
    "FlowMatchEulerDiscreteScheduler": Solver("flow", _FLOW | _DYNAMIC | LEVELS | _ENDS),
    "FlowMatchHeunDiscreteScheduler": Solver("heun flow", _FLOW),
}
"""The classes whose reading is known, of diffusers 0.42."""

TAKES_TIMESTEPS = (
    *("DDPMScheduler", "DDPMParallelScheduler", "EulerDiscreteScheduler", "HeunDiscreteScheduler"),
    *("DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"),
)
"""Classes that take timesteps handed in."""

HARMLESS = (
    *("clip_sample", "clip_sample_range", "thresholding", "dynamic_thresholding_ratio", "sample_max_value", "variance_type"),
    *("prediction_type", "predict_epsilon", "predict_x0", "solver_order", "solver_type", "solver_p", "algorithm_type"),
    *("lower_order_final", "euler_at_final", "disable_corrector", "predictor_order", "corrector_order", "tau_func"),
    *("sigma_data", "stochastic_sampling", "timestep_scaling", "skip_prk_steps", "set_alpha_to_one"),
    *("original_inference_steps", "noise_sampler_seed", "scale_factors", "upscale_mode"),
)
"""Keys of the solver and of the network, which are left out."""

SCHEDULE_KEYS: Config = {key: value for solver in SOLVERS.values() for key, value in solver.keys.items()}

CHOICES: dict[str, tuple[str, ...]] = {
    "timestep_spacing": ("linspace", "leading", "trailing"),
    "final_sigmas_type": ("zero", "sigma_min"),
    "interpolation_type": ("linear", "log_linear"),
    "timestep_type": ("discrete", "continuous"),
    "time_shift_type": ("exponential", "linear"),
    "sigma_schedule": ("karras", "exponential"),
}
BETA_SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2")
MORE_BETA_SCHEDULES = {
    **dict.fromkeys(("DDPMScheduler", "DDPMParallelScheduler"), ("sigmoid", "laplace")),
    "HeunDiscreteScheduler": ("exp",),
}
PREDICTIONS = ("epsilon", "sample", "v_prediction", "flow_prediction")

_LOWEST = {"num_train_timesteps": 2, "original_inference_steps": 1, "base_image_seq_len": 1}
_ANY_SIGN = ("base_shift", "max_shift", "lambda_min_clipped")
_RANGES = {"shift_terminal": (1e-6, 1 - 1e-6), "rho": (1.0, 100.0)}


def is_config(value: Any) -> bool:
    """Whether a value is a scheduler's configuration, or a live scheduler, by what it contains."""
    value = getattr(value, "config", value)
    return isinstance(value, Mapping) and (
        "_class_name" in value or "beta_schedule" in value or "_diffusers_version" in value
    )


def config_of(scheduler: Any) -> Any:
    """The configuration of a live scheduler, with the name of its class; anything else as it is."""
    config = getattr(scheduler, "config", None)
    if isinstance(scheduler, Mapping) or not isinstance(config, Mapping):
        return scheduler
    return {**config, "_class_name": type(scheduler).__name__}


def solver_of(config: Mapping[str, Any]) -> Solver:
    """The reading of a configuration's class; ``ValueError`` for a class that is not known."""
    name = config.get("_class_name")
    if not isinstance(name, str) or name not in SOLVERS:
        near = " (rates alone are kind table with them)" if name is None else _suggestion(str(name))
        names = shortened(", ".join(each.removesuffix("Scheduler") for each in SOLVERS), 130)
        raise ValueError(
            f"config: _class_name = {show(name)} is not known{near}; allowed, with Scheduler at its end: {names}"
        )
    return SOLVERS[name]


def _suggestion(name: str) -> str:
    near = nearest(name.removesuffix("Scheduler"), [each.removesuffix("Scheduler") for each in SOLVERS])
    return f" (did you mean {f'{near}Scheduler'!r}?)" if near else ""


def resolved(config: Any) -> Config:
    """Class, prediction type and the keys of the schedule that differ from the class's defaults, checked, as plain JSON.

    Raises ``ValueError`` naming the key, its value and what is allowed.
    """
    config = config_of(config)
    if not isinstance(config, Mapping):
        raise ValueError(
            f"config = {show(config)} is not allowed; allowed: a path, a mapping with _class_name, or a scheduler"
        )
    solver, name = solver_of(config), config["_class_name"]
    kept: Config = {"_class_name": name}
    for key, value in config.items():
        if key in solver.keys:
            checked = _checked(name, key, value, solver.keys[key])
            if checked != solver.keys[key]:
                kept[key] = checked
        else:
            _refuse_unread(name, key, value, solver)
    # Schedulers of flow matching have no such key.
    prediction = config.get("prediction_type", "flow_prediction" if "flow" in solver.reading.split() else "epsilon")
    if prediction not in PREDICTIONS:
        raise ValueError(f"config: prediction_type = {show(prediction)} is not allowed; allowed: {', '.join(PREDICTIONS)}")
    _check_together(complete(kept))
    return kept | {"prediction_type": prediction}


def complete(config: Config) -> Config:
    """A resolved configuration with the defaults of its class."""
    return {**SOLVERS[config["_class_name"]].keys, **config}


def _refuse_unread(name: str, key: Any, value: Any, solver: Solver) -> None:
    """Refuse what the class does not read, unless it is harmless or says what happens anyway."""
    if str(key).startswith("_") or key in HARMLESS:
        return
    if key in SCHEDULE_KEYS:
        if value in (None, False, SCHEDULE_KEYS[key]):
            return
        raise ValueError(f"config: {name} does not read {key} = {show(value)}; remove it, or name the class that it is for")
    near = suggestion(str(key), solver.keys)
    raise ValueError(
        f"config: {shortened(key, 40)} = {show(value)} is not known{near}; remove it if it is no part of the schedule"
    )


def _checked(name: str, key: str, value: Any, default: Any) -> Any:
    """A value of the type of its key's default, in its range."""
    if key == "beta_schedule":
        known = (default,) if name == "UnCLIPScheduler" else BETA_SCHEDULES + MORE_BETA_SCHEDULES.get(name, ())
        return _one_of(key, value, known)
    if key in CHOICES:
        return _one_of(key, value, CHOICES[key])
    if key == "trained_betas":
        return None if value is None else _betas(value)
    if isinstance(default, bool):
        return bool(_one_of(key, value, (False, True, None)))
    if value is None and (default is None or key in ("base_shift", "max_shift")):
        return default
    if key == "lambda_min_clipped" and value in (-float("inf"), "-Infinity"):
        return default
    try:
        return _rule(key, default).check(value)
    except ValueError as error:
        raise ValueError(f"config: {key} = {error}") from None


def _rule(key: str, default: Any) -> Option:
    """What a number may be."""
    if isinstance(default, int):
        return Whole("", low=_LOWEST.get(key, 0), high=MAX_STEPS)
    if key in _ANY_SIGN:
        return Number("", low=-1e6, high=1e6)
    if key in _RANGES:
        return Number("", low=_RANGES[key][0], high=_RANGES[key][1])
    return Positive("", or_zero=key in ("beta_start", "beta_end"))


def _one_of(key: str, value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise ValueError(f"config: {key} = {show(value)} is not allowed; allowed: {', '.join(map(str, known))}")
    return value


def _betas(value: Any) -> list[float]:
    betas = as_array("config: trained_betas", value)
    if betas.ndim != 1 or betas.size < 2 or betas.dtype.kind not in "iuf" or not ((betas >= 0) & (betas < 1)).all():
        raise ValueError(
            f"config: trained_betas = {show(value)} is not allowed; allowed: a list of 2 or more numbers in [0, 1)"
        )
    return [float(beta) for beta in np.asarray(betas, float)]


def _check_together(config: Config) -> None:
    """Refuse keys that contradict each other."""
    chosen = [key for key in LEVELS if config.get(key)]
    if len(chosen) > 1:
        raise ValueError(f"config: {' and '.join(chosen)} are set; allowed: at most one of them")
    if config.get("use_flow_sigmas") and chosen and (chosen, config["_class_name"]) != (
        ["use_karras_sigmas"], "UniPCMultistepScheduler"
    ):  # fmt: skip
        raise ValueError(f"config: {chosen[0]} with use_flow_sigmas gives no levels of a flow; allowed: one of them")
    if config.get("shift_terminal") is not None and config.get("use_flow_sigmas") is False:
        raise ValueError("config: shift_terminal is read with use_flow_sigmas: true only")
    if config.get("trained_betas") is None:
        for key in ("beta_start", "beta_end"):
            if config.get(key, 0.0) >= 1:
                raise ValueError(f"config: {key} = {config[key]:g} is not allowed; allowed: a rate per step, below 1")
    low, high = config.get("sigma_min"), config.get("sigma_max")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"config: sigma_min = {low:g} is not allowed; allowed: below sigma_max = {high:g}")
