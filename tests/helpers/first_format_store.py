"""A store of format 1, as versions 0.2 to 0.6 wrote it."""

import warnings

import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.errors import ZarrUserWarning


def write_first_format(spectra, path, *, consolidated=True, chunk=512):
    """Write it as those versions did: chunks without checksums, and those of zeros left out."""
    group = zarr.open_group(
        path, mode="w-", zarr_format=3, attributes={"format": "bayescannon spectra 1", "complete": False}
    )
    n_pixel = len(spectra.wavelength)

    def put(name, values, dim, chunks, **options):
        text = values.dtype.kind == "U"
        array = group.create_array(
            name, shape=values.shape, chunks=chunks, dtype=str if text else values.dtype, dimension_names=dim,
            fill_value="" if text else 0, **options,
        )  # fmt: skip
        if len(values):
            array[:] = values.astype(np.dtypes.StringDType()) if text else values

    put("wavelength", spectra.wavelength, ("pixel",), (n_pixel,))
    for name in ("flux", "ivar"):
        put(
            name, getattr(spectra, name), ("star", "pixel"), (chunk, n_pixel), attributes={"coordinates": "wavelength"},
            compressors=BloscCodec(cname="lz4", clevel=1, shuffle="shuffle"),
        )  # fmt: skip
    for name, values in {"star": spectra.id, **spectra.columns}.items():
        put(name, values, ("star",), (16 * chunk,))
    for name in ("refused_file", "refused_reason"):
        put(name, np.array([], dtype=np.str_), ("refusal",), (1,))
    group.attrs.update({**spectra.attrs, "n_refused": 0, "complete": True})
    if consolidated:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZarrUserWarning)
            zarr.consolidate_metadata(group.store)
    return path
