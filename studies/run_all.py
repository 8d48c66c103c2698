"""
Run every study from its beginning to its end, and put what it prints into its README.

Usage: python studies/run_all.py [STUDY ...] [--data DATA] [--again] [--list]
DATA holds real spectra (lamost/, lamost_field/); without it, parts on real stars are left out. It takes hours. A study
whose page was made by this version of the package and of its own files is not run again, unless --again.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bayescannon import __version__

HERE = Path(__file__).resolve().parent
BEGIN = "<!-- made by studies/run_all.py: "
END = "<!-- end -->"
# lines of a page at most: what is longer is in the file of the output
MOST_LINES = 400


@dataclass(frozen=True)
class Study:
    """The calls of a study's run.py; "DATA" stands for the folder of real spectra, and a call with it needs that."""

    calls: tuple[tuple[str, ...], ...]


STUDIES = {
    "ho2017": Study((("--out", "RESULTS/paper", "--overwrite"),)),
    "real_lamost": Study((("DATA", "--out", "RESULTS"), ("DATA", "--out", "RESULTS", "--preset", "masked"))),
    "abundances_and_masses": Study((("--out", "RESULTS"),)),
    "label_errors": Study((("--out", "RESULTS", "--halves"),)),
    "velocity_and_resolution": Study(((), ("--data", "DATA"))),
    "populations": Study(
        (
            ("--real", "DATA", "--out", "RESULTS"),
            ("--figures", "--out", "RESULTS"),
            ("--mock", "--seed", "61", "--out", "RESULTS"),
        )
    ),
    "coverage_priors": Study((("--out", "RESULTS", "--data", "DATA"),)),
    "beyond_formal_errors": Study((("--out", "RESULTS", "--data", "DATA", "--pooled"),)),
    "coefficient_priors": Study((("--out", "RESULTS", "--data", "DATA"),)),
    "noise_model": Study(
        (
            ("--out", "RESULTS", "--seeds", "101", "102"),
            ("--out", "RESULTS", "--real", "DATA"),
            ("--out", "RESULTS", "--compare"),
            ("--out", "RESULTS", "--bootstrap", "20"),
        )
    ),
}


def digest(name: str) -> str:
    """Return what a study's page depends on: the version of the package, and the study's own files and calls."""
    found = hashlib.sha256(f"{__version__} {STUDIES[name]}".encode())
    for path in sorted(HERE.joinpath(name).glob("*")):
        if path.suffix in (".py", ".toml", ".csv"):
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def page_state(readme: Path) -> str:
    """Return the digest in the page, empty if it was never made."""
    found = re.search(re.escape(BEGIN) + r"version \S+, (\w+)", readme.read_text(encoding="utf-8"))
    return found[1] if found else ""


def run(name: str, data: Path | None) -> tuple[str, list[str]]:
    """Run the calls of a study; return what they printed, and the calls that need real data which are not there."""
    printed, left = [], []
    results = HERE / name / "results"
    results.mkdir(exist_ok=True)
    for call in STUDIES[name].calls:
        if "DATA" in call and data is None:
            left.append(" ".join(call))
            continue
        words = [str(data) if word == "DATA" else word.replace("RESULTS", str(results)) for word in call]
        shown = " ".join(["python run.py", *call]).replace("RESULTS", "results")
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "run.py", *words], cwd=HERE / name, env=os.environ | {"COLUMNS": "140"}, text=True,
            stdout=subprocess.PIPE, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"studies/{name}: {shown} ended with status {done.returncode}")
        text = done.stdout.replace(str(results), "results")
        if data is not None:
            text = text.replace(str(data), "DATA")
        minutes = (time.monotonic() - begun) / 60
        lines = [line.rstrip() for line in text.splitlines()]
        printed.append(f"$ {shown}    # {minutes:.1f} minutes\n" + "\n".join(lines))
    return "\n\n".join(printed), left


def write_page(name: str, text: str, left: list[str]) -> None:
    """Put the output of a study into its README, in place of the last one."""
    readme = HERE / name / "README.md"
    (HERE / name / "results" / "output.txt").write_text(text + "\n", encoding="utf-8")
    lines = re.sub(r"\n{3,}", "\n\n", text).splitlines()
    shown = "\n".join(lines[:MOST_LINES])
    more = f"\n... {len(lines) - MOST_LINES} more lines in results/output.txt" if len(lines) > MOST_LINES else ""
    without = f"\n\nWithout real spectra, left out: {'; '.join(left)}." if left else ""
    block = f"{BEGIN}version {__version__}, {digest(name)} -->\n\n```\n{shown}{more}\n```{without}\n\n{END}"
    page = readme.read_text(encoding="utf-8")
    found = re.search(re.escape(BEGIN) + r".*?" + re.escape(END), page, re.DOTALL)
    if found:
        page = page[: found.start()] + block + page[found.end() :]
    else:
        page = f"{page.rstrip()}\n\n## What it prints\n\n{block}\n"
    readme.write_text(page, encoding="utf-8")


def main() -> None:
    """Run what is named, or all that is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="STUDY", help=f"of {', '.join(STUDIES)}; all unless given")
    parser.add_argument("--data", type=Path, default=os.environ.get("BAYESCANNON_TEST_DATA"), help="real spectra")
    parser.add_argument("--again", action="store_true", help="also those whose page is up to date")
    parser.add_argument("--list", action="store_true", help="say which pages are up to date, and run nothing")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(STUDIES))
    if unknown:
        parser.error(f"there is no study {unknown[0]!r}; there are {', '.join(STUDIES)}")
    data = Path(options.data).resolve() if options.data else None
    for name in options.names or STUDIES:
        up_to_date = page_state(HERE / name / "README.md") == digest(name)
        if options.list:
            print(f"{name}: {'up to date' if up_to_date else 'to be run'}")
        elif up_to_date and not options.again:
            print(f"{name}: up to date")
        else:
            begun = time.monotonic()
            write_page(name, *run(name, data))
            print(f"{name}: {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
