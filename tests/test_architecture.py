"""The house has one way through it: who may import whom, and what never enters which room."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "bayescannon"
TESTS = Path(__file__).parent

# A room imports only from rooms before it; inside a room there are no circles.
ROOMS = [
    "numerics",
    "data",
    "io",
    "models",
    "stars",
    "pixels",
    "reliability",
    "cannon",
    "uncertainty",
    "figures",
    "mock",
    "app",
]
# distributions are written in models/ and nowhere else
ONLY_IN_MODELS = {"pymc", "pytensor"}
FORBIDDEN = {
    "numerics": {"astropy", "xarray"},
    "io": {"arviz", "numba"},
    "models": {"astropy", "numba", "scipy"},
    "stars": {"astropy"},
    "figures": {"scipy", "numba", "xarray"},
}


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name):
    return name.split(".")[0]


def imports(path):
    """Every module imported anywhere in a file, except under TYPE_CHECKING."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import; imports are absolute"
            yield node.module


MODULES = sorted(PACKAGE.rglob("*.py"))
INSIDE = [path for path in MODULES if room_of(module_name(path)) not in ("", "__main__")]


def test_the_rooms_are_the_folders_and_few_names_lie_beside_them():
    names = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert {name for name in names if "." not in name} == set(ROOMS)
    assert len(names) <= 15


@pytest.mark.parametrize("path", INSIDE, ids=module_name)
def test_rooms_import_one_way(path):
    room = room_of(module_name(path))
    for imported in imports(path):
        if imported.startswith("bayescannon."):
            other = room_of(imported.removeprefix("bayescannon."))
            assert ROOMS.index(other) <= ROOMS.index(room), f"{module_name(path)} must not import {imported}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_circles_in_a_room(room):
    needs = {
        module_name(path): {
            name.removeprefix("bayescannon.") for name in imports(path) if name.startswith(f"bayescannon.{room}.")
        }
        for path in (PACKAGE / room).rglob("*.py")
    }
    while needs:
        free = {name for name, others in needs.items() if not others & needs.keys()}
        assert free, f"these modules import each other: {', '.join(sorted(needs))}"
        needs = {name: others for name, others in needs.items() if name not in free}


@pytest.mark.parametrize("path", INSIDE, ids=module_name)
def test_what_never_enters_a_room(path):
    room = room_of(module_name(path))
    forbidden = FORBIDDEN.get(room, set()) | (set() if room == "models" else ONLY_IN_MODELS)
    found = {imported.split(".")[0] for imported in imports(path)} & forbidden
    assert not found, f"{module_name(path)} must not import {', '.join(sorted(found))}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_comes_in_and_what_goes_out(room):
    doc = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")))
    assert doc
    assert len(doc.splitlines()) <= 8


@pytest.mark.parametrize("path", [*MODULES, *TESTS.rglob("*.py")], ids=lambda path: str(path.relative_to(TESTS.parent)))
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


# The folders of tests that have the rooms in them. A module with more lines of code has a test file of its name.
KINDS = ("unit", "oracle", "published", "statistical")
MOST_UNTESTED_LINES = 30
# The command line is tested as one, by what users type.
TESTED_TOGETHER = {
    "app.cli_parser": "unit/app/test_cli.py",
    "app.cli_verbs": "unit/app/test_cli.py",
    "app.star_verbs": "unit/app/test_cli.py",
    "app.cli_values": "unit/app/test_cli.py",
    "app.pictures": "unit/app/test_cli.py",
    "app.result": "unit/app/test_cli_run.py",
    "app.run": "unit/app/test_cli_run.py",
    "app.run_steps": "unit/app/test_cli_run.py",
}


def lines_of_code(path):
    """The number of lines that are not blank, comment or docstring."""
    source = path.read_text(encoding="utf-8")
    texts = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            texts.update(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and line.strip()[0] != "#" and number not in texts for number, line in lines)


def mirrors(name):
    """The files that test a module of a room, or of a folder in it."""
    *folders, module = name.split(".")
    return [path for kind in KINDS if (path := TESTS.joinpath(kind, *folders) / f"test_{module}.py").exists()]


@pytest.mark.parametrize("path", INSIDE, ids=module_name)
def test_a_module_of_any_size_has_a_test_file_of_its_name(path):
    name = module_name(path)
    if path.name == "__init__.py" or lines_of_code(path) <= MOST_UNTESTED_LINES:
        return
    if name in TESTED_TOGETHER:
        assert (TESTS / TESTED_TOGETHER[name]).exists()
        assert not mirrors(name), f"{name} has a test file of its own: take it off the list"
    else:
        assert mirrors(name), f"no tests/{{{','.join(KINDS)}}}/{name.replace('.', '/test_')}.py"


@pytest.mark.parametrize("kind", KINDS)
def test_test_files_of_a_room_are_named_after_its_modules(kind):
    """`test_training_label_errors.py` is of `training`; `test_figures.py` of the whole room."""
    for path in (TESTS / kind).glob("*/**/test_*.py"):
        folder = path.parent.relative_to(TESTS / kind)
        room = folder.parts[0]
        assert room in ROOMS, path
        names = [room, *(module.stem for module in (PACKAGE / folder).glob("*.py"))]
        tested = path.stem.removeprefix("test_")
        assert any(tested == name or tested.startswith(f"{name}_") for name in names), f"{path} is of no module"


def test_few_functions_take_many_parameters():
    """What travels together is one argument; the public verbs keep the keywords that users know."""

    def parameters(node):
        arguments = node.args
        named = [x.arg for x in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        extra = (arguments.vararg is not None) + (arguments.kwarg is not None)
        return len([name for name in named if name not in ("self", "cls")]) + extra

    many = {
        f"{module_name(path)}.{node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and parameters(node) > 8
    }
    assert len(many) <= 9, ", ".join(sorted(many))


def test_threads_are_started_in_one_place():
    """A pool beside `map_items` would forget to give each call one BLAS thread; the simulator has a progress bar."""
    starting = {module_name(path) for path in MODULES if "concurrent.futures" in set(imports(path))}
    assert starting <= {"numerics.threads", "mock.survey", "io.preparation"}


def test_the_public_names_are_few_enough_to_be_read():
    import bayescannon

    assert len(bayescannon.__all__) <= 75
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bayescannon.nothing


def test_the_package_and_its_help_import_only_the_standard_library():
    code = (
        "import sys, bayescannon; from bayescannon.app.cli_parser import build_parser; build_parser().format_help(); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = set(done.stdout.split()) - sys.stdlib_module_names
    assert {name for name in heavy if not name.startswith("_")} == {"bayescannon"}


def test_the_walk_in_contributing_names_files_and_functions_that_exist():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    steps = re.findall(r"\| `(\w+/\w+\.py)` \| `(\w+)` \|", text)
    assert len(steps) > 20
    for file, name in steps:
        tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert name in defined, f"{file} has no {name}"
    for file in re.findall(r"`(\w+/\w+\.py)`", text):
        assert (PACKAGE / file).exists() or (PACKAGE.parent / file).exists(), file
