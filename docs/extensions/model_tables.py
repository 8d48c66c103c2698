"""The groups and variables of a model's file, from the texts that are written into it."""

import ast
import inspect
import warnings
from collections.abc import Mapping

from markdown_tables import cell, code, table

from bayescannon.cannon import model_layout, variable_texts

# group of the file: the texts of its variables, and what it holds
GROUPS = {
    "/": ("ROOT", "names and units of the labels; attributes say where the model comes from"),
    "model": ("MODEL", "numbers of the pixels, and the scales of the labels"),
    "populations": ("POPULATIONS", "what was learned of all pixels or stars together, where the training learns it"),
    "latent_labels": ("LATENT_LABELS", "true labels of reference stars, with `--label-errors`"),
    "component_choice": (
        "COMPONENT_CHOICE",
        "what held-out stars decided, with `--hidden auto`",
    ),
    "reference": ("REFERENCE", "the reference stars, and how they were selected"),
    "held_out": ("HELD_OUT", "labels of the reference stars by models of the other folds, of a qualified model"),
    "calibration": ("CALIBRATION", "the distribution of errors, of a qualified model; of scaled labels"),
    "coverage": ("COVERAGE", "the reference of coverage and novelty, of a qualified model; of scaled labels"),
}


def groups_of_layout() -> set[str]:
    """Return the groups that `model_groups` lays out, from its code."""
    tree = ast.parse(inspect.getsource(model_layout.model_groups))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "describe_variables":
            found.add(ast.unparse(node.args[1]).rpartition(".")[2])
    return found


def dims_of_layout() -> dict[str, dict[str, str]]:
    """Return the dims of every variable, by group, of a small model with all that a training may learn."""
    import bayescannon as bc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is too small for anything but its layout
        survey = bc.simulate_survey(150, 0, seed=1)
        spectra = bc.prepare_spectra(list(survey.spectra()))
        reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
        learned = {"coefficients": "pooled", "noise": "global", "label_errors": "table", "hidden": 2}
        model = bc.qualify(bc.train(reference, **learned), reference)
    return {
        group: {str(name): ", ".join(map(str, values.dims)) for name, values in dataset.variables.items()}
        for group, dataset in model_layout.model_groups(model).items()
    }


def model() -> str:
    """Return a section for each group, with the dims of its variables."""
    return tables(dims_of_layout())


def tables(dims: Mapping[str, Mapping[str, str]]) -> str:
    """Return a section for each group: variables with dims, as far as they are given, units and meanings."""
    known = {texts for texts, _ in GROUPS.values()}
    if known != groups_of_layout():
        raise LookupError(f"model_layout has the groups {groups_of_layout()}; docs/extensions/model_tables.py {known}")
    parts = []
    for name, (texts, said) in GROUPS.items():
        own = dims.get(name, {})
        rows = [
            (code(key), cell(own.get(key, "")), cell(unit), cell(text))
            for key, (text, unit) in getattr(variable_texts, texts).items()
        ]
        variables = table(("variable", "dims", "unit", "meaning"), rows)
        parts += [f"### `{name}`", said[0].upper() + said[1:] + ".", variables]
    parts += [
        "### `options` and `odd`",
        "Attributes only: the choices of the training as JSON; what held-out stars say of odd spectra, with `--odd`.",
        f"The kind is `{model_layout.KIND}`, or `{model_layout.SURVEY_KIND}` of a file with a model for each "
        f"population; the schema version is {model_layout.SCHEMA_VERSION}.",
    ]
    return "\n\n".join(parts)
