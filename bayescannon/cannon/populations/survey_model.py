"""The survey model: a wide router over all populations, and a local model of each."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import LabelTableChoices
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.populations.held_out_membership import HeldOutMembership
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.labels import Label
from bayescannon.data.star_groups import counted
from bayescannon.data.tally import TallyRow
from bayescannon.models.label_regions import LabelRegions
from bayescannon.numerics.errors import InputError


@dataclass(frozen=True)
class SurveyModel:
    """
    Several Cannons: a router that is trained on all cool stars together, and a model of each population.

    The router's labels say to which populations a star can belong, and the models of those say its labels: see
    :mod:`bayescannon.cannon.populations.membership`.

    Attributes
    ----------
    router : TrainedModel
    regions : LabelRegions
        M populations in label space.
    models : tuple of M TrainedModel or None
        In the order of the regions; None where the router serves.
    evidence_power : float
        The power beta of the local models' evidence in membership; 0 leaves membership to the router's labels.
    held_out : HeldOutMembership, optional
        Membership of reference stars by models that never saw them.
    notes : tuple of str
        What was decided about the populations: regions that were merged, stars that the router was not trained on.
    label_table : LabelTableChoices, optional
        As in :class:`bayescannon.cannon.trained_model.TrainedModel`.
    """

    router: TrainedModel
    regions: LabelRegions
    models: tuple[TrainedModel | None, ...]
    evidence_power: float = 0.0
    held_out: HeldOutMembership | None = None
    notes: tuple[str, ...] = ()
    label_table: LabelTableChoices | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.models) != len(self.regions):
            raise InputError(f"{len(self.regions)} populations need as many models; got {len(self.models)}")
        self.regions.require(self.router.label_names)
        for name, model in zip(self.regions.names, self.models, strict=True):
            if model is None:
                continue
            if model.label_names != self.router.label_names:
                raise InputError(
                    f"all models need the labels of the router, {', '.join(self.router.label_names)}; that of {name} "
                    f"has {', '.join(model.label_names)}"
                )
            if not np.array_equal(model.wavelength, self.router.wavelength):
                raise InputError(f"all models need the wavelength grid of the router; that of {name} has another")
        if not 0 <= self.evidence_power <= 1:
            raise InputError(f"evidence_power must be from 0 to 1; got {self.evidence_power}")

    def __repr__(self) -> str:
        parts = [f"{name} {'by the router' if model is None else counted(model.n_stars, model.n_stars)}"
                 for name, model in zip(self.names, self.models, strict=True)]  # fmt: skip
        return f"<SurveyModel of {', '.join(self.label_names)}: {', '.join(parts)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the populations, in order."""
        return self.regions.names

    @property
    def wavelength(self) -> NDArray[np.float64]:
        """Vacuum rest wavelength in Angstrom, shape (P,)."""
        return self.router.wavelength

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return self.router.label_names

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels, in order."""
        return self.router.labels

    @property
    def tally(self) -> tuple[TallyRow, ...]:
        """How the router's reference stars were selected."""
        return self.router.tally

    @property
    def options(self) -> TrainingOptions:
        """What the training of the router assumed; local models follow it."""
        return self.router.options

    @property
    def is_calibrated(self) -> bool:
        """Whether the errors of every model are calibrated."""
        return all(model.calibration is not None for model in self.distinct.values())

    @property
    def is_covered(self) -> bool:
        """Whether every model has a coverage reference."""
        return all(model.coverage is not None for model in self.distinct.values())

    @property
    def distinct(self) -> dict[str, TrainedModel]:
        """The router and the local models by name, each once."""
        local = {name: model for name, model in zip(self.names, self.models, strict=True) if model is not None}
        return {"router": self.router, **local}

    def model_of(self, population: int) -> TrainedModel:
        """Return the model that labels the stars of a population, by its number."""
        model = self.models[population]
        return self.router if model is None else model

    def number_of(self, population: str) -> int:
        """
        Return the number of a population by its name, or by its plural.

        Raises
        ------
        InputError
            There is no such population.
        """
        for number, name in enumerate(self.names):
            if population in (name, f"{name}s"):
                return number
        raise InputError(f"the populations of this model are {', '.join(self.names)}; got {population!r}")

    def with_models(self, change: Callable[[TrainedModel], TrainedModel]) -> "SurveyModel":
        """Return the survey model with every one of its models changed."""
        models = tuple(None if model is None else change(model) for model in self.models)
        return replace(self, router=change(self.router), models=models)

    @cached_property
    def hash(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of everything that decides the labels of a star."""
        digest = hashlib.sha256(self.router.hash.encode())
        for region, model in zip(self.regions.regions, self.models, strict=True):
            digest.update(f"{region.name}|{region.describe()}|{'router' if model is None else model.hash};".encode())
        # membership and the mixture's labels depend on the calibrated errors too
        for label, overlap in sorted(self.regions.overlap.items()):
            digest.update(f"{label}={overlap!r};".encode())
        digest.update(np.float64(self.evidence_power).tobytes())
        for model in self.distinct.values():
            digest.update(b"" if model.calibration is None else repr(model.calibration.describe()).encode())
        return digest.hexdigest()[:12]

    def describe(self) -> str:
        """Say in a phrase what was trained on how many stars."""
        parts = [
            f"{name} ({region.describe()}) "
            + ("by the router" if model is None else f"on {counted(model.n_stars, len(model.reference_id))}")
            for name, region, model in zip(self.names, self.regions.regions, self.models, strict=True)
        ]
        return f"router: {self.router.describe()}; populations: {'; '.join(parts)}"
