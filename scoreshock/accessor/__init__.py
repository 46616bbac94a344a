"""``data.scoreshock``: what a session asks of results, registered as soon as xarray and this package are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

if TYPE_CHECKING:
    from scoreshock.accessor.accessors import ArrayAccessor, DatasetAccessor, TreeAccessor

NAME = "scoreshock"


@xr.register_dataset_accessor(NAME)
def of_dataset(dataset: xr.Dataset) -> DatasetAccessor:
    """What is behind ``dataset.scoreshock``."""
    from scoreshock.accessor.accessors import DatasetAccessor

    return DatasetAccessor(dataset)


@xr.register_dataarray_accessor(NAME)
def of_array(array: xr.DataArray) -> ArrayAccessor:
    """What is behind ``array.scoreshock``."""
    from scoreshock.accessor.accessors import ArrayAccessor

    return ArrayAccessor(array)


@xr.register_datatree_accessor(NAME)
def of_tree(tree: xr.DataTree) -> TreeAccessor:
    """What is behind ``tree.scoreshock``."""
    from scoreshock.accessor.accessors import TreeAccessor

    return TreeAccessor(tree)
