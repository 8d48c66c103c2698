"""What `make wheel-test` says of the contents of a wheel, an sdist and metadata, without building any."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import bayescannon

ROOT = Path(__file__).parents[2]
EXPECTED = {"bayescannon/__init__.py", "bayescannon/py.typed", "bayescannon/mock/giant_emulator.npz"}
INFO = {
    f"bayescannon-1.0.dist-info/{name}"
    for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
}
METADATA = """\
Metadata-Version: 2.4
Name: bayescannon
Version: 1.0
Summary: What it is
License-Expression: MIT
License-File: LICENSE
Requires-Python: >=3.12
Requires-Dist: numpy>=2.1
Description-Content-Type: text/markdown

# bayescannon
"""


@pytest.fixture(scope="module")
def wheel_test():
    spec = importlib.util.spec_from_file_location("wheel_test", ROOT / "scripts" / "wheel_test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_whole_wheel_has_no_fault(wheel_test):
    assert wheel_test.wheel_faults(EXPECTED | INFO, EXPECTED) == []


@pytest.mark.parametrize(
    ("more", "less", "fault"),
    [
        ((), "bayescannon/py.typed", "the wheel lacks bayescannon/py.typed"),
        ((), "bayescannon-1.0.dist-info/licenses/LICENSE", "lacks licenses/LICENSE in its .dist-info"),
        (("bayescannon/numerics/x.py313.nbi",), None, "left by a run"),
        (("bayescannon/tests/test_x.py",), None, "of the tests"),
        (("tests/test_x.py",), None, "installs tests/test_x.py beside the package"),
        (("bayescannon/old.py",), None, "which the checkout has not"),
    ],
)
def test_what_is_wrong_with_a_wheel_is_said(wheel_test, more, less, fault):
    faults = wheel_test.wheel_faults((EXPECTED | INFO | set(more)) - {less}, EXPECTED)
    assert any(fault in found for found in faults), faults


def test_what_is_wrong_with_an_sdist_is_said(wheel_test):
    whole = {
        f"bayescannon-1.0/{name}"
        for name in EXPECTED
        | {name if "." in name or name == "LICENSE" else f"{name}/x" for name in wheel_test.SDIST_NEEDS}
    } | {"bayescannon-1.0/PKG-INFO"}
    assert wheel_test.sdist_faults(whole, EXPECTED) == []
    assert wheel_test.sdist_faults(whole - {"bayescannon-1.0/tests/x"}, EXPECTED) == ["the sdist lacks tests"]
    assert wheel_test.sdist_faults(whole - {"bayescannon-1.0/bayescannon/py.typed"}, EXPECTED) == [
        "the sdist lacks bayescannon/py.typed"
    ]
    left = "bayescannon-1.0/studies/ho2017/results/model.nc"
    assert wheel_test.sdist_faults(whole | {left}, EXPECTED) == [
        "the sdist has studies/ho2017/results/model.nc, left by a run"
    ]


def test_what_is_wrong_with_metadata_is_said(wheel_test):
    assert wheel_test.metadata_faults(METADATA, "1.0") == []
    assert wheel_test.metadata_faults(METADATA, "1.1") == ["the metadata have Version '1.0'; expected '1.1'"]
    bare = METADATA.replace("Requires-Dist: numpy>=2.1\n", "").replace("License-File: LICENSE\n", "")
    assert wheel_test.metadata_faults(bare, "1.0") == [
        "the metadata have License-File None; expected 'LICENSE'",
        "the metadata name no dependencies",
    ]


def test_the_files_expected_are_those_of_the_checkout(wheel_test):
    """Where git is, what it keeps of the package is what a wheel must have."""
    files = wheel_test.package_files(ROOT)
    assert files >= EXPECTED
    assert wheel_test.version_in(ROOT) == bayescannon.__version__
    done = subprocess.run(["git", "ls-files", "bayescannon"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0 and done.stdout and (ROOT / ".git").exists():
        assert files >= set(done.stdout.split())


def test_a_command_that_fails_ends_with_what_it_printed(wheel_test, tmp_path):
    assert wheel_test.call([sys.executable, "-c", "print('fine')"], tmp_path) == "fine\n"
    with pytest.raises(SystemExit, match=r"(?s)no wheel.*ended with status 3"):
        wheel_test.call([sys.executable, "-c", "import sys; print('no wheel'); sys.exit(3)"], tmp_path)
    with pytest.raises(SystemExit, match=r"0 files \*\.whl; expected one"):
        wheel_test.only(tmp_path, "*.whl")
    (tmp_path / "page.html").write_text("<p>short</p>", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"has no page\.html of more than 10 kB"):
        wheel_test.check_written(tmp_path, ["page.html"])


def test_a_command_that_reads_the_checkout_is_found(wheel_test, tmp_path):
    """The package of this checkout stands for an installed one; the checkout it must not read is another folder."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "labels.csv").write_text("id,teff\n1,nan\n", encoding="utf-8")
    words = [sys.executable, "-c", wheel_test.WATCHED, str(checkout), "check-input", str(checkout / "labels.csv")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "these files of the checkout were opened:" in done.stderr
    assert str(checkout / "labels.csv") in done.stderr
