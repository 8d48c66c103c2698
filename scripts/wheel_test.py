"""
Install the wheel in an environment of its own, far from the checkout, and run it there.

Usage: python scripts/wheel_test.py [--dist DIR] [--python PYTHON]

The sdist is built from the checkout and the wheel from the sdist, unless DIR has both. Then, in a temporary folder:
what is inside both; the wheel in an environment of PYTHON with nothing but its dependencies; the help of every verb,
every public name, the demonstration and its page, none of which may open a file of the checkout; tests of the project's
own files in the unpacked sdist. It takes some minutes, most of them for the installation.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterable, Sequence
from email.parser import Parser
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "bayescannon"
# what a build or a run leaves in folders, and what only developers need
CACHES = {".nbi", ".nbc", ".pyc", ".pyo"}
DEVELOPERS = {"tests", "test", "conftest.py"}
# top-level names that the sdist needs besides the package: its tests, and what those read
SDIST_NEEDS = {
    "tests",
    "conftest.py",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "pyproject.toml",
    "PKG-INFO",
}
# tests of the sdist's own files: they are quick, and fail where the sdist lacks something that the suite reads
SDIST_TESTS = [
    "tests/test_architecture.py",
    "tests/unit/test_readme.py",
    "tests/unit/test_studies.py",
    "tests/unit/test_notebooks.py",
    "tests/unit/test_packaging.py",
    "tests/unit/app/test_config.py",
    "tests/unit/figures/test_style.py",
    "tests/published/test_citations.py",
    "tests/published/test_published_numbers.py",
]
# variables that lead to the checkout, or to data beside it
NOT_INHERITED = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "BAYESCANNON_TEST_DATA"}
# runs in the new environment: says what was opened beneath the folder of the first argument
WATCHED = """
import os, sys
root, *words = sys.argv[1:]
opened = set()
def note(event, args):
    if event == "open" and isinstance(args[0], (str, os.PathLike)):
        path = os.path.realpath(args[0])
        if path == root or path.startswith(root + os.sep):
            opened.add(path)
sys.addaudithook(note)
import bayescannon
assert not os.path.realpath(bayescannon.__file__).startswith(root + os.sep), bayescannon.__file__
for name in bayescannon.__all__:
    getattr(bayescannon, name)
from bayescannon.app.cli import main
status = main(words)
if opened:
    sys.exit("these files of the checkout were opened:\\n" + "\\n".join(sorted(opened)))
