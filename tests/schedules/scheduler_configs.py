"""Small ``scheduler_config.json`` with the keys and schedules of those that models are published with."""

_STABLE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
_HO = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "num_train_timesteps": 1000}
_FLOW = {
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 4096,
    "max_shift": 1.15,
    "num_train_timesteps": 1000,
    "shift": 3.0,
}
_LEVELS = {"use_beta_sigmas": False, "use_exponential_sigmas": False, "use_karras_sigmas": False}
_CLIP = {"clip_sample": False, "trained_betas": None, "_diffusers_version": "0.30.0"}
_DPM = {
    **{"algorithm_type": "dpmsolver++", "dynamic_thresholding_ratio": 0.995, "lower_order_final": True, "solver_order": 2},
    **{"sample_max_value": 1.0, "solver_type": "midpoint", "thresholding": False, "_diffusers_version": "0.30.0"},
}

CONFIGS: dict[str, tuple[dict, dict, float]] = {
    "stable diffusion 1.5": (
        {
            **{"_class_name": "PNDMScheduler", **_STABLE, **_CLIP, "set_alpha_to_one": False, "skip_prk_steps": True},
            "steps_offset": 1,
        },
        {},
        14.614641,
    ),
    "stable diffusion 2.1": (
        {
            **{"_class_name": "DDIMScheduler", **_STABLE, **_CLIP, "set_alpha_to_one": False, "skip_prk_steps": True},
            **{"prediction_type": "v_prediction", "steps_offset": 1},
        },
        {},
        14.614641,
    ),
    "stable diffusion xl": (
        {
            **{"_class_name": "EulerDiscreteScheduler", **_STABLE, **_CLIP, "interpolation_type": "linear"},
            **{"prediction_type": "epsilon", "sample_max_value": 1.0, "set_alpha_to_one": False, "skip_prk_steps": True},
            **{"steps_offset": 1, "timestep_spacing": "leading", "use_karras_sigmas": False},
        },
        {},
        14.614641,
    ),
    "stable diffusion 3": (
        {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0},
        {},
        1,
    ),
    "stable diffusion 3.5": (
        {"_class_name": "FlowMatchEulerDiscreteScheduler", **_FLOW, "use_dynamic_shifting": False, "shift": 3.0},
        {},
        1,
    ),
    "flux dev": (
        {"_class_name": "FlowMatchEulerDiscreteScheduler", **_FLOW, "use_dynamic_shifting": True},
        {"image_seq_len": 4096},
        1,
    ),
    "flux schnell": (
        {"_class_name": "FlowMatchEulerDiscreteScheduler", **_FLOW, "shift": 1.0, "use_dynamic_shifting": False},
        {},
        1,
    ),
    "pixart": (
        {
            **{"_class_name": "DPMSolverMultistepScheduler", **_HO, **_DPM, "euler_at_final": False},
            **{"lambda_min_clipped": -float("inf"), "prediction_type": "epsilon", "steps_offset": 0, "trained_betas": None},
            **{"timestep_spacing": "linspace", "use_karras_sigmas": False, "use_lu_lambdas": False, "variance_type": None},
        },
        {},
        157.407226,
    ),
    "dit": ({"_class_name": "DDIMScheduler", **_HO, **_CLIP, "set_alpha_to_one": True, "steps_offset": 0}, {}, 157.407226),
    "kandinsky": (
        {
            **{"_class_name": "DDPMScheduler", **_CLIP, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear"},
            **{"num_train_timesteps": 1000, "prediction_type": "epsilon", "steps_offset": 0, "thresholding": False},
            **{"dynamic_thresholding_ratio": 0.995, "sample_max_value": 1.0, "variance_type": "fixed_small"},
        },
        {},
        25.1461,
    ),
    "deepfloyd": (
        {
            **{"_class_name": "DDPMScheduler", "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "squaredcos_cap_v2"},
            **{"clip_sample": True, "clip_sample_range": 1.0, "dynamic_thresholding_ratio": 0.95, "sample_max_value": 1.5},
            **{"num_train_timesteps": 1000, "thresholding": True, "trained_betas": None, "variance_type": "learned_range"},
        },
        {},
        20291.0,
    ),
    "ltx": (
        {
            **{
                "_class_name": "FlowMatchEulerDiscreteScheduler",
                **_FLOW,
                **_LEVELS,
                "base_image_seq_len": 1024,
                "shift": 1.0,
            },
            **{"base_shift": 0.95, "max_shift": 2.05, "shift_terminal": 0.1, "use_dynamic_shifting": True},
            "invert_sigmas": False,
        },
        {"mu": 1.5},
        1,
    ),
    "wan": (
        {
            **{"_class_name": "UniPCMultistepScheduler", **_HO, **_LEVELS, "disable_corrector": [], "flow_shift": 3.0},
            **{
                "dynamic_thresholding_ratio": 0.995,
                "final_sigmas_type": "zero",
                "lower_order_final": True,
                "predict_x0": True,
            },
            **{"prediction_type": "flow_prediction", "rescale_betas_zero_snr": False, "sample_max_value": 1.0},
            **{"solver_order": 2, "solver_p": None, "solver_type": "bh2", "steps_offset": 0, "thresholding": False},
            **{"timestep_spacing": "linspace", "trained_betas": None, "use_flow_sigmas": True},
        },
        {},
        0.999999,
    ),
    "sana": (
        {
            **{"_class_name": "DPMSolverMultistepScheduler", **_HO, **_DPM, **_LEVELS, "flow_shift": 3.0},
            **{"prediction_type": "flow_prediction", "use_flow_sigmas": True, "use_lu_lambdas": False},
        },
        {},
        0.999666,
    ),
    "cogview4": (
        {
            **{"_class_name": "FlowMatchEulerDiscreteScheduler", **_FLOW, **_LEVELS, "base_shift": 0.25, "max_shift": 0.75},
            **{"shift": 1.0, "shift_terminal": None, "time_shift_type": "linear", "use_dynamic_shifting": True},
        },
        {"mu": 3.25},
        1,
    ),
    "cogvideox": (
        {
            **{"_class_name": "CogVideoXDDIMScheduler", **_STABLE, **_CLIP, "prediction_type": "v_prediction"},
            **{"rescale_betas_zero_snr": True, "sample_max_value": 1.0, "set_alpha_to_one": True, "snr_shift_scale": 1.0},
            **{"steps_offset": 0, "timestep_spacing": "trailing"},
        },
        {},
        float("inf"),
    ),
    "playground": (
        {
            **{
                "_class_name": "EDMDPMSolverMultistepScheduler",
                **_DPM,
                "euler_at_final": False,
                "final_sigmas_type": "zero",
            },
            **{"num_train_timesteps": 1000, "prediction_type": "epsilon", "rho": 7.0, "sigma_data": 0.5, "sigma_max": 80.0},
            "sigma_min": 0.002,
        },
        {},
        80.0,
    ),
    "stable video": (
        {
            **{
                "_class_name": "EulerDiscreteScheduler",
                **_STABLE,
                **_CLIP,
                "interpolation_type": "linear",
                "steps_offset": 1,
            },
            **{"prediction_type": "v_prediction", "set_alpha_to_one": False, "sigma_max": 700.0, "sigma_min": 0.002},
            **{"skip_prk_steps": True, "timestep_spacing": "leading", "timestep_type": "continuous"},
            "use_karras_sigmas": True,
        },
        {},
        700.0,
    ),
    "lumina": (
        {"_class_name": "FlowMatchEulerDiscreteScheduler", **_FLOW, **_LEVELS, "shift": 6.0, "use_dynamic_shifting": False},
        {},
        1,
    ),
}
"""By model: its configuration, what else its pipeline hands over, and the first level of all steps (of a flow its noise)."""
