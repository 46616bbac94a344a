"""What is behind ``data.scoreshock``: conversions of diffusion times, statuses, one point again, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from scoreshock.accessor import card
from scoreshock.accessor.conversions import (
    diffusion_time,
    in_every_schedule,
    in_schedules,
    is_diffusion_time,
    of_stored_schedule,
    schedules_of,
)
from scoreshock.accessor.recomputation import recompute
from scoreshock.accessor.tidy import tidy
from scoreshock.checks import show
from scoreshock.quantities.outcomes import explain, valid
from scoreshock.schedules.inputs import Schedules

if TYPE_CHECKING:
    import pandas as pd


class DatasetAccessor:
    """Results of a quantity: ``dataset.scoreshock``, which shows what the dataset is.

    The data may be opened by ``ss.open_results``, computed in the session, or selections of these.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._data = dataset

    def __repr__(self) -> str:
        return card.as_text(*card.of_dataset(self._data))

    def _repr_html_(self) -> str:
        return card.as_html(*card.of_dataset(self._data))

    def sigma(self, tau: str = "tau") -> xr.DataArray:
        """Noise level ``sigma_n = sqrt(2 tau)`` of a variable of diffusion times.

        Parameters
        ----------
        tau : str
            Name of a variable or coordinate of diffusion times, such as ``tau_star``.

        Returns
        -------
        DataArray
            Of the shape of ``tau``, dimensionless: noise over signal, as EDM counts it, in every schedule; never
            ``sqrt(1 - alpha_bar)``. NaN where ``tau`` is NaN or negative; the coordinate ``<tau>_status`` says why.

        Raises
        ------
        ValueError
            For a name that is not one of diffusion times.

        References
        ----------
        arXiv:2604.07404, (80); Karras et al. 2022, arXiv:2206.00364, Table 1.

        Examples
        --------
        >>> import scoreshock as ss
        >>> found = ss.speciation(ss.families.pair(separation=1.0, variance=0.5), criteria=["leading"])
        >>> float(found.scoreshock.sigma("tau_star")[0]) ** 2 / 2  # the leading time is (1 - 0.5)/2
        0.25000000000000006
        """
        return in_every_schedule(diffusion_time(self._data, tau), "sigma")

    def log_snr(self, tau: str = "tau") -> xr.DataArray:
        """Logarithm of the signal-to-noise ratio, ``ln(alpha^2/noise^2) = -ln(2 tau)``.

        Parameters, errors and statuses are those of `sigma`; infinite at ``tau = 0``.

        Examples
        --------
        >>> import scoreshock as ss
        >>> found = ss.speciation(ss.families.pair(separation=2.0, variance=3.0), criteria=["leading"])
        >>> float(found.scoreshock.log_snr("tau_star")[0])  # tau = 1/2
        -0.0
        """
        return in_every_schedule(diffusion_time(self._data, tau), "log_snr")

    def alpha_bar(self, tau: str = "tau", schedules: Schedules = None) -> xr.DataArray:
        """Squared signal coefficient ``alpha^2`` of noise schedules at diffusion times.

        Parameters
        ----------
        tau : str
            Name of a variable or coordinate of diffusion times, such as ``tau_star``.
        schedules
            A name such as ``edm``, a schedule of ``ss.schedule``, a mapping with ``kind``, a path to a file, a list of
            these, or a mapping from labels to these. By default those that the results were computed with.

        Returns
        -------
        DataArray
            Of the shape of ``tau`` and the dimension ``schedule``, which is last; dimensionless. NaN beside a coordinate
            ``alpha_bar_status``: the schedule never has so little or so much noise, or there is no ``tau``, of which
            ``<tau>_status`` says why.

        Raises
        ------
        ValueError
            For a name that is not one of diffusion times, and without definitions of schedules.

        References
        ----------
        arXiv:2604.07404, (80).

        Examples
        --------
        >>> import scoreshock as ss
        >>> found = ss.speciation(ss.families.pair(separation=2.0, variance=3.0), criteria=["leading"])
        >>> found.scoreshock.alpha_bar("tau_star", ["vp-linear", "ve"]).values.round(12)  # tau = 1/2
        array([[0.5, 1. ]])
        """
        return self._in_schedules(tau, "alpha_bar", schedules)

    def t(self, tau: str = "tau", schedules: Schedules = None) -> xr.DataArray:
        """Time of noise schedules at diffusion times, in their own variable: 0 at data; of a table its 0-based entry.

        Parameters, result, errors and statuses are those of `alpha_bar`, with the coordinate ``t_status``.

        Examples
        --------
        >>> import scoreshock as ss
        >>> found = ss.speciation(ss.families.pair(separation=2.0, variance=3.0), criteria=["leading"])
        >>> found.scoreshock.t("tau_star", "edm").values  # EDM's time is its sigma
        array([[1.]])
        """
        return self._in_schedules(tau, "t", schedules)

    def step(self, tau: str = "tau", schedules: Schedules = None) -> xr.DataArray:
        """Step of the sampler at diffusion times: fractional, from 0 (the first and noisiest call of the network).

        Parameters, result, errors and statuses are those of `alpha_bar`, with the coordinate ``step_status``.

        Examples
        --------
        >>> import scoreshock as ss
        >>> found = ss.speciation(ss.families.pair(separation=2.0, variance=3.0), criteria=["leading"])
        >>> four = ss.schedule("ve", t_end=2.0, steps=4)  # its time is tau: 2, 1.5, 1, 0.5, 0
        >>> found.scoreshock.step("tau_star", four).values
        array([[3.]])
        """
        return self._in_schedules(tau, "step", schedules)

    def _in_schedules(self, tau: str, name: str, schedules: Schedules) -> xr.DataArray:
        converted = in_schedules(diffusion_time(self._data, tau), name, schedules_of(self._data, schedules))
        return of_stored_schedule(converted, self._data, schedules)

    def recompute(self, **point: Any) -> xr.Dataset:
        """One point of stored results, computed again from the stored content by this code.

        Parameters
        ----------
        **point
            A value for each axis of the sweep, such as ``separation=1.0``; axes of which one value is selected may be left
            out. Labels of other dimensions, such as ``criterion="exact"``, select from the result.

        Returns
        -------
        Dataset
            For each variable ``NAME`` the stored values, ``NAME_recomputed`` and, of numbers, ``NAME_difference``,
            recomputed minus stored: 0 where both are NaN, NaN where one is. The attribute ``differing`` names the variables
            that are not bitwise equal; it is empty where all are, as on the machine that computed them.

        Warns
        -----
        UserWarning
            Where other code computed the stored values; also in the attribute ``scoreshock_warnings``.

        Raises
        ------
        ValueError
            Without the attribute ``scoreshock_parameters``, for a value that an axis does not have, and for an axis
            without a value; where the data file has changed.

        Examples
        --------
        >>> import json, scoreshock as ss
        >>> content = {"family": "pair", "parameters": {}, "axes": {"separation": {"values": [1.0, 2.0]}},
        ...            "schedules": {}, "quantity": "corrections", "options": {}}
        >>> code = ss.storage.provenance.attributes(content, "corrections")
        >>> stored = ss.evaluate(content).assign_attrs(code)  # as ss.open_results opens them
        >>> again = stored.scoreshock.recompute(separation=2.0)
        >>> float(abs(again.tau_order_difference).max()), again.differing
        (0.0, '')
        """
        return recompute(self._data, point)

    def to_tidy(self, *names: str) -> pd.DataFrame:
        """Results as a table with a row for each point, for pandas.

        Parameters
        ----------
        *names
            Variables; by default the first one and all along its dimensions, with a row for each schedule where there
            are schedules.

        Returns
        -------
        pandas.DataFrame
            A column for each dimension, coordinate, variable and its flag, with flags as words. Its ``attrs`` hold the
            attributes of the dataset, those of the columns in ``variables``, and the names of the variables that are
            ``left_out``.

        Raises
        ------
        ValueError
            For a name that is not one of a variable.

        Examples
        --------
        >>> import scoreshock as ss
        >>> found = ss.speciation(ss.families.pair(separation=[0.0, 2.0]), criteria=["leading"])
        >>> print(found.scoreshock.to_tidy("tau_star").to_string(index=False))
         separation criterion  tau_star        status
                0.0   leading       NaN no_transition
                2.0   leading       1.5            ok
        """
        return tidy(self._data, names)

    def valid(self) -> xr.Dataset:
        """The results with NaN for every value whose status is not ``ok``; see ``ss.valid``."""
        return valid(self._data)

    def explain(self) -> str:
        """Statuses in words with their counts; see ``ss.explain``."""
        return explain(self._data)


