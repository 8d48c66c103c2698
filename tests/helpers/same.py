"""Whether two results are the same, number by number."""

import dataclasses
from collections.abc import Mapping

import numpy as np


def assert_same(first, second, where="it"):
    """Compare dataclasses, mappings, sequences, arrays and numbers, with NaN equal to NaN."""
    assert type(first) is type(second), f"{where}: {type(first)} and {type(second)}"
    if dataclasses.is_dataclass(first):
        for item in dataclasses.fields(first):
            assert_same(getattr(first, item.name), getattr(second, item.name), f"{where}.{item.name}")
    elif isinstance(first, Mapping):
        assert list(first) == list(second), where
        for key in first:
            assert_same(first[key], second[key], f"{where}[{key!r}]")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for n, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{where}[{n}]")
    else:
        np.testing.assert_array_equal(first, second, err_msg=where)
