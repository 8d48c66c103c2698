"""What a run of the whole pipeline made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr
from astropy.table import Table

from bayescannon.app.config import RunConfig
from bayescannon.app.stores import label_store
from bayescannon.app.training import training_reference
from bayescannon.cannon.options import choose_nuisances
from bayescannon.cannon.populations.either_model import validate
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.validation import Validation
from bayescannon.io.catalogue import read_catalogue
from bayescannon.io.store import open_store
from bayescannon.numerics.errors import InputError


@dataclass(frozen=True, repr=False)
class RunResult:
    """
    What a run made: its files, and what is in them, read or computed where an earlier run had finished it.

    Attributes
    ----------
    config : RunConfig
    outputs : mapping of str to Path
        ``store``, ``model``, ``validation``, ``catalogue``, and ``model_spectra``, ``uncertainties``, ``coverage``,
        ``compare``, ``figures`` and ``report`` where the configuration asks for them.
    made : dict
        What is in memory already.
    """

    config: RunConfig
    outputs: Mapping[str, Path]
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> TrainedModel | SurveyModel:
        """The trained model."""
        model: TrainedModel | SurveyModel = self._get("model", lambda: load_any_model(self.outputs["model"]))
        return model

    @property
    def reference(self) -> ReferenceSet:
        """The reference set after cuts and clipping."""

        def find() -> ReferenceSet:
            return training_reference(self.model, self.outputs["store"], self.config.labels)

        reference: ReferenceSet = self._get("reference", find)
        return reference

    @property
    def validation(self) -> Validation:
        """The validation on held-out stars."""
        chosen, label = self.config.validate, self.config.label

        def make() -> Any:
            return validate(
                self.model, self.reference, folds=chosen.folds, snr_min=chosen.snr_min, n_starts=label.starts,
                seed=label.seed,
            )  # fmt: skip

        validation: Validation = self._get("validation", make)
        return validation

    @property
    def catalogue(self) -> Table:
        """The catalogue."""
        table: Table = self._get("catalogue", lambda: read_catalogue(self.outputs["catalogue"]))
        return table

    @property
    def estimates(self) -> xr.Dataset:
        """
        The labels of every star of the store, those that the catalogue leaves out included, in memory.

        See :func:`bayescannon.cannon.labelling.label_spectra`.
        """
        chosen = self.config.label

        def make() -> xr.Dataset:
            return label_store(
                self.model, self.outputs["store"], prior=chosen.prior, n_starts=chosen.starts, seed=chosen.seed,
                nuisances=choose_nuisances(chosen, self.model.options.nuisances),
                n_draws=chosen.draws if chosen.posterior else 0, correct_offsets=chosen.correct_offsets,
                odd=chosen.odd,
            )  # fmt: skip

        estimates: xr.Dataset = self._get("estimates", make)
        return estimates

    @property
    def model_spectra(self) -> xr.Dataset:
        """The spectra of the best-fit models, not loaded; an InputError if the run has none."""
        path = self._output("model_spectra")
        spectra: xr.Dataset = self._get("model_spectra", lambda: open_store(path))
        return spectra

    @property
    def uncertainties(self) -> xr.Dataset:
        """The kinds of error of the stars, in memory; an InputError if the run has none."""
        path = self._output("uncertainties")

        def read() -> xr.Dataset:
            with xr.open_dataset(path, engine="h5netcdf") as opened:
                return opened.load()

        budget: xr.Dataset = self._get("uncertainties", read)
        return budget

    @property
    def coverage(self) -> Table:
        """The catalogue with all scores of coverage; an InputError if the run has none."""
        path = self._output("coverage")
        table: Table = self._get("coverage", lambda: read_catalogue(path))
        return table

    def _output(self, name: str) -> Path:
        """Return the place of what not all runs make."""
        if name not in self.outputs:
            raise InputError(f"the run has no {name.replace('_', ' ')}: its configuration does not ask for them")
        return self.outputs[name]

    def _get(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what is in memory, or make it."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def __repr__(self) -> str:
        return f"<RunResult: {', '.join(map(str, self.outputs.values()))}>"
