"""Configurations of whatever keys and values: each is read, or refused in a sentence that names the key."""

from dataclasses import fields

import pytest
from fuzzing import CASES, bounded, damage, damages, run
from hypothesis import strategies as st

from bayescannon.app.config import (
    LabelConfig,
    LabelsConfig,
    PrepareConfig,
    RunConfig,
    TrainConfig,
    ValidateConfig,
    read_config,
    read_label_tables,
)
from bayescannon.numerics.errors import BayesCannonError

SECTIONS = {
    "prepare": PrepareConfig, "labels": LabelsConfig, "train": TrainConfig, "label": LabelConfig,
    "validate": ValidateConfig,
}  # fmt: skip
GOOD = 'out = "out"\n[prepare]\nspectra = "spectra"\n[labels]\ntable = "t.csv"\n'


def _words(kind):
    """Names of the keys of a section, and the values that they may have."""
    keys, values = [], set()
    for item in fields(kind):
        keys.append(item.name)
        values |= {one for one in item.metadata.get("values") or () if isinstance(one, str)}
    return keys, sorted(values)


WORDS = {name: _words(kind) for name, kind in SECTIONS.items()}
VALUES = sorted({value for _, values in WORDS.values() for value in values})


def _toml(value):
    """Write a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = "".join(sign if sign.isprintable() and sign not in '"\\' else f"\\U{ord(sign):08x}" for sign in value)
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    return str(value)


plain = st.one_of(
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.sampled_from([-1, 0, 1, 2, 8, 10**9, -(10**9)]),
    st.floats().map(lambda x: float(x)),
    st.sampled_from(
        [*VALUES, "", ".", "/", "~", "teff", "logg", "fe_h", "auto", "none", "a=b", "4000:7000:1e-300", "\0", "\x1b[2J"]
    ),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
)
nested = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.sampled_from(["teff", "logg", "fe_h", "id"]), st.text("ab", min_size=1)), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


@st.composite
def documents(draw):
    """Return the text of a configuration with a few keys that are set to anything."""
    lines = [f"out = {_toml(draw(st.one_of(st.just('out'), nested)))}"]
    if draw(st.booleans()):
        lines.append(f"figures = {_toml(draw(nested))}")
    for name, (keys, _) in WORDS.items():
        several = name == "labels" and draw(st.booleans())
        lines.append(f"[[{name}]]" if several else f"[{name}]")
        given = draw(
            st.dictionaries(st.one_of(st.sampled_from(keys), st.sampled_from(["typo", "out"])), nested, max_size=3)
        )
        given = {"spectra": "spectra"} | given if name == "prepare" else given
        given = {"table": "t.csv"} | given if name == "labels" else given
        lines += [f"{key} = {_toml(value)}" for key, value in given.items()]
    return "\n".join(lines) + "\n"


def _read(path):
    for read in (read_config, read_label_tables):
        try:
            with bounded():
                found = read(path)
        except BayesCannonError as error:
            message = str(error)
            # long values are shown in full, as they are the user's own
            if not message.strip():
                pytest.fail("a refusal without a reason")
        else:
            if read is read_config and not isinstance(found, RunConfig):
                pytest.fail(f"read {found!r}")


@pytest.mark.parametrize("n", CASES)
def test_configurations_of_any_values(tmp_path, n):
    path = tmp_path / "run.toml"

    def check(text):
        path.write_text(text, encoding="utf-8")
        _read(path)

    run(check, documents(), n=n)


@pytest.mark.parametrize("n", CASES)
def test_damaged_configurations(tmp_path, n):
    path = tmp_path / "run.toml"
    more = (
        "[train]\nlabel_names = ['teff', 'logg']\nkeep = { teff = [4000, 5500] }\nfolds = 8\n[label]\nprior = 'flat'\n"
    )

    def check(bytewise):
        path.write_bytes(damage((GOOD + more).encode(), bytewise))
        _read(path)

    path.write_text(GOOD + more)
    assert read_config(path).train.folds == 8
    run(check, damages(), n=n)
