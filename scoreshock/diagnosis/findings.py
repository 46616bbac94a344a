"""What a diagnosis says, in sentences, the worst first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from scoreshock.conventions import Status

SEEN = 0.01
"""Share of the probability from which on a layer is spoken of."""

NOTED = 0.1
"""Relative change of a layer, or shift in widths, from which on it is spoken of."""

SIGNIFICANT = 3.0
"""Standard errors from which on a number is told from 0."""


def findings(found: xr.Dataset) -> Iterator[str]:
    """Sentences of a result of `diagnose`."""
    yield from _of_bounds(found)
    yield from _of_divergences(found)
    yield from _of_weights(found)
    yield from _of_layers(found)
    yield from _of_regions(found)
    yield from _of_equation(found)


def _of_bounds(found: xr.Dataset) -> Iterator[str]:
    share, sigma = found.kl_share.values, found.sigma.values
    bound, least, most = (float(found[name]) for name in ("kl_bound", "kl_gradient", "kl_gradient_upper"))
    if not (np.isfinite(bound) and bound > 0):
        return
    worst = np.argsort(-share)[:3]
    where = ", ".join(f"{sigma[i]:.3g} ({100 * share[i]:.0f} %)" for i in worst)
    eta = float(found.attrs["noise_share"])
    of = "the reverse SDE's samples" if eta == 1 else f"samples with {eta:.3g} of the noise"
    yield f"KL of {of} is at most {bound:.3g} nats (58), total variation {float(found.tv_bound):.3g}."
    parts = sorted({f"{100 * part / bound:.0f}" for part in (least, most)}, key=float)
    yield f"{' to '.join(parts)} % of that moves the density (KL at most {most:.3g}), most at sigma {where}."


def _of_divergences(found: xr.Dataset) -> Iterator[str]:
    for number, name in enumerate(found.sampler.values):
        one = found.isel(sampler=number)
        kl, error = float(one.kl_measured), float(one.kl_measured_error)
        if int(one.divergence_status) == Status.ok and kl > SIGNIFICANT * error:
            distance = float(one.tv_measured)
            yield f"KL of the {name}'s density, as measured, is {kl:.3g} ± {error:.1g}, total variation {distance:.3g}."


def _of_weights(found: xr.Dataset) -> Iterator[str]:
    for number, name in enumerate(found.sampler.values):
        error, floor = (float(found[f"mode_weight_{each}"][number]) for each in ("error", "floor"))
        yield f"Weights of the modes are off by {error:.3g} with the {name} (exact score: {floor:.3g})."
        one = found.isel(sampler=number)
        certain = abs(one.predicted_mode_weight) > SIGNIFICANT * one.predicted_mode_weight_error + 1e-3
        if bool(certain.any()):
            at = int(np.nanargmax(abs(one.predicted_mode_weight.where(certain).values)))
            level = float(found.sigma[int(np.argmax(abs(one.predicted_mode_weight_share[at].values)))])
            change, predicted = (float(one[each][at]) for each in ("mode_weight_change", "predicted_mode_weight"))
            yield (
                f"Component {at} has {change:+.3g} of the weight with the {name}; the error across the layers predicts "
                f"{predicted:+.3g}, most of it from sigma {level:.3g}."
            )


def _of_layers(found: xr.Dataset) -> Iterator[str]:
    seen = found.where((found.layer_probability > SEEN) & (found.layer_status == Status.ok))
    measures = {
        "height": np.log(abs(seen.layer_height / seen.layer_height_true)),
        "width": np.log(seen.layer_width / seen.layer_width_true),
        "position": seen.layer_position,
    }
    for name, off in measures.items():
        pair, level = np.unravel_index(int(np.argmax(abs(off.fillna(0.0).values))), off.shape)
        value = float(off[pair, level])
        if not abs(value) > NOTED:
            continue
        one = found.isel(boundary_pair=pair, sigma=level)
        between = f"components {int(one.component_first)} and {int(one.component_second)} at sigma {float(one.sigma):.3g}"
        if name == "position":
            yield f"The layer between {between} is {value:+.2g} of its widths off towards the second."
        else:
            yield f"The layer between {between} has {np.exp(value):.3g} times its true {name}."
    if bool((seen.lax == 0).any()):
        yield "A learned layer fails the Lax condition: trajectories leave it where they should enter it."


def _of_regions(found: xr.Dataset) -> Iterator[str]:
    ratio = found.region_error.sel(region="layer") / found.region_error.sel(region="outside")
    sigma = found.sigma.values
    if bool(ratio.notnull().any()):
        at = int(np.nanargmax(ratio.values))
        yield f"In the layer the error is up to {float(ratio[at]):.3g} times that outside, at sigma {sigma[at]:.3g}."
    asymmetry = found.asymmetry.values
    if (asymmetry > 10 * found.asymmetry_error.values + 1e-12).any():
        at = int(asymmetry.argmax())
        part = 100 * asymmetry[at]
        yield f"The score has curl: up to {part:.3g} % of its Jacobian's square is antisymmetric, at sigma {sigma[at]:.3g}."


def _of_equation(found: xr.Dataset) -> Iterator[str]:
    residual = found.equation_residual.sel(equation="burgers")
    certain = residual.where(residual > SIGNIFICANT * found.equation_residual_error.sel(equation="burgers"))
    if bool((certain > SEEN).any()):
        at = int(np.nanargmax(certain.values))
        part, level = 100 * float(certain[at]), float(found.sigma[at])
        yield f"The equation of scores is broken by up to {part:.3g} % of its terms, at sigma {level:.3g} (exact score: 0)."
