"""The verb fetch: files of APOGEE, LAMOST and the published catalogue from their archives."""

import argparse
import csv
import stat
import tempfile
import warnings
from pathlib import Path

from rich.console import Console

from bayescannon.app.console import make_console
from bayescannon.app.terminal import print_refused, progress_bar, say
from bayescannon.io.fetching.addresses import (
    RemoteFile,
    apogee_file,
    at_mirror,
    ho2017_file,
    lamost_cone,
    lamost_file,
)
from bayescannon.io.fetching.client import Client
from bayescannon.io.fetching.folder import FetchReport, fetch_files, is_whole, read_record, size_text
from bayescannon.io.fetching.lamost_ids import read_obsids
from bayescannon.io.outputs import replacing
from bayescannon.numerics.errors import BayesCannonWarning, InputError, MissingFileError

# files whose sizes a dry run asks for; the others are taken to be as large
_ASKED = 5


def fetch(options: argparse.Namespace) -> int:
    """Fetch what the command line says; return the exit status."""
    console = make_console()
    if not 0 < options.rate <= 1000:
        raise InputError(f"--rate must be above 0 and at most 1000 requests per second; got {options.rate:g}")
    client = Client(rate=options.rate)
    files = [at_mirror(file, options.mirror) for file in _wanted(options, client)]
    if options.dry_run:
        _estimate(console, files, options.out, client)
        return 0
    with progress_bar(console, "fetch") as progress:
        report = fetch_files(files, options.out, client, report=progress)
    print_refused(console, report.failed)
    if options.failed:
        # what failed this time; the same command is given again and again
        _write_failed(report, options.failed)
    say(console, f"{report.describe()}: {options.out}")
    return 1 if report.failed else 0


def _wanted(options: argparse.Namespace, client: Client) -> list[RemoteFile]:
    """Return the files of the survey that is named."""
    if options.survey == "apogee":
        return [apogee_file(options.release or "dr12")]
    if options.survey == "ho2017":
        return [ho2017_file()]
    if options.release is None:
        raise InputError("fetch lamost needs --release, as dr2 for the survey of Ho et al. (2017)")
    token = _token(options.token_file) if options.token_file else ""
    if (options.ids is None) == (options.cone is None):
        raise InputError("fetch lamost needs either --ids FILE or --cone RA,DEC,RADIUS")
    ids = read_obsids(options.ids) if options.ids else _ids_in_cone(options, client, token)
    return [lamost_file(options.release, one, version=options.release_version, token=token) for one in ids]


def _ids_in_cone(options: argparse.Namespace, client: Client, token: str) -> list[str]:
    """Ask the survey which spectra are around a position."""
    try:
        ra, dec, radius = (float(one) for one in options.cone.split(","))
    except ValueError:
        raise InputError(f"--cone must be RA,DEC,RADIUS in degrees, as 83.6,22.0,0.5; got {options.cone!r}") from None
    if not (0 <= ra < 360 and -90 <= dec <= 90 and 0 < radius <= 10):
        raise InputError(f"--cone must be 0 <= RA < 360, -90 <= DEC <= 90, 0 < RADIUS <= 10; got {options.cone!r}")
    file = lamost_cone(options.release, ra, dec, radius, version=options.release_version, token=token)
    with tempfile.TemporaryDirectory(prefix="bayescannon-fetch-") as folder:
        client.fetch(at_mirror(file, options.mirror), Path(folder))
        return read_obsids(Path(folder) / file.name)


def _token(path: Path) -> str:
    """Read a token, which stands alone in a file that others cannot read."""
    if not path.is_file():
        raise MissingFileError(f"there is no file {path} with a token (--token-file)")
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        warnings.warn(
            f"others can read the token in {path}; make it yours alone with: chmod 600 {path}", BayesCannonWarning,
            stacklevel=2,
        )  # fmt: skip
    token = path.read_text(encoding="utf-8", errors="replace").strip()
    if not token or not token.isprintable() or " " in token or len(token) > 500:
        raise InputError(f"{path} must hold one token and nothing else")
    return token


def _estimate(console: Console, files: list[RemoteFile], folder: Path, client: Client) -> None:
    """Say what would be fetched, and how much it is as far as the server says."""
    record = read_record(folder) if folder.is_dir() else {}
    missing = [file for file in files if not is_whole(folder, file, record)]
    sizes = [client.size_of(file) for file in missing[:_ASKED]]
    for file, size in zip(missing, sizes, strict=False):
        say(console, f"{file.shown} -> {folder / file.name} ({'size unknown' if size is None else size_text(size)})")
    if len(missing) > len(sizes):
        say(console, f"... and {len(missing) - len(sizes)} more")
    known = [size for size in sizes if size is not None]
    total = "how much is unknown"
    if known:
        about = "" if len(known) == len(missing) else "about "
        total = f"{about}{size_text(sum(known) / len(known) * len(missing))}"
    say(console, f"would fetch {len(missing)} files, {total}; {len(files) - len(missing)} are there: {folder}")


def _write_failed(report: FetchReport, path: Path) -> None:
    with replacing(path, overwrite=True) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "reason"), *report.failed])
