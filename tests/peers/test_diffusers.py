"""Timesteps, levels and tables of diffusers itself, of every class: whole timesteps exactly, the rest but for float32.

diffusers computes in float32. Its alpha_bar is off by 1e-6 relatively, of ``squaredcos_cap_v2`` and rescaled tables by some
1e-5; sigma by that, and by 1e-7/sigma where 1 - alpha_bar cancels, which formulas between two levels carry to all; timesteps
found from sigma by 2e-3 of a step.
"""

import logging
import os

import numpy as np
import pytest

from scoreshock.schedules.inputs import as_schedules
from scoreshock.schedules.schedule import schedule

from ..schedules.scheduler_configs import CONFIGS

if not os.environ.get("CI"):
    for name in ("torch", "torchsde", "diffusers"):
        pytest.importorskip(name, reason="needs diffusers, torch and torchsde: pip install -e '.[peers]'")
import diffusers

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
logging.getLogger("diffusers").setLevel(logging.ERROR)

STABLE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
COSINE = {"beta_schedule": "squaredcos_cap_v2"}
FLOW = {"use_flow_sigmas": True, "flow_shift": 3.0, "prediction_type": "flow_prediction"}
DYNAMIC = {"use_dynamic_shifting": True}
LEADING = {"timestep_spacing": "leading", "steps_offset": 1}
ENTRIES = ("DDIM", "DDPM", "DDIMParallel", "DDPMParallel", "CogVideoXDDIM", "CogVideoXDPM", "PNDM")
EULERS = ("EulerDiscrete", "DPMSolverSDE", "LMSDiscrete", "HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete")
MULTISTEPS = ("DPMSolverMultistep", "UniPCMultistep", "DEISMultistep", "SASolver")

