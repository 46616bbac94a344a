"""The order in which classes part: a tree from the noise levels at which each pair of them is decided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scoreshock.conventions import Status
from scoreshock.kernels.information.classes import pairs_of


class Partings(NamedTuple):
    """Partings of sets of classes from noise to data, (..., classes - 1).

    The noise level of each, the pair of classes that decides it, and the smallest class of either side; -1 and NaN where
    classes never part.
    """

    sigma_parting: np.ndarray
    parting_pair: np.ndarray
    parting_first: np.ndarray
    parting_second: np.ndarray
    parting_status: np.ndarray


def partings(sigma: np.ndarray, status: np.ndarray, count: int) -> Partings:
    """Tree of ``count`` classes from the noise levels ``sigma (..., pairs)`` at which pairs are decided, with their status.

    At a noise level two classes are together if there is a chain of undecided pairs between them: single linkage. A pair
    that is never decided is together without noise.

    Returns
    -------
    Partings
        Descending in sigma: in the order of generation. The status of a parting that does not exist is that of its pair.

    Examples
    --------
    Of three classes on a line the outer ones part first from their neighbours.

    >>> found = partings(np.array([0.5, 2.0, 1.0]), np.zeros(3, dtype=np.int8), 3)
    >>> found.sigma_parting.tolist(), found.parting_first.tolist(), found.parting_second.tolist()
    ([1.0, 0.5], [0, 0], [2, 1])
    """
    lead = sigma.shape[:-1]
    distance = np.where(np.isnan(sigma), -1.0, sigma).reshape(-1, sigma.shape[-1])
    reason = status.reshape(distance.shape)
    points, (one, other) = np.arange(len(distance)), pairs_of(count)
    side = np.broadcast_to(np.arange(count), (len(distance), count)).copy()
    rows = []
    for _ in range(count - 1):
        apart = side[:, one] != side[:, other]
        pair = np.where(apart, distance, np.inf).argmin(axis=1)
        first, second = np.sort([side[points, one[pair]], side[points, other[pair]]], axis=0)
        rows.append((sigma.reshape(distance.shape)[points, pair], pair, first, second, reason[points, pair]))
        side = np.where(side == second[:, None], first[:, None], side)
    columns = [np.stack(column[::-1], axis=-1).reshape(*lead, count - 1) for column in zip(*rows, strict=True)]
    never = columns[4] != Status.ok
    indices = [np.where(never & np.isnan(columns[0]), -1, each).astype(np.int16) for each in columns[1:4]]
    return Partings._make([columns[0], *indices, columns[4].astype(np.int8)])
