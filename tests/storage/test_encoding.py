"""Chunks of stored datasets; `test_store` tests types and attributes through files."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoreshock.storage import encoding


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=4),
    st.lists(st.integers(1, 5000), min_size=4, max_size=4),
    st.sampled_from([1, 2, 8]),
)
def test_stored_chunks_are_bounded_and_fit_the_shape(shape: list[int], steps: list[int], itemsize: int) -> None:
    chunk = encoding.chunk_shape(tuple(shape), itemsize, tuple(steps[: len(shape)]))
    assert np.prod([float(c) for c in chunk]) * itemsize <= encoding.CHUNK_BYTES
    assert all(1 <= c <= n for c, n in zip(chunk, shape, strict=True))
