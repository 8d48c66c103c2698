"""
Run the notebooks, keep what they put out, and write each one's text beside it.

Usage: python scripts/update_notebooks.py [--check | --prose] [NAME ...]

A notebook is kept twice: `notebooks/NAME.ipynb` with its outputs, to be read, and `notebooks/text/NAME.py`, a script
with the same cells (jupytext's `py:percent`), to be edited, compared and linted: code inside of markdown would not be
seen by ruff. Edit either; the other follows. If both were edited the script stops. With `--prose` outputs are kept and
nothing is run, which is refused where code was edited; with `--check` nothing is written either.
"""

import argparse
import base64
import copy
import hashlib
import io
import json
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
# seconds of one core that a notebook may take, and of the clock that one of its cells may take on a busy machine
LIMIT, PATIENCE = 60, 300
# where this is kept in a notebook's metadata
KEY = "bayescannon"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# the kernel is a process of its own; warnings of the package stop the notebook
STRICT = r"import warnings; warnings.filterwarnings('error', module=r'bayescannon(\.|$)')"
# what differs between two runs of the same code: names of HTML elements
_UNSTABLE = (
    re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
    # in JSON, where quotes are escaped
    re.compile(r'(?<=id=\\"table)\d+(?:-\d+)?'),
)
# what no output may hold: folders of the machine, addresses of objects
FOREIGN = re.compile(r"/(?:home|root|tmp|work|usr|opt|Users|private)/|\b0x[0-9a-f]{6,}|site-packages")


def text_path(path: Path) -> Path:
    """Return where the text of a notebook is."""
    return path.parent / "text" / f"{path.stem}.py"


def cells_of(notebook: Any) -> list[tuple[str, str]]:
    """Return the type and the source of each cell."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def hash_of(cells: list[tuple[str, str]]) -> str:
    """Return a hash of cells."""
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def hashes(notebook: Any) -> dict[str, str]:
    """Return the hashes of a notebook's code, which its outputs belong to, and of all of its cells."""
    cells = cells_of(notebook)
    return {"code_sha256": hash_of([cell for cell in cells if cell[0] == "code"]), "cells_sha256": hash_of(cells)}


def text_of(notebook: Any) -> str:
    """Return the text of a notebook, without its outputs."""
    bare = nbformat.v4.new_notebook(metadata={"kernelspec": METADATA["kernelspec"]})
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    bare.cells = [make[kind](source) for kind, source in cells_of(notebook)]
    bare.metadata["jupytext"] = {"notebook_metadata_filter": "kernelspec,-jupytext", "cell_metadata_filter": "-all"}
    return jupytext.writes(bare, fmt="py:percent")


def read_pair(path: Path) -> Any:
    """
    Read a notebook with the cells of whichever side was edited.

    Raises
    ------
    SystemExit
        Both sides were edited, or there is neither.
    """
    text = text_path(path)
    notebook = nbformat.read(path, as_version=4) if path.exists() else None
    written = jupytext.read(text) if text.exists() else None
    if notebook is None and written is None:
        raise SystemExit(f"there is neither {path} nor {text}")
    if notebook is None or written is None:
        return written or notebook
    kept = notebook.metadata.get(KEY, {}).get("cells_sha256")
    ours, theirs = hash_of(cells_of(notebook)), hash_of(cells_of(written))
    if ours != theirs and kept not in (ours, theirs):
        raise SystemExit(f"{path.name} and its text were both edited: restore one of them with git")
    if ours != theirs and kept == ours:
        notebook.cells = written.cells
    return notebook