sys.exit(status)
"""
VERBS = "from bayescannon.app.cli_verbs import VERBS; print(*VERBS)"


def package_files(root: Path) -> set[str]:
    """Name the files of the package in a checkout that belong into a wheel: all but what runs have left there."""
    return {
        path.relative_to(root).as_posix()
        for path in (root / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in CACHES
    }


def wheel_faults(names: Iterable[str], expected: Iterable[str]) -> list[str]:
    """
    Say what is wrong with the names of the files in a wheel.

    Parameters
    ----------
    names : iterable of str
        Files in the wheel.
    expected : iterable of str
        Files of the package in the checkout.
    """
    inside, needed = set(names), set(expected)
    ours = {name for name in inside if PurePosixPath(name).parts[0] == PACKAGE}
    beside = {name for name in inside - ours if not PurePosixPath(name).parts[0].endswith(".dist-info")}
    info = {PurePosixPath(name).relative_to(PurePosixPath(name).parts[0]).as_posix() for name in inside - ours - beside}
    faults = [f"the wheel lacks {name}" for name in sorted(needed - ours)]
    faults += [f"the wheel has {name}, which the checkout has not" for name in sorted(ours - needed)]
    faults += [f"the wheel installs {name} beside the package" for name in sorted(beside)]
    faults += [
        f"the wheel has {name}, left by a run" for name in sorted(inside) if PurePosixPath(name).suffix in CACHES
    ]
    faults += [
        f"the wheel has {name}, of the tests" for name in sorted(ours) if DEVELOPERS & set(PurePosixPath(name).parts)
    ]
    required = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    return faults + [f"the wheel lacks {name} in its .dist-info" for name in required if name not in info]


def sdist_faults(names: Iterable[str], expected: Iterable[str]) -> list[str]:
    """
    Say what is wrong with the names of the files in an sdist, which begin with its folder.

    Parameters
    ----------
    names : iterable of str
        Files in the sdist.
    expected : iterable of str
        Files of the package in the checkout.
    """
    inside = {PurePosixPath(*PurePosixPath(name).parts[1:]).as_posix() for name in names}
    tops = {PurePosixPath(name).parts[0] for name in inside if name != "."}
    faults = [f"the sdist lacks {name}" for name in sorted(set(expected) - inside)]
    faults += [f"the sdist lacks {name}" for name in sorted(SDIST_NEEDS - tops)]
    return faults + [
        f"the sdist has {name}, left by a run"
        for name in sorted(inside)
        if PurePosixPath(name).suffix in CACHES or {"__pycache__", "results"} & set(PurePosixPath(name).parts)
    ]


def metadata_faults(text: str, version: str) -> list[str]:
    """
    Say what is wrong with the metadata of a wheel.

    Parameters
    ----------
    text : str
        Its METADATA.
    version : str
        Version of the package in the checkout.
    """
    metadata = Parser().parsestr(text)
    expected = {"Name": PACKAGE, "Version": version, "License-Expression": "MIT", "License-File": "LICENSE"}
    faults = [
        f"the metadata have {name} {metadata[name]!r}; expected {value!r}"
        for name, value in expected.items()
        if metadata[name] != value
    ]
    wanted = ("Requires-Python", "Summary", "Description-Content-Type")
    faults += [f"the metadata lack {name}" for name in wanted if not metadata[name]]
    required = metadata.get_all("Requires-Dist") or []
    return faults + (
        [] if any(line.startswith("numpy") for line in required) else ["the metadata name no dependencies"]
    )


def version_in(root: Path) -> str:
    """Read the version of the package in a checkout, without importing it."""
    text = (root / PACKAGE / "__init__.py").read_text("utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def call(words: Sequence[str | Path], folder: Path, **variables: str) -> str:
    """Run a command in a folder, away from the user's own packages; return what it prints, or end with that."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    environment = kept | {"PYTHONNOUSERSITE": "1"} | variables
    done = subprocess.run([str(word) for word in words], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        shown = " ".join(str(word) for word in words if len(str(word)) < 200)
        raise SystemExit(f"{done.stdout}{done.stderr}\nwheel test: this ended with status {done.returncode}: {shown}")
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    """Find the one file of a folder that a pattern names."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"wheel test: {folder} has {len(found)} files {pattern}; expected one")
    return found[0]


def check_contents(wheel: Path, sdist: Path) -> None:
    """Compare what is in both with the checkout; end with a list of faults."""
    expected = package_files(ROOT)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        text = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode("utf-8")
    with tarfile.open(sdist) as archive:
        sources = [member.name for member in archive if member.isfile()]
    faults = wheel_faults(names, expected) + metadata_faults(text, version_in(ROOT)) + sdist_faults(sources, expected)
    if faults:
        raise SystemExit("\n".join(f"wheel test: {fault}" for fault in faults))
    print(f"wheel of {wheel.stat().st_size / 1e6:.2f} MB, sdist of {sdist.stat().st_size / 1e6:.2f} MB", flush=True)


def check_environment(wheel: Path, python: str, folder: Path) -> None:
    """Install the wheel in a new environment, and run it in an empty folder."""
    call([python, "-m", "venv", folder / "environment"], folder)
    binaries = folder / "environment" / "bin"
    call([binaries / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], folder)
    call([binaries / "python", "-m", "pip", "check"], folder)
    here = folder / "elsewhere"
    here.mkdir()
    version = call([binaries / PACKAGE, "--version"], here).strip()
    if version.split()[-1] != version_in(ROOT):
        raise SystemExit(f"wheel test: --version prints {version!r}; expected version {version_in(ROOT)}")
    verbs = call([binaries / "python", "-c", VERBS], here).split()
    for words in ([], *([verb] for verb in verbs)):
        shown = call([binaries / PACKAGE, *words, "--help"], here)
        if not shown.startswith("usage: bayescannon"):
            raise SystemExit(f"wheel test: the help of {words} begins with {shown[:80]!r}")
    print(f"{version} and the help of {len(verbs)} verbs run in {here}", flush=True)
    demo = ["demo", "--n-reference", "300", "--n-test", "100", "--out", "demo"]
    call([binaries / "python", "-c", WATCHED, ROOT, *demo], here)
    check_written(here / "demo" / "results", ["*.fits", "*.nc"])
    # its templates and scripts are data of the package
    call([binaries / "python", "-c", WATCHED, ROOT, "report", "demo/results", "--out", "page.html"], here)
    check_written(here, ["page.html"])
    print("the demonstration and its page are made, and no file of the checkout is opened", flush=True)


def check_written(folder: Path, patterns: Iterable[str]) -> None:
    """See that a folder has files of some size that the patterns name."""
    missing = [
        pattern for pattern in patterns if not any(path.stat().st_size > 10_000 for path in folder.glob(pattern))
    ]
    if missing:
        raise SystemExit(f"wheel test: {folder} has no {', '.join(missing)} of more than 10 kB")


def check_sdist(sdist: Path, folder: Path) -> None:
    """Run the quick tests of the project's own files in the unpacked sdist, with the packages of this Python."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "sdist", filter="data")
    source = only(folder / "sdist", "*")
    # kernels are not compiled there, so notebooks would take minutes
    chosen = ["-m", "not (long or soak or slow or browser)", "-k", "not notebook_runs"]
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *chosen]
    printed = call([*words, *SDIST_TESTS], source, PYTHONPATH=str(source))
    print(f"in the unpacked sdist: {printed.strip().splitlines()[-1]}", flush=True)


def main() -> None:
    """Build, look inside, install, run; all of it in a temporary folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--dist", type=Path, metavar="DIR", help="folder with the wheel and the sdist, built already")
    parser.add_argument("--python", default=sys.executable, help="Python of the environment (default: this one)")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="wheel_test_") as name:
        folder = Path(name).resolve()
        if options.dist is None:
            call([sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT], folder)
        dist = (options.dist or folder / "dist").resolve()
        wheel, sdist = only(dist, "*.whl"), only(dist, "*.tar.gz")
        check_contents(wheel, sdist)
        check_environment(wheel, options.python, folder)
        check_sdist(sdist, folder)
    print(f"the wheel is good; it took {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
