"""What holds for all figures: they know no solver, no global state, and only one of them writes files."""

import ast
from pathlib import Path

import bayescannon.figures

SOURCES = sorted(Path(bayescannon.figures.__path__[0]).glob("*.py"))


def test_figures_import_no_solver_and_no_global_state() -> None:
    imported = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module)
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    own = {name.split(".")[1] for name in imported if name.startswith("bayescannon.")}
    assert own <= {"figures", "data", "io", "models", "numerics", "cannon"}
    foreign = {name.split(".")[0] for name in imported} - {"bayescannon"}
    assert foreign <= {
        "arviz_stats", "astropy", "collections", "itertools", "math", "matplotlib", "numpy", "os", "pathlib", "typing",
    }  # fmt: skip
    assert not any(name.startswith("matplotlib.pyplot") for name in imported)
    assert "matplotlib.use" not in imported


def test_only_save_figure_writes_files() -> None:
    writers = {"savefig", "print_figure", "open", "write_text", "write_bytes", "tofile", "save", "savetxt"}
    calls = [
        (path.name, getattr(node.func, "attr", getattr(node.func, "id", "")))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]
    assert [call for call in calls if call[1] in writers] == [("style.py", "savefig")]
    assert ("one_to_one.py", "hexbin") in calls
