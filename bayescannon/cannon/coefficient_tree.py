"""The coefficients of a trained model for ArviZ: draws, their maximum, and the likelihood of the reference spectra."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon import variable_texts as texts
from bayescannon.cannon.choices import SEED
from bayescannon.cannon.likelihood_groups import likelihood_groups, require_few_values
from bayescannon.cannon.model_layout import describe_variables, model_groups
from bayescannon.models.label_vector import label_vector, term_names
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

if TYPE_CHECKING:
    from bayescannon.cannon.reference import ReferenceSet
    from bayescannon.cannon.trained_model import TrainedModel

# one live pixel in so many is drawn for, unless some are chosen
_STEP = 100


def coefficient_tree(
    model: "TrainedModel",
    *,
    pixels: NDArray[np.intp] | slice | None = None,
    draws: int = 200,
    seed: int = SEED,
    reference: "ReferenceSet | None" = None,
) -> xr.DataTree:
    """
    Return draws of the coefficients' Gaussian posterior given scatter and kappa, and the maximum, for ArviZ.

    The likelihood, if asked for, is that of single pixels of single reference stars: given coefficients, scatter and
    kappa they are independent, so that leaving one out is what :func:`arviz.loo` means. Pixels without weight are left
    out.

    Parameters
    ----------
    model : TrainedModel
    pixels : index array or slice, optional
        Pixels to draw for; every 100th live one unless given.
    draws : int
        Draws per coefficient.
    seed : int
    reference : ReferenceSet, optional
        The stars that the model was trained on, in its order; without them there is no likelihood.

    Returns
    -------
    tree : xarray.DataTree
        ``posterior``: ``theta`` (chain, draw, pixel, term); ``map``: the maximum (pixel, term), with scatter, kappa and
        the statuses; ``populations``; ``constant_data``: each label of the reference stars, with pivot and scale among
        its attributes. With `reference` also ``observed_data``, ``log_likelihood`` and ``posterior_predictive`` of
        ``flux`` (observation), whose coordinates are star, pixel and wavelength.

    Raises
    ------
    InputError
        One of the pixels is dead, there are too many values, the reference set is not the model's, or the model's
        likelihood does not factorise into pixels: it has hidden components or was trained on latent labels.
    """
    live = np.flatnonzero(model.fit.live)
    chosen = live[::_STEP] if pixels is None else np.arange(len(model.wavelength))[pixels]
    if not model.fit.live[chosen].all():
        raise InputError("a dead pixel has no posterior; choose among fit.live")
    rng = np.random.default_rng(seed)
    # eigenvectors and not Cholesky: censored terms have no variance
    values, vectors = np.linalg.eigh(model.fit.covariance[chosen])
    root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    noise = rng.standard_normal((draws, len(chosen), model.theta.shape[1]))
    drawn = model.theta[chosen] + np.einsum("pij,dpj->dpi", root, noise)
    coords: dict[str, Any] = {
        "pixel": chosen,
        "wavelength": ("pixel", model.wavelength[chosen], _attrs("wavelength")),
        "term": term_names(model.label_names),
        "chain": [0],
        "draw": np.arange(draws),
    }
    whole = model_groups(model)
    names = ["theta", "scatter", "kappa", "objective", "status", *(["loadings"] if model.loadings is not None else [])]
    groups = {
        "posterior": xr.Dataset(
            {"theta": (("chain", "draw", "pixel", "term"), drawn[None], _attrs("theta"))}, coords=coords
        ),
        "map": whole["model"][names].assign_coords(pixel=np.arange(len(model.wavelength))),
        "populations": _with_wavelength(model, whole["populations"]),
        "constant_data": _reference_labels(model),
    }
    if reference is not None:
        groups |= _likelihood(model, reference, chosen, drawn, rng)
    return xr.DataTree.from_dict(groups)


def _with_wavelength(model: "TrainedModel", group: xr.Dataset) -> xr.Dataset:
    if "pixel" not in group.dims:
        return group
    return group.assign_coords(wavelength=("pixel", model.wavelength, _attrs("wavelength")))


def _attrs(name: str) -> dict[str, str]:
    long_name, units = texts.MODEL[name]
    return {"long_name": long_name, "units": units}


def _reference_labels(model: "TrainedModel") -> xr.Dataset:
    """Give each label a variable of its own: labels differ in their units."""
    variables = {
        label.name: (
            "reference_star",
            model.reference_labels[:, k],
            {
                "long_name": label.description,
                "units": label.unit,
                "pivot": float(model.scaler.pivot[k]),
                "scale": float(model.scaler.scale[k]),
            },
        )
        for k, label in enumerate(model.labels)
    }
    coords = xr.Dataset(coords={"reference_star": model.reference_id})
    return describe_variables(coords, texts.REFERENCE).assign(variables)


def _likelihood(
    model: "TrainedModel",
    reference: "ReferenceSet",
    chosen: NDArray[np.intp],
    drawn: FloatArray,
    rng: np.random.Generator,
) -> dict[str, xr.Dataset]:
    """Return the groups of the likelihood of pixels that carry weight."""
    if model.loadings is not None or model.latent_labels is not None:
        raise InputError(
            "a model with hidden components or latent labels has no likelihood of single pixels; leave the reference "
            "set out"
        )
    if reference.spectra.id.tolist() != model.reference_id.tolist():
        raise InputError(
            "the reference set must be that of the model, in its order; see bayescannon.cannon.training.training_stars"
        )
    flux, ivar = reference.spectra.flux[:, chosen], reference.spectra.ivar[:, chosen]
    star, at = np.nonzero(ivar > 0)
    require_few_values(len(drawn), len(star))
    sigma = np.sqrt(model.noise_scale[chosen][at] ** 2 / ivar[star, at] + model.scatter[chosen][at] ** 2)
    design = label_vector(model.scaler.to_scaled(model.reference_labels))[star]
    expected = np.stack([np.einsum("ot,ot->o", design, theta[at]) for theta in drawn])
    return likelihood_groups(
        "flux",
        flux[star, at],
        expected,
        sigma,
        coords={
            "star": model.reference_id[star],
            "pixel": chosen[at],
            "wavelength": model.wavelength[chosen][at],
        },
        attrs={"long_name": "normalised flux", "units": "1"},
        rng=rng,
        outliers=model.populations.outliers,
    )
