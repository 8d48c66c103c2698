"""Whether a file is what it should be."""

import gzip

import pytest
from archive import LOGIN, fits_bytes, gz_bytes

from bayescannon.io.fetching.content import fault_of


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (fits_bytes(), "FITS", ""),
        (gz_bytes(), "FITS", ""),
        (fits_bytes()[:-1], "FITS", "it is cut"),
        (gz_bytes()[:-1], "FITS", "it is cut or damaged"),
        (gzip.compress(b"hello"), "FITS", "no FITS file"),
        (gzip.compress(fits_bytes()[:-5]), "FITS", "unpacked bytes"),
        (b"", "FITS", "nothing"),
        (LOGIN, "FITS", "web page"),
        (LOGIN, "VOTable", "web page"),
        (b"<?xml version='1.0'?><VOTABLE/>", "VOTable", ""),
        (b"<?xml version='1.0'?><VOTABLE/>", "FITS", "web page"),
        (b"text", "VOTable", "something else than a VOTable"),
    ],
)
def test_faults_are_said(tmp_path, content, kind, said):
    path = tmp_path / "file"
    path.write_bytes(content)
    found = fault_of(path, kind)
    assert (found == "") == (said == "")
    assert said in found
