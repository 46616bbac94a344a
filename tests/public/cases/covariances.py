"""Components with covariances of their own or shared: fields, roots, pairs."""

import numpy as np
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import Status
from tests.public.cases import meets, number


def mixture_of(inputs):
    return ss.mixture(inputs["means"], inputs["weights"], covariance=np.array(inputs["covariances"]))


@meets("general_score")
def _(case, x, tau, **_):
    at = mixture_of(case["inputs"]), xr.DataArray(x, dims="feature"), tau
    fields = {
        "log_density": ss.log_density,
        "score": ss.score,
        "hessian": ss.score_jacobian,
        "denoiser": ss.denoiser,
        "cov_x0": ss.denoiser_covariance,
        "responsibilities": ss.responsibilities,
    }
    for name, field in fields.items():
        yield name, field(*at).values.reshape(np.shape(case["expected"][name]))


@meets("general_exact")
def _(case, **_):
    mixture = mixture_of(case["inputs"])
    found = ss.speciation(mixture)
    exists = found.status.sel(criterion="exact").item() == Status.ok
    yield "exists", exists
    yield "tau_star", number(found.tau_star, criterion="exact")
    yield "count", found.n_roots.item()
    yield "roots", found.tau_root.dropna("root").values[::-1]
    if "leading" in case["expected"]:
        yield "leading", number(found.tau_star, criterion="leading")


@meets("shared_pair")
def _(_case, weights, m, covariance, taus, tau_min):
    mixture = ss.mixture([[-c for c in m], m], weights, covariance=covariance)
    names = {"boundary": "tau_boundary", "merging": "tau_merging", "boundary-normal": "tau_boundary_normal"}
    times = ss.speciation(mixture, criteria=list(names))
    for criterion, field in names.items():
        yield field, number(times.tau_star, criterion=criterion)
    information = ss.class_decisions(mixture, taus)
    yield "cloning", information.cloning_probability.values
    yield "one_minus_cloning", information.one_minus_cloning.values
    yield "class_entropy", information.class_entropy.values
    yield "R", ss.amplification(mixture, xr.DataArray(taus, dims="tau_min")).snr.values
    yield "merging_R", ss.amplification(mixture, times.tau_star.sel(criterion="merging").item()).snr.item()
    growth = ss.amplification(mixture, tau_min)
    yield "rate_integral_lambda_max", growth.exponent_quadrature.item()
    yield "rate_integral_normal", growth.normal_exponent.item()
    yield "exponent", number(growth.exponent)
    yield "log_growth", number(growth.log_growth)
