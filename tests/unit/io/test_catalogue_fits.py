"""FITS files of catalogues: plain FITS with the standard's checksums, and every byte of them counts."""

import numpy as np
import pytest
from astropy.io import fits
from catalogues import make_calibrated

from bayescannon.io.catalogue import build_catalogue, write_catalogue
from bayescannon.io.catalogue_digest import check_catalogue


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogues")
    write_catalogue(build_catalogue(make_calibrated()), folder / "c.fits")
    return folder


def test_fits_has_the_checksums_of_the_standard(files):
    with fits.open(files / "c.fits", checksum=True) as hdus:
        assert len(hdus) == 2
        assert all(hdu.verify_checksum() == 1 and hdu.verify_datasum() == 1 for hdu in hdus)


def test_every_byte_of_a_fits_file_counts(files, tmp_path):
    content = (files / "c.fits").read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(content), 25).tolist():
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "c.fits").write_bytes(changed)
        assert check_catalogue(tmp_path / "c.fits"), place
    (tmp_path / "c.fits").write_bytes(content[:-2880])
    assert "ends 2880 bytes early" in check_catalogue(tmp_path / "c.fits")[0]