class ArrayAccessor:
    """One variable: ``array.scoreshock``; methods as of `DatasetAccessor`, of the array's own diffusion times."""

    def __init__(self, array: xr.DataArray) -> None:
        self._data = array

    def __repr__(self) -> str:
        return card.as_text(*card.of_array(self._data))

    def _repr_html_(self) -> str:
        return card.as_html(*card.of_array(self._data))

    def sigma(self) -> xr.DataArray:
        """Noise level ``sqrt(2 tau)``; see `DatasetAccessor.sigma`."""
        return in_every_schedule(self._tau(), "sigma")

    def log_snr(self) -> xr.DataArray:
        """``-ln(2 tau)``; see `DatasetAccessor.log_snr`."""
        return in_every_schedule(self._tau(), "log_snr")

    def alpha_bar(self, schedules: Schedules = None) -> xr.DataArray:
        """Squared signal coefficient in ``schedules``; see `DatasetAccessor.alpha_bar`."""
        return in_schedules(self._tau(), "alpha_bar", schedules_of(self._data, schedules))

    def t(self, schedules: Schedules = None) -> xr.DataArray:
        """Time of ``schedules``; see `DatasetAccessor.t`."""
        return in_schedules(self._tau(), "t", schedules_of(self._data, schedules))

    def step(self, schedules: Schedules = None) -> xr.DataArray:
        """Step of the samplers of ``schedules``; see `DatasetAccessor.step`."""
        return in_schedules(self._tau(), "step", schedules_of(self._data, schedules))

    def explain(self) -> str:
        """Statuses in words with their counts; see ``ss.explain``."""
        return explain(self._data)

    def valid(self) -> xr.DataArray:
        """The values with NaN where a status is not ``ok``; see ``ss.valid``."""
        return valid(self._data)

    def _tau(self) -> xr.DataArray:
        if not is_diffusion_time(self._data):
            raise ValueError(
                f"array = {show(self._data.name)} is not one of diffusion times; allowed: tau, tau_star and so on"
            )
        return self._data


class TreeAccessor:
    """All results of a folder or a sweep: ``tree.scoreshock``, which lists them."""

    def __init__(self, tree: xr.DataTree) -> None:
        self._data = tree

    def __repr__(self) -> str:
        return card.as_text(*card.of_tree(self._data))

    def _repr_html_(self) -> str:
        return card.as_html(*card.of_tree(self._data))

    def valid(self) -> xr.DataTree:
        """The results with NaN for every value whose status is not ``ok``; see ``ss.valid``."""
        return valid(self._data)

    def explain(self) -> str:
        """Statuses in words with their counts; see ``ss.explain``."""
        return explain(self._data)
