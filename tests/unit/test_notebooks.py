"""Every notebook runs from top to bottom, quietly; its outputs belong to its cells, and its text has the same cells."""

import base64
import importlib.util
import json
import resource
import struct
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("update_notebooks", ROOT / "scripts" / "update_notebooks.py")
script = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(script)

NOTEBOOKS = sorted(script.NOTEBOOKS.glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# run by `make test`; the others by `make test-long`
QUICK = ("04_priors_and_coverage",)


def read(path):
    return nbformat.read(path, as_version=4)


def small_notebook():
    """Return a notebook of two cells that need no package."""
    code = "import base64\nfrom IPython.display import Image\nImage(base64.b64decode(PICTURE), format='png')"
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title\n\nWords."), nbformat.v4.new_code_cell(code)]
    return notebook


def keep(notebook, path):
    """Write a notebook and its text as the script does."""
    path.parent.joinpath("text").mkdir(exist_ok=True)
    nbformat.write(script.finish(notebook), path)
    script.text_path(path).write_text(script.text_of(notebook), "utf-8")


def test_there_are_notebooks_and_each_has_its_text():
    assert [int(path.stem[:2]) for path in NOTEBOOKS] == [1, 2, 3, 4, 5, 6]
    assert [path.stem for path in NOTEBOOKS] == sorted(path.stem for path in (script.NOTEBOOKS / "text").glob("*.py"))


@each_notebook
def test_notebook_is_valid_and_small(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info == {"name": "python"}
    assert [cell.id for cell in notebook.cells] == [f"step-{number:02d}" for number in range(len(notebook.cells))]
    assert path.stat().st_size < 1e6


@each_notebook
def test_headings_are_in_order(path):
    lines = [line for cell in read(path).cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    levels = [len(line) - len(line.lstrip("#")) for line in lines if line.startswith("#")]
    assert lines[0].startswith("# ")
    assert levels[0] == 1
    assert set(levels[1:]) == {2}


@each_notebook
def test_outputs_are_those_of_the_cells(path):
    notebook = read(path)
    assert script.complaints(notebook) == []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        assert script.stable(cell.outputs) == cell.outputs


@each_notebook
def test_text_has_the_cells_of_the_notebook(path):
    notebook, text = read(path), script.text_path(path)
    assert script.cells_of(jupytext.read(text)) == script.cells_of(notebook)
    assert text.read_text("utf-8") == script.text_of(notebook)


@each_notebook
def test_pictures_are_large_enough_to_be_read(path):
    pictures = [
        base64.b64decode(output.data["image/png"])
        for cell in read(path).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    for picture in pictures:
        width, height = struct.unpack(">II", picture[16:24])
        assert width >= 400
        assert height >= 200


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem, marks=() if path.stem in QUICK else pytest.mark.long) for path in NOTEBOOKS],
)
def test_notebook_runs(path, tmp_path, monkeypatch):
    # where the kernel looks for its files; without it, a warning about a change of these places
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = tmp_path / "here"
    folder.mkdir()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = script.finish(script.execute(read(path), folder))
    # of the kernel, on however busy a machine
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    print(f"{path.name} took {took:.1f} s")
    assert took > 1
    assert took < script.LIMIT
    assert script.complaints(done) == []
    assert list(folder.iterdir()) == [], "a notebook leaves no files behind"


def test_a_changed_cell_makes_outputs_old():
    notebook = script.finish(small_notebook())
    assert script.complaints(notebook) == ["there are no pictures"]
    notebook.cells[1].source += " "
    assert script.complaints(notebook)[0] == "its cells are not those that the outputs belong to"


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ({"output_type": "stream", "name": "stderr", "text": "a warning"}, "fails or warns"),
        ({"output_type": "stream", "name": "stdout", "text": "written to /home/someone/x.nc"}, "'/home/'"),
        ({"output_type": "stream", "name": "stdout", "text": "<Axes at 0x7f00aa10b0c0>"}, "'0x7f00aa10b0c0'"),
        ({"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}, "fails or warns"),
    ],
)
def test_outputs_that_no_reader_should_see_are_complained_of(output, found):
    notebook = small_notebook()
    notebook.cells[1].outputs = [nbformat.from_dict(output)]
    assert any(found in words for words in script.complaints(script.finish(notebook)))


def test_names_that_change_with_every_run_are_numbered():
    def shown(name, number):
        html = f'<input id="{name}"><label for="{name}"><table id="table{number}-12">'
        return [nbformat.from_dict({"output_type": "display_data", "metadata": {}, "data": {"text/html": html}})]

    first = script.stable(shown("0a6f1c52-7a3e-4c1e-9a55-0123456789ab", 139))
    assert first == script.stable(shown("ffffffff-7a3e-4c1e-9a55-0123456789ab", 7))
    assert json.dumps(first).count("part-0") == 2


def test_pieces_of_a_printed_text_are_joined():
    pieces = [{"output_type": "stream", "name": name, "text": text} for name, text in
              (("stdout", "a"), ("stdout", "b"), ("stderr", "c"))]  # fmt: skip
    joined = script.stable([nbformat.from_dict(piece) for piece in pieces])
    assert [(output.name, output.text) for output in joined] == [("stdout", "ab"), ("stderr", "c")]


def test_whichever_side_was_edited_is_taken(tmp_path):
    path = tmp_path / "notebook.ipynb"
    keep(small_notebook(), path)
    text = script.text_path(path)
    text.write_text(text.read_text("utf-8").replace("Words.", "Other words."), "utf-8")
    assert script.read_pair(path).cells[0].source == "# Title\n\nOther words."
    keep(small_notebook(), path)
    notebook = read(path)
    notebook.cells[0].source = "# Title\n\nNew words."
    nbformat.write(notebook, path)
    assert script.read_pair(path).cells[0].source == "# Title\n\nNew words."
    text.write_text(text.read_text("utf-8").replace("Words.", "Other words."), "utf-8")
    with pytest.raises(SystemExit, match="both edited"):
        script.read_pair(path)


def test_edited_prose_keeps_outputs_and_edited_code_does_not(tmp_path):
    path = tmp_path / "notebook.ipynb"
    notebook = small_notebook()
    picture = base64.b64encode((ROOT / "docs" / "one_to_one.png").read_bytes()).decode()
    notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", data={"image/png": picture})]
    keep(notebook, path)
    text = script.text_path(path)
    kept = read(path).cells[1].outputs
    text.write_text(text.read_text("utf-8").replace("Words.", "Other words."), "utf-8")
    script.update(path, prose=True)
    assert read(path).cells[0].source == "# Title\n\nOther words."
    assert read(path).cells[1].outputs == kept
    assert script.complaints(read(path)) == []
    text.write_text(text.read_text("utf-8").replace("PICTURE", "OTHER"), "utf-8")
    with pytest.raises(SystemExit, match="code was edited"):
        script.update(path, prose=True)
