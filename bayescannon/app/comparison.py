"""Compare the models of several configurations on the same stars."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from bayescannon.app.config import ConfigError, RunConfig, read_config, tables_of
from bayescannon.app.training import build_from_config, notes_of, read_sources
from bayescannon.cannon.choices import N_FOLDS, SEED, ReferenceChoices
from bayescannon.cannon.comparison_table import ModelComparison
from bayescannon.cannon.model_comparison import compare_models
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.source_choices import MergeChoices
from bayescannon.cannon.training import train_clipped
from bayescannon.data.tally import tally_text
from bayescannon.numerics.progress import Progress

type Say = Callable[[str], None]


def compare_configs(
    paths: Sequence[str | Path],
    *,
    store: str | Path | None = None,
    folds: int = N_FOLDS,
    seed: int = SEED,
    say: Say | None = None,
    progress: Progress = None,
) -> ModelComparison:
    """
    Compare the models of configurations, by :func:`bayescannon.cannon.model_comparison.compare_models`.

    Their names are those of the files. All have the same table of labels, cuts and clip; a spectrum that the clip of
    any of them drops is left out for all.

    Parameters
    ----------
    paths : sequence of path
        Of TOML files, as of ``bayescannon run``.
    store : path, optional
        Prepared spectra; the one that a run of these configurations wrote unless given.
    folds, seed, progress
        As in that function.
    say : callable, optional
        Takes texts on what was taken and dropped.

    Raises
    ------
    ConfigError
        No configuration, two of one name, sections that differ in what must be the same, or no store or several.
    BayesCannonError
        As the steps do.
    """
    say = say or (lambda _: None)
    configs: dict[str, RunConfig] = {}
    for path in map(Path, paths):
        if path.stem in configs:
            raise ConfigError(f"models are named after their configurations; two are called {path.stem}. Rename one")
        configs[path.stem] = read_config(path)
    if not configs:
        raise ConfigError("give at least one configuration to compare; got none")
    _require_same_stars(configs)
    several = [name for name, config in configs.items() if config.train.populations is not None]
    if several:
        raise ConfigError(
            f"models of one population are compared, and {several[0]} has populations = "
            f"{configs[several[0]].train.populations!r}; leave them out, or compare survey models by their validations"
        )
    first = next(iter(configs.values()))
    names = list(dict.fromkeys(name for config in configs.values() for name in config.train.label_names))
    used = Path(store) if store is not None else _written_store(configs)
    widest = type(first.train).of(first.train, label_names=names)
    sources = read_sources(first.labels, widest)
    for note in notes_of(sources):
        say(note)
    say(f"spectra: {used}; labels: {', '.join(names)}")
    reference = build_from_config(used, sources, first.labels, widest, seed=seed)
    reference = _clipped_by_none(reference, configs, seed=seed)
    say(tally_text(reference.tally))
    return compare_models(
        reference,
        {name: config.train.options() for name, config in configs.items()},
        label_sets={name: config.train.label_names for name, config in configs.items()},
        folds=folds,
        seed=seed,
        progress=progress,
    )


def _require_same_stars(configs: dict[str, RunConfig]) -> None:
    """Raise unless all configurations read, cut and clip the same labels."""
    (first_name, first), *others = configs.items()
    kinds = (ReferenceChoices, MergeChoices)
    keys = [item.name for kind in kinds for item in fields(kind) if item.name != "label_names"]
    for name, config in others:
        for section, one, other in (
            *_tables(first, config, (first_name, name)),
            ("train", {k: getattr(first.train, k) for k in keys}, {k: getattr(config.train, k) for k in keys}),
        ):
            for key, value in one.items():
                if other[key] != value:
                    raise ConfigError(
                        f"models are compared on the same stars, so [{section}] {key} must be the same in all "
                        f"configurations; it is {value!r} in {first_name} and {other[key]!r} in {name}"
                    )


def _tables(
    first: RunConfig, other: RunConfig, names: tuple[str, str]
) -> list[tuple[str, dict[str, object], dict[str, object]]]:
    """Pair the tables of labels of two configurations."""
    one, two = tables_of(first.labels), tables_of(other.labels)
    if len(one) != len(two):
        raise ConfigError(
            "models are compared on the same stars, so all configurations must have the same [[labels]]; there are "
            f"{len(one)} in {names[0]} and {len(two)} in {names[1]}"
        )
    return [("labels", asdict(a), asdict(b)) for a, b in zip(one, two, strict=True)]


def _written_store(configs: dict[str, RunConfig]) -> Path:
    """Return the store that runs of these configurations wrote."""
    stores = list(dict.fromkeys(Path(config.out) / "store.zarr" for config in configs.values()))
    found = [path for path in stores if path.exists()]
    if len(found) != 1:
        what = "none of them has been run" if not found else f"there are {', '.join(map(str, found))}"
        raise ConfigError(
            f"models are compared on the spectra of one store, {stores[0].name} in the configurations' out; {what}. "
            "Name it with --store"
        )
    return found[0]


def _clipped_by_none(reference: ReferenceSet, configs: dict[str, RunConfig], *, seed: int) -> ReferenceSet:
    """Leave out the spectra that the clip rounds of any of the models drop."""
    import numpy as np

    if next(iter(configs.values())).train.clip_rounds == 0:
        return reference
    for name, config in configs.items():
        train = config.train
        _, kept = train_clipped(
            reference.with_labels(train.label_names), n_sigma=train.clip_sigma, max_rounds=train.clip_rounds,
            options=train.options(), seed=seed,
        )  # fmt: skip
        dropped = ~np.isin(reference.spectra.id, kept.spectra.id)
        if dropped.any():
            reference = reference.drop(dropped, f"clip rounds of {name}")
    return reference
