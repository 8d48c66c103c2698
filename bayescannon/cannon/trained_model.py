"""The trained model: coefficients, scatters, scaler, grid and provenance, and its netCDF file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.labels import Label, LabelScaler, labels_from_names
from bayescannon.data.preset import release_mismatch
from bayescannon.io.outputs import replacing
from bayescannon.models.label_vector import label_vector, n_terms, term_names
from bayescannon.numerics.errors import InputError, MissingFileError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.fit import PixelFit
from bayescannon.reliability.error_distribution import ErrorCalibration
from bayescannon.reliability.label_scores import CoverageReference

# prefix of learned parameters in the file
_LEARNED = "learned_"
# prefix of the calibration's arrays in the file
_CALIBRATION = "calibration_"
_KIND = "bayescannon trained model"
# what training learns beside the pixels' own numbers, and its dims; of scaled labels
HYPERPARAMETER_DIMS: dict[str, tuple[str, ...]] = {
    "mu": ("shrunk_term",),
    "tau": ("shrunk_term",),
    "activity": ("pixel",),
    "scatter_centre": (),
    "scatter_width": (),
    "kappa_centre": (),
    "kappa_width": (),
    "label_mean": ("stellar_label",),
    "label_covariance": ("stellar_label", "stellar_label_2"),
    "calibration_matrix": ("stellar_label", "stellar_label_2"),
    "calibration_offset": ("stellar_label",),
    "systematic_covariance": ("stellar_label", "stellar_label_2"),
    "label_error_trace": ("label_error_round",),
}


class ModelFileError(InputError):
    """A file that is not a trained model."""


@dataclass(frozen=True)
class TrainedModel:
    """
    A spectral model of K labels on P pixels, trained on N reference stars.

    Attributes
    ----------
    wavelength : float array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    scaler : LabelScaler
        Label names and the map to scaled labels.
    fit : PixelFit
        Coefficients, their covariance and scatters, of scaled labels.
    reference_id : str array of shape (N,)
        The reference stars.
    reference_labels : float array of shape (N, K)
        Their labels as reported, in the labels' units.
    kappa : float array of shape (P,), optional
        Scale of the reported errors in each pixel; 1 unless given.
    hyperparameters : mapping of str to array
        What training learned about the populations: see :class:`bayescannon.pixels.spectral_fit.SpectralFit` and, where
        labels have errors, :class:`bayescannon.pixels.latent_label_fit.LatentLabelFit`, whose mu and Omega are
        ``label_mean`` and ``label_covariance``.
    loadings : float array of shape (P, R), optional
        H of the hidden components, see :mod:`bayescannon.stars.hidden`; there are none unless given.
    reference_errors : float array of shape (N, K), optional
        Errors of the reference labels as their survey gave them; NaN where it gave none.
    calibration : ErrorCalibration, optional
        Of the labels' errors; not part of the hash, as labels do not depend on it.
    attrs : mapping
        Provenance: how the spectra were prepared, cuts, version.
    coverage : CoverageReference, optional
        What coverage and novelty of stars are measured against; does not count in the hash.
    """

    wavelength: NDArray[np.float64]
    scaler: LabelScaler
    fit: PixelFit
    reference_id: NDArray[np.str_]
    reference_labels: FloatArray
    kappa: FloatArray | None = None
    hyperparameters: Mapping[str, FloatArray] = field(default_factory=dict)
    loadings: FloatArray | None = None
    reference_errors: FloatArray | None = None
    calibration: ErrorCalibration | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    coverage: CoverageReference | None = None

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
        for name, values in self.hyperparameters.items():
            if name not in HYPERPARAMETER_DIMS:
                raise InputError(f"unknown hyperparameter {name!r}; known are {', '.join(HYPERPARAMETER_DIMS)}")
            if np.ndim(values) != len(HYPERPARAMETER_DIMS[name]):
                raise InputError(f"{name} must have dims {HYPERPARAMETER_DIMS[name]}; got shape {np.shape(values)}")

    @property
    def noise_scale(self) -> NDArray[np.float64]:
        """kappa, shape (P,): labelling takes kappa^2 / ivar + s^2 for the variance."""
        return np.ones(len(self.wavelength)) if self.kappa is None else np.asarray(self.kappa, dtype=np.float64)

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
    def hash(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of everything that decides the labels of a star."""
        digest = hashlib.sha256(",".join(self.label_names).encode())
        numbers = [self.wavelength, self.theta, self.scatter, self.noise_scale, self.scaler.pivot, self.scaler.scale]
        for values in [*numbers, *([] if self.loadings is None else [self.loadings])]:
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()[:12]

    def describe(self) -> str:
        """Say in a phrase what was trained on how many stars and pixels."""
        n_pixel, n_live = len(self.wavelength), int(self.fit.live.sum())
        dead = "" if n_live == n_pixel else f" ({n_pixel - n_live} dead or singular)"
        return f"trained {len(self.label_names)} labels on {len(self.reference_id)} stars in {n_live} pixels{dead}"

    def preparation_mismatch(self, attrs: Mapping[str, Any]) -> str:
        """Say how spectra with these attributes differ from the model's in preparation and release; empty if not."""
        own, other = self.attrs.get("preset_settings", ""), attrs.get("preset_settings", "")
        releases = (str(one.get("data_release", "")) for one in (self.attrs, attrs))
        sentences = [release_mismatch(*releases)]
        if own and other and own != other:
            sentences.insert(
                0,
                f"the spectra were prepared with {other}, the model was trained on spectra prepared with {own}; "
                "labels of spectra prepared otherwise are biased",
            )
        return "; ".join(sentence for sentence in sentences if sentence)

    def predict(self, labels: ArrayLike) -> FloatArray:
        """
        Predict normalised spectra (Ho et al. 2017, eq. 3 without its noise).

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

    def to_xarray(self) -> xr.Dataset:
        """Return the model as a Dataset with dims pixel, term, component, stellar_label and reference_star."""
        terms = term_names(self.label_names)
        coverage = xr.Dataset() if self.coverage is None else self.coverage.to_xarray()
        return xr.Dataset(
            {
                **coverage.variables,
                "theta": (("pixel", "term"), self.fit.theta),
                "scatter": ("pixel", self.fit.scatter),
                "covariance": (("pixel", "term", "term_2"), self.fit.covariance),
                "gradient": ("pixel", self.fit.gradient),
                "slope": ("pixel", self.fit.slope),
                "objective": ("pixel", self.fit.objective),
                "chi2": ("pixel", self.fit.chi2),
                "freedom": ("pixel", self.fit.freedom),
                "n_live": ("pixel", self.fit.n_live),
                "n_passes": ("pixel", self.fit.n_passes),
                "status": ("pixel", self.fit.status),
                "kappa": ("pixel", self.noise_scale),
                **({} if self.loadings is None else {"loadings": (("pixel", "component"), self.loadings)}),
                **{
                    _LEARNED + name: (HYPERPARAMETER_DIMS[name], values)
                    for name, values in self.hyperparameters.items()
                },
                **self._calibration_variables(),
                "pivot": ("stellar_label", self.scaler.pivot),
                "scale": ("stellar_label", self.scaler.scale),
                "reference_labels": (("reference_star", "stellar_label"), self.reference_labels),
                **self._reference_errors(),
            },
            coords={
                "wavelength": ("pixel", self.wavelength, {"units": "Angstrom"}),
                "term": terms,
                "term_2": terms,
                "stellar_label": list(self.label_names),
                "stellar_label_2": list(self.label_names),
                "reference_star": self.reference_id.astype(object),
            },
            attrs={
                **coverage.attrs,
                **self.attrs,
                "kind": _KIND,
                "hash": self.hash,
                **({} if self.calibration is None else {"calibration_hash": self.calibration.hash}),
            },
        )

    def to_datatree(
        self, *, pixels: NDArray[np.intp] | slice | None = None, draws: int = 200, seed: int = 0
    ) -> xr.DataTree:
        """
        Return the model for ArviZ: draws of the coefficients' Gaussian posterior given s and kappa, and the maximum.

        Parameters
        ----------
        pixels : index array or slice, optional
            Pixels to draw for; every 100th live one unless given.
        draws : int
            For each coefficient.
        seed : int

        Returns
        -------
        tree : xarray.DataTree
            Groups ``posterior`` (chain, draw, pixel, term), ``map``, ``hyperparameters`` and ``constant_data``.

        Raises
        ------
        ValueError
            One of the pixels is dead.
        """
        live = np.flatnonzero(self.fit.live)
        chosen = live[::100] if pixels is None else np.arange(len(self.wavelength))[pixels]
        if not self.fit.live[chosen].all():
            raise InputError("a dead pixel has no posterior; choose among fit.live")
        rng = np.random.default_rng(seed)
        # eigenvectors and not Cholesky: censored terms have no variance
        values, vectors = np.linalg.eigh(self.fit.covariance[chosen])
        root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
        noise = rng.standard_normal((draws, len(chosen), self.theta.shape[1]))
        drawn = self.theta[chosen] + np.einsum("pij,dpj->dpi", root, noise)
        coords = {"pixel": chosen, "term": term_names(self.label_names), "chain": [0], "draw": np.arange(draws)}
        whole = self.to_xarray()
        names = ["theta", "scatter", "kappa", "objective", "status", *(["loadings"] if "loadings" in whole else [])]
        learned = {name: whole[_LEARNED + name] for name in self.hyperparameters}
        return xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset({"theta": (("chain", "draw", "pixel", "term"), drawn[None])}, coords=coords),
                "map": whole[names].drop_vars(["stellar_label", "term_2", "reference_star"], errors="ignore"),
                "hyperparameters": xr.Dataset(learned),
                "constant_data": whole[["wavelength", "pivot", "scale", "reference_labels"]],
            }
        )

    def _reference_errors(self) -> dict[str, Any]:
        if self.reference_errors is None:
            return {}
        return {"reference_errors": (("reference_star", "stellar_label"), self.reference_errors)}

    def _calibration_variables(self) -> dict[str, tuple[tuple[str, ...], NDArray[np.float64]]]:
        """Give the arrays of the calibration their dims, by name and size."""
        if self.calibration is None:
            return {}
        last = {
            "location": "location_feature",
            "formal": "error_feature",
            "floor": "error_feature",
            "axes": "place_axis",
        }
        return {
            _CALIBRATION + name: ((), values)
            if values.ndim == 0
            else (("end",), values)
            if name == "snr_range"
            else (("stellar_label", last.get(name, "end"))[: values.ndim], values)
            for name, values in self.calibration.arrays().items()
        }

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """
        Write the model as netCDF.

        Raises
        ------
        OutputExistsError
            `path` exists and `overwrite` is False.
        """
        dataset = self.to_xarray()
        encoding = {name: {"zlib": True, "complevel": 1} for name in ("theta", "covariance", "reference_labels")}
        with replacing(Path(path), overwrite=overwrite) as partial:
            dataset.to_netcdf(partial, engine="h5netcdf", encoding=encoding)

    @classmethod
    def load(cls, path: str | Path) -> "TrainedModel":
        """
        Read a model that :meth:`save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ModelFileError
            The file is not a trained model, or its contents do not have the hash that it was saved with.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f"no model file {path}; `bayescannon train` makes one")
        try:
            with xr.open_dataset(path, engine="h5netcdf") as opened:
                data = opened.load()
        except OSError as error:
            raise ModelFileError(f"{path} is not a netCDF file; expected one from `bayescannon train`") from error
        if data.attrs.get("kind") != _KIND:
            raise ModelFileError(f"{path} is not a bayescannon model; expected one from `bayescannon train`")
        names = tuple(str(name) for name in data["stellar_label"].to_numpy())
        attrs = dict(data.attrs)
        saved_hash = attrs.pop("hash")
        saved_calibration = attrs.pop("calibration_hash", None)
        attrs.pop("kind")
        model = cls(
            data["wavelength"].to_numpy(),
            LabelScaler(names, data["pivot"].to_numpy(), data["scale"].to_numpy()),
            PixelFit(**{item.name: data[item.name].to_numpy() for item in fields(PixelFit)}),
            data["reference_star"].to_numpy().astype(np.str_),
            data["reference_labels"].to_numpy(),
            data["kappa"].to_numpy(),
            {
                str(name).removeprefix(_LEARNED): values.to_numpy()
                for name, values in data.data_vars.items()
                if str(name).startswith(_LEARNED)
            },
            data["loadings"].to_numpy() if "loadings" in data else None,
            data["reference_errors"].to_numpy() if "reference_errors" in data else None,
            _read_calibration(data),
            {key: value for key, value in attrs.items() if key != "coverage_model_hash"},
            CoverageReference.from_xarray(data) if "coverage_labels" in data else None,
        )
        if model.hash != saved_hash:
            raise ModelFileError(f"{path} was changed after it was saved (hash {model.hash}, saved {saved_hash})")
        found = None if model.calibration is None else model.calibration.hash
        if found != saved_calibration:
            raise ModelFileError(
                f"the calibration in {path} was changed after it was saved (hash {found}, saved {saved_calibration})"
            )
        return model


def _read_calibration(data: xr.Dataset) -> ErrorCalibration | None:
    """Return the calibration of a model's file; None if it has none."""
    arrays = {
        str(name).removeprefix(_CALIBRATION): values.to_numpy()
        for name, values in data.data_vars.items()
        if str(name).startswith(_CALIBRATION)
    }
    try:
        return ErrorCalibration.from_arrays(arrays) if arrays else None
    except (TypeError, KeyError) as error:
        raise ModelFileError(
            f"the model's calibration holds {', '.join(sorted(arrays))}, other than this version knows; train anew"
        ) from error
