"""Which criterion to trust, where it is exact and why."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from scoreshock.comparison import compare, table
from scoreshock.conventions import Status
from scoreshock.densities.mixtures import mixture

from .cases import CRITERIA, MERGED, NO_ROOT, OK, THREE, VOID, named, outcomes, result, simple

SYMMETRIC = {**dict.fromkeys(CRITERIA, (0.455, OK)), "spectral": (0.045, OK)}
"""Pair a = 1, sigma0 = 0.3, equal weights: tau* = (1 - 0.09)/2 by all but spectral, (1 + 0.09 - 1)/2."""

UNEQUAL = {
    "leading": ((0.84 - 0.25) / 2, OK),
    "exact": (math.nan, NO_ROOT),
    "boundary": ((1 - 0.25) / 2, OK),
    "merging": ((MERGED - 0.25) / 2, OK),
}
"""Pair a = 1, sigma0 = 0.5, weights 0.3, 0.7: lambda_1 = 4 w (1 - w) = 0.84."""


class TestTrust:
    def trusted(self, speciation: xr.Dataset, of: xr.Dataset) -> tuple[str, str, set[str]]:
        result = compare(speciation, mixture=of)
        names = result.trust_conditions.attrs["flag_meanings"].split()
        bits = int(result.trust_conditions.values.ravel()[0])
        holds = {n for n, mask in zip(names, result.trust_conditions.attrs["flag_masks"], strict=True) if bits & mask}
        reason = dict(
            zip(result.trust_reason.attrs["flag_values"], result.trust_reason.attrs["flag_meanings"].split(), strict=True)
        )
        return named(result.trusted_criterion)[0], reason[int(result.trust_reason.values.ravel()[0])], holds

    def test_equal_distances_make_exact_exact(self) -> None:
        criterion, reason, holds = self.trusted(result([SYMMETRIC]), mixture([-1.0, 1.0], variance=0.09))
        assert (criterion, reason) == ("exact", "all_distances_equal")
        assert holds == {"equal_distances", "equal_weights", "stationary_mean"}

    def test_unequal_weights_leave_the_modes_of_the_density(self) -> None:
        pair = mixture([-1.0, 1.0], weights=[0.3, 0.7], variance=0.25)
        criterion, reason, holds = self.trusted(result([UNEQUAL], n_roots=[0]), pair)
        assert (criterion, reason, holds) == ("merging", "modes_of_the_density", {"no_root"})

    def test_an_equilateral_triangle_is_exact_at_its_centre_whatever_the_offset(self) -> None:
        corners = np.array([[1.0, 0.0], [-0.5, THREE], [-0.5, -THREE]])
        point = {"leading": (0.245, OK), "exact": (0.245, OK), "merging": (math.nan, VOID)}
        for offset in (0.0, 1e4):
            criterion, reason, holds = self.trusted(result([point]), mixture(corners + offset, variance=0.01))
            assert (criterion, reason) == ("exact", "all_distances_equal")
            assert "modes_unknown" in holds

    def test_unequal_weights_on_a_sphere_about_their_mean_keep_the_exactness(self) -> None:
        # Two orthogonal balanced pairs on the unit circle with unequal weights.
        means = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        point = {"leading": (0.3, OK), "exact": (0.3, OK), "merging": (math.nan, VOID)}
        of = mixture(means, weights=[0.35, 0.35, 0.15, 0.15], variance=0.1)
        assert self.trusted(result([point]), of) == (
            "exact",
            "all_distances_equal",
            {"equal_distances", "stationary_mean", "modes_unknown"},
        )

    def test_balanced_means_at_two_distances_make_the_mean_stationary(self) -> None:
        means = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        point = {"leading": (1.0, OK), "exact": (0.8, OK), "merging": (math.nan, VOID)}
        criterion, reason, holds = self.trusted(result([point]), mixture(means))
        assert (criterion, reason) == ("exact", "stationary_mean")
        tilted = mixture(np.array([[3.1, 0.0], *means[1:]]))
        criterion, reason, holds = self.trusted(result([point], n_roots=[2]), tilted)
        assert (criterion, reason) == ("exact", "weighted_mean_only")
        assert "several_roots" in holds

    def test_without_a_root_or_modes_nothing_is_trusted(self) -> None:
        means = np.array([[3.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.3]])
        point = {"leading": (1.0, OK), "exact": (math.nan, NO_ROOT), "merging": (math.nan, VOID)}
        found = compare(result([point], n_roots=[0]), mixture=mixture(means))
        assert found.trusted_criterion.item() == -1
        assert found.trusted_status.item() == NO_ROOT
        assert outcomes(found.trust_count.sel(reason="no_root")) == {"no_real_root": 1}

    def test_coinciding_means_and_missing_points_have_nothing_to_trust(self) -> None:
        none = dict.fromkeys(("leading", "exact"), (math.nan, Status.no_transition))
        absent = dict.fromkeys(("leading", "exact"), (math.nan, Status.missing))
        found = compare(result([none, absent], n_roots=[0, 0]), mixture=mixture([0.0, 0.0]))
        assert found.trusted_status.values.tolist() == [Status.no_transition, Status.missing]
        assert (found.trusted_criterion == -1).all()
        assert outcomes(found.trust_count.sel(reason="no_transition")) == {"no_transition": 1}
        assert outcomes(found.trust_count.sel(reason="missing")) == {"missing": 1}

    def test_a_few_criteria_are_enough(self) -> None:
        asymmetric = mixture([-1.0, 1.0], weights=[0.3, 0.7])
        assert self.trusted(simple(leading=0.5), asymmetric)[:2] == ("none", "not_computed")
        assert self.trusted(simple(leading=0.5), mixture([-1.0, 1.0]))[:2] == ("leading", "all_distances_equal")

    def test_anisotropic_data_are_flagged(self) -> None:
        pair = mixture([-1.0, 1.0], variance=0.09)
        isotropic, not_so = (pair.assign(within_class_anisotropy=value) for value in (1.0, 7.25))
        assert "anisotropic_data" not in self.trusted(result([SYMMETRIC]), isotropic)[2]
        assert "anisotropic_data" in self.trusted(result([SYMMETRIC]), not_so)[2]
        assert "anisotropic" in table(compare(result([SYMMETRIC]), mixture=not_so))
