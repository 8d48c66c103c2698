"""A model file of version 0.2.0 with everything that a model may have, what it must give, and a changed copy."""

import json
from pathlib import Path

OLD = Path(__file__).parents[1] / "data" / "model_0.2.0.nc"
EXPECTED = json.loads(OLD.with_suffix(".json").read_text())


def with_changed_value(tree, name):
    """The tree with the first value of a variable changed."""
    group, variable = name.split("/")
    changed = tree.copy(deep=True)
    values = changed[group].to_dataset(inherit=False)
    numbers = values[variable].to_numpy().copy()
    first = (0,) * numbers.ndim
    numbers[first] = "?" if numbers.dtype.kind in "OUT" else numbers[first] + 1
    changed[group].dataset = values.assign({variable: (values[variable].dims, numbers, values[variable].attrs)})
    return changed
