"""Bootstrap replicates of a mixture that is fitted to data without labels."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from scoreshock.axes import as_axis
from scoreshock.checks import whole
from scoreshock.conventions import attributes
from scoreshock.densities.bootstrap import MOST_REPLICATES, REPLICATES
from scoreshock.densities.fitted_models import statistics_of_model
from scoreshock.densities.fitting import MOST_SEED, refits
from scoreshock.densities.mixtures import assemble, span
from scoreshock.densities.tables.reading import read_file
from scoreshock.densities.tables.rows import as_rows
from scoreshock.densities.tables.table import Choice, Table


def refitted(
    features: Any, components: int, scaling: Any = "raw", replicates: int = REPLICATES, seed: int = 0
) -> xr.Dataset:
    r"""Bootstrap replicates of the isotropic mixture that is fitted to data without labels, dimension ``replicate``.

    Each replicate is a fit to as many samples, drawn with replacement, that starts from the fit to the data. Its components
    are those of the fit with the least sum of distances between means. The standard deviation over ``replicate`` of any
    quantity is its standard error from the sampling of the data.

    Parameters
    ----------
    features, components, scaling
        A table of samples (N, d), an array or a path, and what is fitted to it, as of :func:`scoreshock.families.data`.
    replicates
        Number of replicates, 2 to 10000.
    seed
        Of the fit, and of the draws.

    Returns
    -------
    xarray.Dataset
        ``component_mean (replicate, component, feature)`` and all else as of :func:`bootstrapped`, in units of the data;
        ``total_eigenvalue`` is that of the fitted covariances.

    Raises
    ------
    ValueError
        For a table that cannot be fitted, and for another number of replicates.

    Notes
    -----
    A fit that has other optima nearby has replicates in them: they show in the standard errors.

    References
    ----------
    Efron and Tibshirani 1993, An Introduction to the Bootstrap.

    Examples
    --------
    >>> import scoreshock as ss
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((400, 1)) + np.repeat([[-3.0], [3.0]], 200, axis=0)
    >>> many = ss.refitted(x, 2)
    >>> 0.03 < float(many.component_variance.std()) < 0.12  # of a variance of 1 in theory sqrt(2/400)
    True
    """
    count, number = whole("replicates", replicates, 2, MOST_REPLICATES), whole("seed", seed, 0, MOST_SEED)
    table = features if isinstance(features, Table) else _unlabelled(features)
    model, fits, units = refits(table, components, count, number, scaling)
    matched = [linear_sum_assignment(cdist(model.means_, fit.means_))[1] for fit in fits]
    each = [statistics_of_model(fit) for fit in fits]
    weights = np.stack([one.weights[order] for one, order in zip(each, matched, strict=True)])
    means = [span(one.means[order], w).means for one, order, w in zip(each, matched, weights, strict=True)]
    parts = {
        "means": (("replicate", "component", "feature"), np.stack(means)),
        "weights": (("replicate", "component"), weights),
        "variance": (("replicate",), np.array([one.weights @ one.variances for one in each])),
    }
    labelled = {name: xr.DataArray(array, dims=dims) for name, (dims, array) in parts.items()}
    dataset = assemble(**labelled, dimension=as_axis("dimension", table.features.shape[1]))
    totals = np.array([one.covariances.total_eigenvalue(1.0, 1.0) for one in each])
    dataset["total_eigenvalue"] = ("replicate", totals, attributes("total_eigenvalue"))
    index = ("replicate", np.arange(count), attributes("replicate"))
    return dataset.assign_coords(replicate=index).assign_attrs(units | {"n_samples": len(table.features)})


def _unlabelled(features: Any) -> Table:
    """The table of an array or a file."""
    if isinstance(features, str | PathLike):
        return read_file(fspath(features), Choice(labels_apart="components are to be fitted without labels"))
    return Table(as_rows("features", features), None)
