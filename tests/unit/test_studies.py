"""The studies: the paper's runs from spectra to its page and goes on; pages are made of what studies print."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "studies" / "ho2017"


@pytest.fixture
def run_all(tmp_path, monkeypatch):
    """The module that runs all studies, of a folder with one that is quick."""
    spec = importlib.util.spec_from_file_location("run_all", ROOT / "studies" / "run_all.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "run_all", module)
    spec.loader.exec_module(module)
    folder = tmp_path / "quick"
    folder.mkdir()
    (folder / "run.py").write_text("import sys\nprint('scatter 61.4 K', *sys.argv[1:])\n", encoding="utf-8")
    (folder / "README.md").write_text("# Quick\n\nWhat it is.\n", encoding="utf-8")
    monkeypatch.setattr(module, "HERE", tmp_path)
    calls = (("--out", "RESULTS"), ("--data", "DATA"))
    monkeypatch.setattr(module, "STUDIES", {"quick": module.Study(calls)})
    return module


def test_every_study_is_run_and_has_a_page():
    spec = importlib.util.spec_from_file_location("studies_run_all", ROOT / "studies" / "run_all.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        there = {path.parent.name for path in (ROOT / "studies").glob("*/run.py")}
        assert set(module.STUDIES) == there
        assert all((ROOT / "studies" / name / "README.md").exists() for name in there)
    finally:
        del sys.modules[spec.name]


def test_a_page_holds_what_was_printed_and_is_made_once(run_all, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run_all.py", "--data", str(tmp_path)])
    run_all.main()
    page = (tmp_path / "quick" / "README.md").read_text(encoding="utf-8")
    assert page.startswith("# Quick\n\nWhat it is.\n\n## What it prints\n")
    assert "$ python run.py --out results" in page
    assert "scatter 61.4 K --data DATA" in page
    assert str(tmp_path) not in page
    run_all.main()
    assert capsys.readouterr().out.splitlines()[-1] == "quick: up to date"
    # other files of the study: the block is replaced, and nothing else
    (tmp_path / "quick" / "run.py").write_text("print('scatter 50.0 K')\n", encoding="utf-8")
    run_all.main()
    again = (tmp_path / "quick" / "README.md").read_text(encoding="utf-8")
    assert "scatter 50.0 K" in again
    assert "61.4" not in again
    assert again.count("## What it prints") == 1


def test_parts_on_real_spectra_are_left_out_without_them(run_all, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["run_all.py"])
    monkeypatch.delenv("BAYESCANNON_TEST_DATA", raising=False)
    run_all.main()
    page = (tmp_path / "quick" / "README.md").read_text(encoding="utf-8")
    assert "Without real spectra, left out: --data DATA." in page


def test_a_study_that_fails_leaves_the_page(run_all, tmp_path, monkeypatch):
    (tmp_path / "quick" / "run.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["run_all.py"])
    with pytest.raises(SystemExit, match="ended with status 3"):
        run_all.main()
    assert (tmp_path / "quick" / "README.md").read_text(encoding="utf-8") == "# Quick\n\nWhat it is.\n"


def _paper(tmp_path, *more):
    text = (STUDY / "paper.toml").read_text(encoding="utf-8")
    for large, small in (("11057", "300"), ("14000", "300"), ("bootstrap = 20", "bootstrap = 2"), ("1000", "20")):
        assert large in text
        text = text.replace(large, small)
    (tmp_path / "small.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "run.py", "--config", str(tmp_path / "small.toml"), "--out", str(tmp_path / "out")]
    return subprocess.run([*command, *more], cwd=STUDY, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_the_paper_from_spectra_to_its_page(tmp_path):
    done = _paper(tmp_path)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    names = {path.stem for path in (out / "figures").glob("*.png")}
    assert names >= {f"figure_{number:02d}" for number in range(1, 13)} | {"table_1", "corner", "residual_map"}
    page = (out / "README.md").read_text(encoding="utf-8")
    assert all(f"figures/{name}.png" in page for name in names)
    assert "| stars in common | 11057 | 300 |" in page
    assert (out / "catalogue.fits").exists()
    # again: everything is finished
    again = _paper(tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("finished before, with the same inputs") == 8
    # a survey whose writing was interrupted is written again, and a wrong key is a sentence
    (out / "survey" / "truth.csv").unlink()
    (out / "study.json").unlink()
    assert _paper(tmp_path, "--overwrite").returncode == 0
    (tmp_path / "small.toml").write_text('data = "mock"\n[mock]\nn = 3\n', encoding="utf-8")
    wrong = subprocess.run(
        [sys.executable, "run.py", "--config", str(tmp_path / "small.toml"), "--out", str(tmp_path / "x")], cwd=STUDY,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert wrong.returncode == 1
    assert "[mock]: n is not known; known are n_reference, n_test, seed" in wrong.stderr