CASES: list[tuple[str, dict, dict]] = [
    *((name, {**STABLE, **spacing}, {}) for name in (*ENTRIES, *EULERS, *MULTISTEPS, "EulerAncestralDiscrete")
      for spacing in ({"timestep_spacing": "linspace"}, {"timestep_spacing": "trailing"}, LEADING)),
    *((name, COSINE, {}) for name in (*ENTRIES, "EulerDiscrete", *MULTISTEPS)),
    *((name, {**STABLE, f"use_{levels}_sigmas": True}, {}) for name in (*EULERS, *MULTISTEPS, "DPMSolverSinglestep")
      for levels in ("karras", "exponential", "beta")),
    *((name, {**STABLE, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, {}) for name in
      ("DDIM", "DDPM", "CogVideoXDDIM", "EulerDiscrete", "EulerAncestralDiscrete", "DPMSolverMultistep", "UniPCMultistep")),
    *((name, FLOW, {}) for name in (*MULTISTEPS, "DPMSolverSinglestep")),
    *(("DDPM", {"beta_schedule": name}, {}) for name in ("sigmoid", "laplace")),
    ("HeunDiscrete", {"beta_schedule": "exp"}, {}),
    ("PNDM", {**STABLE, "skip_prk_steps": True, "steps_offset": 1}, {}),
    ("LCM", {}, {}),
    ("TCD", {"rescale_betas_zero_snr": True}, {}),
    ("DPMSolverSinglestep", STABLE, {}),
    ("DPMSolverMultistep", {**STABLE, "use_lu_lambdas": True}, {}),
    ("DPMSolverMultistep", {**COSINE, "lambda_min_clipped": -5.1}, {}),
    ("DPMSolverMultistep", {**COSINE, "lambda_min_clipped": -5.1, "timestep_spacing": "trailing"}, {}),
    ("DPMSolverMultistep", {**STABLE, "final_sigmas_type": "sigma_min"}, {}),
    ("EulerDiscrete", {**STABLE, "interpolation_type": "log_linear"}, {}),
    ("EulerDiscrete", {"trained_betas": np.linspace(0.0001, 0.03, 1000).tolist()}, {}),
    ("EulerDiscrete", {**STABLE, "use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 12.0}, {}),
    *((name, {"sigma_schedule": "exponential", "final_sigmas_type": "sigma_min"}, {})
      for name in ("EDMEuler", "EDMDPMSolverMultistep")),
    ("CosineDPMSolverMultistep", {}, {}),
    ("UnCLIP", {}, {}),
    ("FlowMatchLCM", {"shift": 3.0}, {}),
    ("FlowMatchEulerDiscrete", {}, {}),
    ("FlowMatchHeunDiscrete", {"shift": 3.0}, {}),
    *(("FlowMatchEulerDiscrete", {"shift": 3.0, f"use_{levels}_sigmas": True}, {})
      for levels in ("karras", "exponential", "beta")),
    ("FlowMatchEulerDiscrete", {"shift": 3.0, "invert_sigmas": True}, {}),
    ("FlowMatchEulerDiscrete", DYNAMIC, {"mu": 1.15}),
    ("FlowMatchEulerDiscrete", {**DYNAMIC, "shift_terminal": 0.1}, {"mu": 2.05}),
    ("FlowMatchEulerDiscrete", {**DYNAMIC, "time_shift_type": "linear"}, {"mu": 3.25}),
    ("UniPCMultistep", {**FLOW, **DYNAMIC}, {"mu": 1.15}),
    ("UniPCMultistep", {**FLOW, "shift_terminal": 0.1}, {}),
    ("DPMSolverMultistep", {**FLOW, **DYNAMIC}, {"mu": 1.0}),
]  # fmt: skip
"""Class (without Scheduler), configuration, arguments of set_timesteps."""

FORMULAS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas")
EVERY = [(f"{name}Scheduler", config, call) for name, config, call in CASES] + [
    (config["_class_name"], {key: value for key, value in config.items() if not key.startswith("_")}, call)
    for config, call, _ in CONFIGS.values()
]


def loose(config):
    """Relative error of alpha_bar in float32."""
    coarse = config.get("rescale_betas_zero_snr") or config.get("beta_schedule") in ("squaredcos_cap_v2", "exp")
    return 5e-5 if coarse else 2e-6


def levels_of(peer, name):
    """Levels that a scheduler visits, and where it lands."""
    sigmas = peer.sigmas.numpy().astype(float)
    if name == "DPMSolverSDEScheduler":  # its sigmas hold each level twice in place of the geometric mean before it
        return np.append(
            np.where(np.arange(len(peer.timesteps)) % 2, np.sqrt(sigmas[:-1] * np.roll(sigmas[:-1], 1)), sigmas[:-1]), 0
        )
    if not name.startswith("KDPM2"):
        return sigmas
    between = peer.sigmas_interpol.numpy().astype(float)
    calls = np.arange(len(peer.timesteps))
    odd = between[calls - ("Ancestral" in name)]
    return np.append(np.where(calls % 2, odd, sigmas[calls]), 0.0)


def compare_timesteps(peer, ours, config):
    """Whole ones exactly; where diffusers cuts one found from sigma to its whole part, a step may be lost."""
    theirs, mine = peer.timesteps.numpy().astype(float), ours.timesteps()
    assert theirs.shape == mine.shape
    if peer.timesteps.is_floating_point():
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=2e-3)
        return
    cut = any(config.get(f"use_{levels}_sigmas") for levels in ("exponential", "beta"))
    exact = ours.time(ours.sample_sigmas()[: len(mine)] ** 2 / 2) if cut else mine + 0.5
    undecided = np.abs(exact - np.round(exact)) < 1e-3
    assert undecided.sum() <= 2
    assert np.all((theirs == mine) | (undecided & (np.abs(theirs - mine) == 1)))


@pytest.mark.parametrize(
    ("name", "config", "call"), EVERY, ids=[f"{name.removesuffix('Scheduler')}-{i}" for i, (name, _, _) in enumerate(EVERY)]
)
@pytest.mark.parametrize("steps", [10, 25, 50])
def test_timesteps_levels_and_tables_are_those_of_diffusers(name, config, call, steps):
    peer = getattr(diffusers, name).from_config(config)
    ours = schedule("diffusers", config={"_class_name": name, **config}, num_inference_steps=steps, **call)
    mu = ours_mu(config, call)
    peer.set_timesteps(steps, **({} if mu is None else {"mu": mu}))
    compare_timesteps(peer, ours, config)
    if hasattr(peer, "alphas_cumprod") and ours.end == 999:
        table = peer.alphas_cumprod.numpy().astype(float)
        np.testing.assert_allclose(ours.alpha_bar(np.arange(1000)), table, rtol=loose(config), atol=1e-12)
    if not hasattr(peer, "sigmas"):
        return
    flow = "FlowMatch" in name or config.get("use_flow_sigmas")
    mine = ours.sample_noise() if flow else ours.sample_sigmas()
    theirs = levels_of(peer, name)[: len(mine)]
    theirs = 1 - theirs if config.get("invert_sigmas") else theirs
    formula = any(config.get(key) for key in FORMULAS) or config.get("interpolation_type") == "log_linear"
    relative = 2e-5 if formula else 2 * loose(config)
    assert np.all(np.abs(mine - theirs) <= relative * mine + (0 if flow else 2e-7 / np.maximum(mine, 1e-3)))


def ours_mu(config, call):
    """``mu`` as the pipeline of Flux computes it."""
    if "image_seq_len" not in call:
        return call.get("mu")
    slope = (config["max_shift"] - config["base_shift"]) / (config["max_image_seq_len"] - config["base_image_seq_len"])
    return call["image_seq_len"] * slope + config["base_shift"] - slope * config["base_image_seq_len"]


@pytest.mark.parametrize("steps", [10, 28, 50])
def test_levels_handed_in_as_flux_does_are_shifted_once(steps):
    handed = np.linspace(1, 1 / steps, steps).tolist()
    for config, call in (({"shift": 3.0}, {}), (DYNAMIC, {"mu": 1.15})):
        peer = diffusers.FlowMatchEulerDiscreteScheduler(**config)
        peer.set_timesteps(sigmas=handed, **call)
        ours = schedule(
            "diffusers", config={"_class_name": "FlowMatchEulerDiscreteScheduler", **config}, sigmas=handed, **call
        )
        np.testing.assert_allclose(ours.sample_noise(), peer.sigmas.numpy(), rtol=2e-6)
    peer = diffusers.EulerDiscreteScheduler(**STABLE)
    sigmas = [14.6146412293, 6.3184485287, 2.1811480769, 0.5550693289, 0.0]
    peer.set_timesteps(sigmas=sigmas)
    ours = schedule("diffusers", config={"_class_name": "EulerDiscreteScheduler", **STABLE}, sigmas=sigmas)
    np.testing.assert_allclose(ours.timesteps(), peer.timesteps.numpy(), atol=2e-3)


@pytest.mark.parametrize("name", ["DDPM", "EulerDiscrete", "HeunDiscrete", "DPMSolverMultistep", "DPMSolverSinglestep"])
def test_timesteps_handed_in_are_visited(name):
    steps = [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]
    peer = getattr(diffusers, f"{name}Scheduler").from_config(STABLE)
    peer.set_timesteps(timesteps=steps)
    ours = schedule("diffusers", config={"_class_name": f"{name}Scheduler", **STABLE}, timesteps=steps)
    np.testing.assert_array_equal(ours.timesteps(), peer.timesteps.numpy())
    if hasattr(peer, "sigmas"):
        np.testing.assert_allclose(ours.sample_sigmas(), peer.sigmas.numpy(), rtol=2e-5)


def test_a_live_scheduler_is_read_with_its_steps_and_one_with_another_shift_is_refused():
    peer = diffusers.UniPCMultistepScheduler(**STABLE, use_karras_sigmas=True)
    peer.set_timesteps(20)
    np.testing.assert_array_equal(as_schedules(peer)["diffusers"].timesteps(), peer.timesteps.numpy())
    flow = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    flow.set_timesteps(20, mu=1.15)
    np.testing.assert_allclose(schedule("diffusers", config=flow, mu=1.15).timesteps(), flow.timesteps.numpy(), rtol=1e-5)
    with pytest.raises(ValueError, match="are not those of its configuration"):
        schedule("diffusers", config=flow, mu=0.5)
    with pytest.raises(ValueError, match="needs mu"):
        schedule("diffusers", config=flow)
