"""Arrays of a store as variables of xarray, read when they are asked for, and compared with the manifest then."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from bayescannon.io.store_layout import PIXEL, TEXT, ArrayLayout
from bayescannon.io.store_reader import StoreReader


class StoreVariable(BackendArray):
    """An array of a store that xarray indexes without loading it."""

    def __init__(self, reader: StoreReader, layout: ArrayLayout) -> None:
        self.reader = reader
        self.layout = layout
        self.shape = layout.shape
        self.dtype = np.dtypes.StringDType() if layout.dtype == TEXT else np.dtype(layout.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._rows)

    def _rows(self, key: tuple[Any, ...]) -> NDArray[Any]:
        first, *rest = key
        chosen = np.arange(self.shape[0])[first]
        order, inverse = np.unique(np.atleast_1d(chosen), return_inverse=True)
        values = self.reader.values(self.layout.name, order)[inverse]
        self.reader.require_same()
        if self.layout.dtype == TEXT:
            values = values.astype(self.dtype)
        if np.ndim(chosen) == 0:
            values = values[0]
        return values[..., rest[0]] if rest else values


def as_dataset(reader: StoreReader) -> xr.Dataset:
    """Return a store as a Dataset of dims star, pixel and refusal, whose pixels are not loaded."""
    variables: dict[str, Any] = {}
    for name, stored in reader.manifest.arrays.items():
        layout = stored.layout
        document = layout.document()
        attributes = {key: value for key, value in document["attributes"].items() if key != "coordinates"}
        lazy = indexing.LazilyIndexedArray(StoreVariable(reader, layout))
        variables[name] = xr.Variable(document["dimension_names"], lazy, attributes)
    del variables["star"], variables["wavelength"]
    coords = {
        "star": reader.values("star"),
        "wavelength": (PIXEL, reader.wavelength, reader.manifest.arrays["wavelength"].layout.document()["attributes"]),
    }
    # the order does not depend on that of the manifest
    first = ["flux", "ivar", *reader.manifest.further]
    names = [*first, *sorted(set(variables) - set(first))]
    return xr.Dataset({name: variables[name] for name in names}, coords, reader.attrs)