def small(picture: str) -> str:
    """Return a PNG in base64 with at most 256 colours, which makes it three times smaller."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    written = io.BytesIO()
    image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        written, "png", optimize=True
    )
    return base64.b64encode(written.getvalue()).decode()


def stable(outputs: list[Any]) -> list[Any]:
    """Return outputs with numbered names in place of those that change with every run, and smaller pictures."""
    text = json.dumps(outputs)
    found: dict[str, str] = {}
    for pattern in _UNSTABLE:
        text = pattern.sub(lambda match: found.setdefault(match.group(), f"part-{len(found)}"), text)
    done: list[Any] = []
    for given in json.loads(text):
        output = nbformat.from_dict(given)
        # how a text is cut into messages depends on the time
        if done and output.output_type == "stream" and done[-1].get("name") == output.name:
            done[-1].text += output.text
            continue
        done.append(output)
        if "image/png" in output.get("data", {}):
            output.data["image/png"] = small(output.data["image/png"])
    return done


def execute(notebook: Any, folder: Path) -> Any:
    """Return the notebook as run in an empty folder by a kernel that takes warnings of the package as errors."""
    run = copy.deepcopy(notebook)
    run.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    client = NotebookClient(
        run, timeout=PATIENCE, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    del run.cells[0]
    return run


def complaints(notebook: Any) -> list[str]:
    """Return what is wrong with the outputs of a notebook: none, old ones, errors, warnings, folders of a machine."""
    found = []
    if notebook.metadata.get(KEY) != hashes(notebook):
        found.append("its cells are not those that the outputs belong to")
    outputs = [(cell, output) for cell in notebook.cells for output in cell.get("outputs", [])]
    if not any("image/png" in output.get("data", {}) for _, output in outputs):
        found.append("there are no pictures")
    for cell, output in outputs:
        words = json.dumps({**output, "data": {k: v for k, v in output.get("data", {}).items() if k != "image/png"}})
        if output.output_type == "error" or output.get("name") == "stderr":
            found.append(f"a cell fails or warns:\n{cell.source}\n{words}")
        if foreign := FOREIGN.search(words):
            found.append(f"an output has {foreign.group()!r}:\n{cell.source}")
    return found


def finish(notebook: Any) -> Any:
    """Return a notebook as it is kept: stable names, cells numbered in order, and the hashes of its cells."""
    done = nbformat.v4.new_notebook(metadata=copy.deepcopy(METADATA))
    count = 0
    for number, cell in enumerate(notebook.cells):
        kept = nbformat.v4.new_markdown_cell(cell.source)
        if cell.cell_type == "code":
            count += 1
            kept = nbformat.v4.new_code_cell(cell.source, execution_count=count, outputs=stable(cell.outputs))
            for output in kept.outputs:
                if "execution_count" in output:
                    output["execution_count"] = count
        kept["id"] = f"step-{number:02d}"
        done.cells.append(kept)
    done.metadata[KEY] = hashes(done)
    return done


def with_old_outputs(notebook: Any, path: Path) -> Any:
    """
    Return a notebook with the outputs that are stored.

    Raises
    ------
    SystemExit
        They are not of this code.
    """
    old = nbformat.read(path, as_version=4)
    if hashes(notebook)["code_sha256"] != old.metadata.get(KEY, {}).get("code_sha256"):
        raise SystemExit(f"{path.name}: code was edited, so that its outputs are old; run it without --prose")
    outputs = [cell.outputs for cell in old.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = outputs.pop(0)
    return notebook


def update(path: Path, *, prose: bool = False) -> None:
    """Run one notebook, or only take edited prose, and write it and its text."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        pair = read_pair(path)
        done = finish(with_old_outputs(pair, path) if prose else execute(pair, Path(folder)))
    if found := complaints(done):
        raise SystemExit(f"{path.name}: " + "\n".join(found))
    nbformat.validate(done)
    text_path(path).parent.mkdir(exist_ok=True)
    nbformat.write(done, path)
    text_path(path).write_text(text_of(done), "utf-8")
    print(f"{path.name}: {time.monotonic() - start:.0f} s, {path.stat().st_size / 1e3:.0f} kB", flush=True)


def main() -> None:
    """Update the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="as 01_first_steps; all unless given")
    parser.add_argument("--check", action="store_true", help="only say what is out of step")
    parser.add_argument("--prose", action="store_true", help="take edited texts between the cells, and run nothing")
    arguments = parser.parse_args()
    found = {path.stem for path in (*NOTEBOOKS.glob("*.ipynb"), *(NOTEBOOKS / "text").glob("*.py"))}
    # where the kernel looks for its files; without it, a warning about a change of these places
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    for name in arguments.names or sorted(found):
        path = NOTEBOOKS / f"{name}.ipynb"
        if not arguments.check:
            update(path, prose=arguments.prose)
            continue
        notebook = nbformat.read(path, as_version=4)
        wrong = complaints(notebook)
        if text_of(notebook) != text_path(path).read_text("utf-8"):
            wrong.append("its text has other cells")
        if wrong:
            raise SystemExit(f"{path.name}: " + "\n".join(wrong))


if __name__ == "__main__":
    main()
