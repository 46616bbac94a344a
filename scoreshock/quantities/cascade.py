"""The exact cascade: speciation times of every eigenvalue of the between-class covariance, against the leading ones."""

from __future__ import annotations

import xarray as xr

from scoreshock.checks import whole
from scoreshock.conventions import variables
from scoreshock.kernels.speciation import exact_cascade as kernel
from scoreshock.quantities import shared_variables as shared
from scoreshock.quantities.counting_axes import counted
from scoreshock.quantities.declaration import quantity
from scoreshock.quantities.labelled import apply, mixture_arguments, number_of_components

VARIABLES = variables(
    """
    tau_eigenmode(eigenmode), eigenmode_status: exact speciation time of each eigenvalue
        | At the weighted mean. Largest root of lambda_j = v, lambda_j that eigenvalue of the means' posterior covariance. |
        (94)
    eigenmode_status(eigenmode): outcome of the exact criterion for each eigenvalue
    n_eigenmode_roots(eigenmode) int16, eigenmode_status: number of roots of the exact criterion by eigenvalue
        | Roots of lambda_j = v above the data variance. | (94)
    tau_eigenmode_root(eigenmode, root), eigenmode_root_status: roots of the exact criterion for each eigenvalue,
        ascending | All roots of lambda_j = v that the dimension root holds. | (94)
    eigenmode_root_status(eigenmode, root): outcome of each root of each eigenvalue
    eigenmode_root_truncated(eigenmode) int8: whether an eigenvalue has more roots than places
        | 1 where roots are left out, else 0.
    cascade
    cascade_status
    cascade_error(eigenmode), eigenmode_status: leading-order minus exact time of each eigenvalue
        | cascade - tau_eigenmode; zero where all means are equally far from their mean. | (77), Corollary 9.3
    """,
    *shared.TIMES,
)


@quantity(VARIABLES, name="cascade", seconds=(2.5e-5, 1e-5))
def exact_cascade(mixture: xr.Dataset, places: int | None = None) -> xr.Dataset:
    """Speciation times of every eigenvalue by the exact criterion, against the leading cascade.

    Parameters
    ----------
    mixture
        A mixture of at least two components; its sweep dimensions carry over.
    places
        Length of the axis ``root``, ``2 k - 1`` by default; of more roots the largest are kept.

    Returns
    -------
    Dataset
        ``tau_eigenmode(..., eigenmode)``, the largest root of ``lambda_j(Gamma(v)) = v`` at the weighted mean as a
        time, negative where ``eigenmode_status`` is ``below_data_variance``; ``tau_eigenmode_root(..., eigenmode,
        root)`` ascending with ``eigenmode_root_status``, ``n_eigenmode_roots`` and ``eigenmode_root_truncated``;
        ``cascade``, ``cascade_status`` of leading order, (77), and ``cascade_error = cascade - tau_eigenmode``, NaN
        where either is. Times have the unit of the data squared.

    Raises
    ------
    ValueError
        For a mixture of one component, and a number of places that is no whole number above 0.

    Notes
    -----
    The first is the criterion ``exact`` (94). Where the distances of the means from their mean are equal, leading and
    exact cascade agree (Corollary 9.3), whatever the hierarchy.

    References
    ----------
    arXiv:2604.07404, (77), (94), Corollary 9.3.

    Examples
    --------
    >>> import scoreshock as ss
    >>> from scoreshock.quantities.cascade import exact_cascade
    >>> tree = ss.families.hierarchy(4.0, variance=0.0, ratio=0.5, levels=2)
    >>> exact_cascade(tree).tau_eigenmode.squeeze().values.round(12).tolist()
    [8.0, 1.0, 1.0]
    """
    k = number_of_components(mixture)
    rank = max(1, min(k - 1, mixture.sizes["feature"]))
    places = 2 * k - 1 if places is None else whole("places", places, 1)
    found = apply(
        kernel.cascades, mixture_arguments(mixture), VARIABLES, sizes={"eigenmode": rank, "root": places}, places=places
    )
    return found.assign_coords(counted(found, "eigenmode", "root"))
