"""
Where the files of surveys are. Every address of an archive that the package knows is here.

* APOGEE's allStar: SDSS Science Archive Server, ``data.sdss.org/sas``; DR12 is what Ho et al. (2017) used.
* LAMOST spectra: ``www.lamost.org/drN/vX`` from DR6 on, ``drN.lamost.org`` before; the pattern is that of DR5, DR10 and
  DR11, and releases between are taken to follow it. Some releases want a token, others answer without.
* The catalogue of Ho et al. (2017): VizieR, ``J/ApJ/836/5``.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from bayescannon.numerics.errors import InputError

# name of the token in the query of an address
TOKEN = "token"
# kinds of content that a file must have
FITS, VOTABLE = "FITS", "VOTable"

APOGEE = {
    "dr12": "https://data.sdss.org/sas/dr12/apogee/spectro/redux/r5/allStar-v603.fits",
    "dr17": "https://data.sdss.org/sas/dr17/apogee/spectro/aspcap/dr17/synspec_rev1/allStar-dr17-synspec_rev1.fits",
}
# version of each release of LAMOST that is fetched unless another is named; empty where the address has none
LAMOST_VERSIONS = {
    "dr1": "", "dr2": "", "dr3": "", "dr4": "v2", "dr5": "v3", "dr6": "v2", "dr7": "v2.0", "dr8": "v2.0",
    "dr9": "v2.0", "dr10": "v2.0", "dr11": "v2.0",
}  # fmt: skip
HO2017 = "https://vizier.cds.unistra.fr/viz-bin/asu-binfits?-source=J/ApJ/836/5/table1&-out.all&-out.max=unlimited"
# since this release there is one host for all
_FIRST_COMMON = 6


@dataclass(frozen=True)
class RemoteFile:
    """
    A file of an archive.

    Attributes
    ----------
    url : str
        May hold a token: messages show :attr:`shown`.
    name : str
        Of the file on disk.
    kind : str
        What it must be: ``"FITS"`` or ``"VOTable"``.
    """

    url: str
    name: str
    kind: str = FITS

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a token."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

    @property
    def path(self) -> str:
        """The path of the address, which a mirror has too: it tells releases apart."""
        return urlsplit(self.url).path


def apogee_file(release: str) -> RemoteFile:
    """Return the allStar table of a release."""
    url = APOGEE[_known(release, APOGEE, "APOGEE")]
    return RemoteFile(url, url.rpartition("/")[2])


def ho2017_file() -> RemoteFile:
    """Return the published catalogue of Ho et al. (2017)."""
    return RemoteFile(HO2017, "ho2017.fits")


def lamost_file(release: str, obsid: str, *, version: str | None = None, token: str = "") -> RemoteFile:
    """Return a spectrum of LAMOST by its obsid."""
    url = f"{_lamost(release, version)}/spectrum/fits/{quote(obsid, safe='')}"
    return RemoteFile(url + (f"?{urlencode({TOKEN: token})}" if token else ""), f"{obsid}.fits.gz")


def lamost_cone(
    release: str, ra: float, dec: float, radius: float, *, version: str | None = None, token: str = ""
) -> RemoteFile:
    """Return the list of the spectra within a radius [deg] around a position [deg]."""
    query = {"ra": f"{ra:.8g}", "dec": f"{dec:.8g}", "sr": f"{radius:.8g}", **({TOKEN: token} if token else {})}
    url = f"{_lamost(release, version)}/voservice/conesearch?{urlencode(query)}"
    return RemoteFile(url, f"cone_{ra:.5f}_{dec:.5f}_{radius:g}.vot", VOTABLE)


def at_mirror(file: RemoteFile, mirror: str | None) -> RemoteFile:
    """
    Return the file at a mirror, which has the same paths below its address.

    Examples
    --------
    >>> at_mirror(RemoteFile("https://data.sdss.org/sas/a.fits", "a.fits"), "http://localhost:8000/copy").url
    'http://localhost:8000/copy/sas/a.fits'
    """
    if not mirror:
        return file
    here = urlsplit(mirror)
    if here.scheme not in ("http", "https") or not here.netloc:
        raise InputError(f"a mirror must be an address that begins with http:// or https://; got {mirror!r}")
    parts = urlsplit(file.url)
    url = urlunsplit((here.scheme, here.netloc, here.path.rstrip("/") + parts.path, parts.query, ""))
    return RemoteFile(url, file.name, file.kind)


def _lamost(release: str, version: str | None) -> str:
    known = _known(release, LAMOST_VERSIONS, "LAMOST")
    number, chosen = int(known[2:]), LAMOST_VERSIONS[known] if version is None else version
    host = f"https://www.lamost.org/{known}" if number >= _FIRST_COMMON else f"http://{known}.lamost.org"
    return f"{host}/{quote(chosen, safe='')}" if chosen else host


def _known(release: str, known: dict[str, str], survey: str) -> str:
    if release not in known:
        raise InputError(f"the release of {survey} must be one of {', '.join(known)}; got {release!r}")
    return release
