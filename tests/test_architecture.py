"""The house has one way through it: who may import whom, and what never enters which room."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "bayescannon"

# A module imports only from rooms above its own; a folder is one room, whose files may import each other.
ROOMS = [
    [
        "version",
        "machine",
        "label_vector",
        "outputs",
        "apogee_flags",
        "density_kernels",
        "pareto_kernels",
        "mixture_kernels",
        "pixel_kernels",
        "sparse_kernels",
        "smooth_kernels",
        "sandwich_kernels",
        "calibration_kernels",
    ],
    [
        "labels",
        "flags",
        "packing",
        "pixel_prior",
        "population",
        "quartic_kernels",
        "label_density",
        "weights",
        "empirical",
        "hull",
        "neighbours",
        "calibration",
    ],
    ["posterior_kernels", "sensitivity_kernels"],
    ["pixel_block", "smooth_process", "label_population", "novelty", "calibration_problem", "mislabelled"],
    ["calibration_fit"],
    ["coverage"],
    ["spectra", "label_table", "pixel_fit", "quartic", "preset", "models", "figures", "catalogue_provenance"],
    ["compressed", "label_moments", "hidden", "influence", "repeats"],
    ["sparse_fit", "smooth_chain", "latent_labels"],
    ["smooth_fit", "label_errors"],
    ["reference", "trained_model", "population_learners", "training_options", "prepare", "catalogue_mrt"],
    ["likelihood", "spectral_fit", "reference_errors", "catalogue_formats", "mock", "label_distance"],
    ["infer", "posterior", "catalogue_columns"],
    ["posterior_nuts", "extreme_deconvolution"],
    ["star_posterior", "reference_priors"],
    ["compare_priors"],
    ["io", "training", "catalogue", "sandwich", "coefficient_errors", "calibrate"],
    ["bootstrap", "jackknife", "held_out"],
    ["coverage_assessment", "error_kinds"],
    ["qualify", "uncertainty", "uncertainty_tree"],
    ["prepare_report", "validation", "pipeline"],
    ["prepare_files", "config", "terminal", "error_shares"],
    ["run"],
    ["demo"],
    ["cli_parser"],
    ["cli"],
    ["", "__main__"],
]
FOLDERS = {"io", "models", "mock", "figures"}
FORBIDDEN = {
    "io": {"pymc", "pytensor", "arviz", "numba"},
    "models": {"astropy", "numba", "scipy"},
    "figures": {"pymc", "scipy", "numba", "xarray"},
    "quartic": {"astropy", "pymc", "xarray"},
    "quartic_kernels": {"astropy", "pymc", "xarray"},
}


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name):
    room = name.split(".")[0]
    for level, members in enumerate(ROOMS):
        if room in members:
            return level, room
    pytest.fail(f"module {name!r} has no room; give it one in ROOMS and say why in CONTRIBUTING.md")
    return None


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


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_one_way(path):
    level, room = room_of(module_name(path))
    for imported in imports(path):
        if imported.startswith("bayescannon."):
            other_level, other_room = room_of(imported.removeprefix("bayescannon."))
            inside = room == other_room and room in FOLDERS
            assert other_level < level or inside, f"{module_name(path)} must not import {imported}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_what_never_enters_a_room(path):
    name = module_name(path)
    forbidden = FORBIDDEN.get(name.split(".")[0], set())
    if not name.startswith("models"):
        # distributions are written in models/ and nowhere else
        forbidden = forbidden | {"pymc", "pytensor"}
    found = {imported.split(".")[0] for imported in imports(path)} & forbidden
    assert not found, f"{name} must not import {', '.join(sorted(found))}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_public_names_exist_and_are_few():
    import bayescannon

    assert len(bayescannon.__all__) <= 21  # with __version__
    for name in bayescannon.__all__:
        assert getattr(bayescannon, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bayescannon.nothing


def test_help_imports_nothing_heavy():
    """The modules imported at the top of the command line are only the standard library's and version."""
    light = {"argparse", "sys", "collections.abc", "pathlib", "typing", "bayescannon.version", "bayescannon.cli_parser"}
    for file in ("cli.py", "cli_parser.py"):
        tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
        top = {
            name
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        }
        assert top <= light
