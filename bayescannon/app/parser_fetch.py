"""Options of the verb fetch."""

import argparse
import os
from pathlib import Path

SURVEYS = ("apogee", "lamost", "ho2017")
# another address of the archives, with the same paths
MIRROR = "BAYESCANNON_MIRROR"


def add_fetch_options(parser: argparse.ArgumentParser) -> None:
    """Add what is fetched, from which release, and where to."""
    said = "allStar of APOGEE, spectra of LAMOST, or the published catalogue of Ho et al. (2017)"
    parser.add_argument("survey", choices=SURVEYS, metavar="|".join(SURVEYS), help=said)
    said = "dr12 (of the paper, the default) or dr17 of APOGEE; dr1 to dr11 of LAMOST"
    parser.add_argument("--release", metavar="DRn", help=said)
    said = "version of a release of LAMOST, as v2.0; the usual one unless given"
    parser.add_argument("--release-version", metavar="vN", help=said)
    said = "obsids of LAMOST: a text with one per line, or a table with a column obsid"
    parser.add_argument("--ids", type=Path, metavar="FILE", help=said)
    said = "spectra of LAMOST around a position, all in degrees"
    parser.add_argument("--cone", metavar="RA,DEC,RADIUS", help=said)
    said = "file with the token that some releases of LAMOST want"
    parser.add_argument("--token-file", type=Path, metavar="FILE", help=said)
    parser.add_argument("--out", type=Path, default=Path("survey"), metavar="DIR", help="folder to fetch into")
    parser.add_argument(
        "--failed",
        type=Path,
        metavar="TABLE.csv",
        help="write the table of files that failed, in place of that of an earlier call",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be fetched, and how much it is")
    said = "requests per second at most"
    parser.add_argument("--rate", type=float, default=2.0, metavar="X", help=said)
    said = f"address of a copy of the archives with the same paths; or the environment's {MIRROR}"
    parser.add_argument("--mirror", metavar="URL", default=os.environ.get(MIRROR), help=said)
