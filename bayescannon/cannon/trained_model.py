"""The trained model: coefficients, scatters, scaler and grid, and all that training and held-out stars said of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayescannon.cannon.choices import AUTO, LEARN, SEED, LabelTableChoices
from bayescannon.cannon.coefficient_tree import coefficient_tree
from bayescannon.cannon.held_out_labels import HeldOutLabels
from bayescannon.cannon.learned_labels import LearnedLabels
from bayescannon.cannon.model_layout import ModelFileError, model_groups
from bayescannon.cannon.model_reader import read_model_fields
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.provenance import Provenance
from bayescannon.data.labels import Label, LabelScaler, labels_from_names
from bayescannon.data.star_groups import counted, first_rows, star_numbers
from bayescannon.data.tally import TallyRow
from bayescannon.io.netcdf import write_tree
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.noise_priors import FixedNoise
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.component_choice import ComponentChoice
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.populations import Populations
from bayescannon.reliability.error_distribution import ErrorCalibration
from bayescannon.reliability.label_map import AS_THEY_ARE
from bayescannon.reliability.label_scores import CoverageReference, coverage_stars
from bayescannon.reliability.odd_reference import OddReference
from bayescannon.stars.nuisance import NuisanceModel
from bayescannon.stars.pixel_columns import PixelColumns

if TYPE_CHECKING:
    from bayescannon.cannon.reference import ReferenceSet


@dataclass(frozen=True)
class TrainedModel:
    """
    A spectral model of K labels on P pixels, trained on N spectra of reference stars.

    Attributes
    ----------
    wavelength : float array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    scaler : LabelScaler
        Label names and the map to scaled labels.
    fit : PixelFit
        Coefficients, their covariance and scatters, of scaled labels.
    reference_id : str array of shape (N,)
        The spectra of the reference stars.
    reference_labels : float array of shape (N, K)
        Their labels as reported, in the labels' units.
    kappa : float array of shape (P,), optional
        Scale of the reported errors in each pixel; 1 unless given.
    loadings : float array of shape (P, R), optional
        H of the hidden components, see :mod:`bayescannon.stars.hidden`; there are none unless given.
    reference_errors : float array of shape (N, K), optional
        Errors of the reference labels as their survey gave them; NaN where it gave none.
    options : TrainingOptions
        The choices of the training; the paper's unless given.
    populations : Populations
        What training learned of the populations of coefficients, scatters and noise scales.
    latent_labels : LearnedLabels, optional
        What training learned of the reference stars' true labels, where the reported ones have errors.
    tally : tuple of TallyRow
        How the reference stars were selected.
    provenance : Provenance
        The version that trained it, and how the reference spectra were prepared.
    label_table : LabelTableChoices, optional
        How the table of the reference labels was read and matched, where it was.
    label_source : str array of shape (N,), optional
        The survey that each spectrum has its labels from, where it is known.
    held_out : HeldOutLabels, optional
        Labels of the reference stars by models of the other folds; not part of the hash.
    calibration : ErrorCalibration, optional
        Of the labels' errors; not part of the hash, as labels do not depend on it.
    calibration_note : str
        How well the calibration is known and what was assumed for it, or why there is none.
    coverage : CoverageReference, optional
        What coverage and novelty of stars are measured against; not part of the hash.
    component_choice : ComponentChoice, optional
        What held-out stars said of hidden components and latent labels, where they decided.
    star : str array of shape (N,), optional
        Names of the reference stars: spectra with the same name are of the same star. Every spectrum is of another
        unless given.
    odd : OddReference, optional
        What odd spectra are measured against; not part of the hash.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.cannon.reference import ReferenceSet
    >>> from bayescannon.cannon.training import train
    >>> from bayescannon.data.spectra import Spectra
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.normal([4800.0, 2.5], [250.0, 0.6], size=(60, 2))
    >>> flux = 1 - 0.05 * (labels - [4800, 2.5]) / [250, 0.6] @ rng.random((2, 30))
    >>> flux += 0.01 * rng.normal(size=flux.shape)
    >>> names = np.array([f"star {n}" for n in range(60)])
    >>> spectra = Spectra(np.linspace(5000, 5100, 30), flux, np.full(flux.shape, 1e4), names, {})
    >>> model = train(ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff", "logg")))
    >>> model
    <TrainedModel ... of teff [K], logg [dex]
     60 reference stars; pixels: 30 live of 30, 5000.0 to 5100.0 Angstrom
     theta flat, s flat, kappa fixed; errors formal; coverage none>
    >>> model.predict([4800.0, 2.5]).shape
    (30,)
    """

    wavelength: NDArray[np.float64]
    scaler: LabelScaler
    fit: PixelFit
    reference_id: NDArray[np.str_]
    reference_labels: FloatArray
    kappa: FloatArray | None = None
    loadings: FloatArray | None = None
    reference_errors: FloatArray | None = None
    options: TrainingOptions = field(default_factory=TrainingOptions)
    populations: Populations = field(default_factory=Populations)
    latent_labels: LearnedLabels | None = None
    tally: tuple[TallyRow, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    label_table: LabelTableChoices | None = None
    held_out: HeldOutLabels | None = None
    calibration: ErrorCalibration | None = None
    calibration_note: str = ""
    coverage: CoverageReference | None = None
    star: NDArray[np.str_] | None = None
    component_choice: ComponentChoice | None = None
    label_source: NDArray[np.str_] | None = None
    odd: OddReference | None = None

    def __post_init__(self) -> None:
        n_pixel, n_label = len(self.wavelength), len(self.scaler.names)
        if self.fit.theta.shape != (n_pixel, n_terms(n_label)):
            raise InputError(
                f"{n_pixel} pixels and {n_label} labels need theta of shape {(n_pixel, n_terms(n_label))}; "
                f"got {self.fit.theta.shape}"
            )
        if self.noise_scale.shape != (n_pixel,) or not (self.noise_scale > 0).all():
            raise InputError(f"kappa must be positive, one for each of the {n_pixel} pixels")
        if self.loadings is not None and (self.loadings.ndim != 2 or len(self.loadings) != n_pixel):
            raise InputError(f"loadings must have shape ({n_pixel}, component); got {self.loadings.shape}")
        if self.star is not None and self.star.shape != self.reference_id.shape:
            raise InputError(f"star must have one name per reference spectrum; got shape {self.star.shape}")

    @property
    def noise_scale(self) -> NDArray[np.float64]:
        """kappa, shape (P,): labelling takes kappa^2 / ivar + s^2 for the variance."""
        return np.ones(len(self.wavelength)) if self.kappa is None else np.asarray(self.kappa, dtype=np.float64)

    @property
    def star_noise_width(self) -> float:
        """Width of the population of ln kappa over the stars, around that of the pixels; 0 if all have the same."""
        population = self.populations.star_kappa
        return 0.0 if population is None else population.width

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return self.scaler.names

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels, in order."""
        return labels_from_names(self.scaler.names)

    @property
    def theta(self) -> NDArray[np.float64]:
        """Coefficients, shape (P, T), of scaled labels."""
        return self.fit.theta

    @property
    def scatter(self) -> NDArray[np.float64]:
        """Intrinsic scatter, shape (P,); inf in dead pixels."""
        return self.fit.scatter

    @cached_property
    def label_box(self) -> NDArray[np.float64]:
        """Smallest and largest scaled label of the reference stars, shape (2, K), without a few outliers."""
        scaled = self.scaler.to_scaled(self.reference_labels)
        kept = scaled[coverage_stars(scaled)]
        return np.stack([kept.min(axis=0), kept.max(axis=0)])

    @cached_property
    def star_rows(self) -> NDArray[np.intp]:
        """Row of the first spectrum of each reference star, for what counts every star once."""
        return first_rows(star_numbers(self.reference_id if self.star is None else self.star))

    @property
    def n_stars(self) -> int:
        """Number of reference stars."""
        return len(self.star_rows)

    @property
    def is_covered(self) -> bool:
        """Whether the model has a coverage reference."""
        return self.coverage is not None

    @property
    def source_counts(self) -> dict[str, int]:
        """Number of reference spectra with labels of each survey, where the surveys are known."""
        names = [] if self.label_source is None else self.label_source.tolist()
        return {name: names.count(name) for name in dict.fromkeys(names) if name}

    @property
    def settled_options(self) -> TrainingOptions:
        """The options with what held-out stars decided, so that models of parts of the stars need not ask them."""
        choice, options = self.component_choice, self.options
        if choice is None:
            return options
        errors = (LEARN if choice.latent else None) if options.label_errors == AUTO else options.label_errors
        return replace(options, n_hidden=choice.n_hidden, label_errors=errors)

    @cached_property
    def hash(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of everything that decides the labels of a star."""
        digest = hashlib.sha256(",".join(self.label_names).encode())
        numbers = [self.wavelength, self.theta, self.scatter, self.noise_scale, self.scaler.pivot, self.scaler.scale]
        outliers = self.populations.outliers
        if outliers is not None:
            numbers.append(np.array([outliers.share, outliers.scale]))
        for values in [*numbers, *([] if self.loadings is None else [self.loadings])]:
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        if self.star_noise_width:
            digest.update(np.float64(self.star_noise_width).tobytes())
        return digest.hexdigest()[:12]

    @cached_property
    def nuisance_model(self) -> NuisanceModel | None:
        """The spectra that each star's nuisances change; None without nuisances."""
        if not self.options.nuisances:
            return None
        return NuisanceModel.of(
            self.wavelength, self.theta, self.scatter, self.options.nuisances, loadings=self.loadings
        )

    @cached_property
    def pixel_columns(self) -> PixelColumns:
        """Coefficients and loadings as the compression of stars multiplies them."""
        theta = self.theta if self.loadings is None else np.concatenate([self.theta, self.loadings], axis=1)
        return PixelColumns.of(theta, self.scatter)

    def describe(self) -> str:
        """Say in a phrase what was trained on how many stars and pixels."""
        n_pixel, n_live = len(self.wavelength), int(self.fit.live.sum())
        stars = counted(self.n_stars, len(self.reference_id))
        dead = "" if n_live == n_pixel else f" ({n_pixel - n_live} dead or singular)"
        text = f"trained {len(self.label_names)} labels on {stars} in {n_live} pixels{dead}"
        outliers = self.populations.outliers
        if outliers is not None:
            text += f", {100 * outliers.share:.2g} % of their fluxes outliers"
        if self.options.noise != FixedNoise():
            text += f", kappa {np.median(self.noise_scale):.2f}"
        n_hidden = 0 if self.loadings is None else self.loadings.shape[1]
        if n_hidden:
            text += f", {n_hidden} hidden component{'s' * (n_hidden > 1)}"
        return text if self.latent_labels is None else f"{text}, latent labels"

    def describe_priors(self) -> str:
        """Name the priors in a phrase, and what held-out stars decided, for headers."""
        priors = self.settled_options.describe()
        return priors if self.component_choice is None else f"{priors}; held-out stars: {self._taken()}"

    def _taken(self) -> str:
        return "" if self.component_choice is None else self.component_choice.describe().partition(";")[0]

    def describe_reference(self) -> str:
        """Name the reference stars in a phrase, with the surveys of their labels if there are several, for headers."""
        text, counts = f"{self.n_stars} reference stars", self.source_counts
        if len(counts) < 2:
            return text
        said = ", ".join(f"{name.encode('ascii', 'replace').decode()} {count}" for name, count in counts.items())
        equal = "; scales taken as equal" if any(row.step.endswith(AS_THEY_ARE) for row in self.tally) else ""
        return f"{text}, labels of {said} spectra{equal}"

    def describe_errors(self) -> str:
        """Say in a phrase what the errors of labels are, and what is known of them."""
        note = self.calibration_note
        if self.calibration is None:
            return f"formal; calibration {note}" if note else "formal"
        return f"{self.calibration.describe()}; {note}" if note else self.calibration.describe()

    def preparation_mismatch(self, attrs: Mapping[str, Any]) -> str:
        """Say how spectra with these attributes were prepared unlike the model's; empty if they were not."""
        return self.provenance.mismatch(attrs)

    def predict(self, labels: ArrayLike) -> FloatArray:
        """
        Predict normalised spectra (Ho et al. 2017, eq. 4 without its noise).

        Parameters
        ----------
        labels : array of shape (..., K)
            In the labels' units.

        Returns
        -------
        flux : float array of shape (..., P)
            NaN in dead pixels.
        """
        flux = label_vector(self.scaler.to_scaled(labels)) @ self.theta.T
        return np.where(np.isfinite(self.scatter), flux, np.nan)

    def to_datatree(
        self,
        *,
        pixels: NDArray[np.intp] | slice | None = None,
        draws: int = 200,
        seed: int = SEED,
        reference: "ReferenceSet | None" = None,
    ) -> xr.DataTree:
        """
        Return the coefficients for ArviZ: see :func:`bayescannon.cannon.coefficient_tree.coefficient_tree`.

        Parameters
        ----------
        pixels, draws, seed, reference
            As there.

        Raises
        ------
        InputError
            As there.
        """
        return coefficient_tree(self, pixels=pixels, draws=draws, seed=seed, reference=reference)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """
        Write the model as netCDF: see :func:`bayescannon.cannon.model_file.save_model`.

        Raises
        ------
        OutputExistsError
            `path` exists and `overwrite` is False.
        """
        write_tree(xr.DataTree.from_dict(model_groups(self)), Path(path), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> "TrainedModel":
        """
        Read a model that :meth:`save`, or version 0.2.0, wrote: see :func:`bayescannon.cannon.model_file.load_model`.

        Raises
        ------
        MissingFileError
            There is no such file.
        ModelFileError
            The file cannot be read, is not a trained model, is of a later version, or was changed after it was saved.
        """
        fields, saved_hash = read_model_fields(Path(path))
        try:
            model = cls(**fields)
        except InputError as error:
            raise ModelFileError(f"{path} holds no valid model: {error}") from error
        except Exception as error:  # of a file that was made up, and of one of 0.2.0 that was changed
            raise ModelFileError(
                f"{path} holds no valid model ({type(error).__name__}: {error}); train anew"
            ) from error
        if model.hash != saved_hash:
            raise ModelFileError(f"{path} was changed after it was saved (hash {model.hash}, saved {saved_hash})")
        return model

    def _facts(self) -> dict[str, str]:
        """Name what the model is made of, for printing."""
        calibration, coverage = self.calibration, self.coverage
        return {
            "labels": ", ".join(f"{label.name} [{label.unit}]" for label in self.labels),
            "reference stars": counted(self.n_stars, len(self.reference_id), "reference stars"),
            "pixels": f"{int(self.fit.live.sum())} live of {len(self.wavelength)}, "
            f"{self.wavelength[0]:.1f} to {self.wavelength[-1]:.1f} Angstrom",
            "priors": self.describe_priors(),
            "errors": "formal" if calibration is None else f"calibrated on {calibration.n_stars} stars",
            "coverage": "none" if coverage is None else f"of {len(coverage)} stars",
            "hash": self.hash,
        }

    def __repr__(self) -> str:
        fact = self._facts()
        return (
            f"<TrainedModel {fact['hash']} of {fact['labels']}\n"
            f" {fact['reference stars']}; pixels: {fact['pixels']}\n"
            f" {fact['priors']}; errors {fact['errors']}; coverage {fact['coverage']}>"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(text)}</td></tr>"
            for name, text in self._facts().items()
        )
        return f"<table><caption>Trained model</caption>{rows}</table>"
