"""Which pixels of stars are outliers, for pictures and checks."""

from pathlib import Path

from bayescannon.cannon.likelihood import StarLikelihood, scaled_ivar
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.spectra import Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.outlier_rounds import remaining_weight


def pixel_shares(
    model: TrainedModel | str | Path, spectra: Spectra | str | Path, *, workers: int | None = None
) -> FloatArray:
    """
    Return what is left of each pixel's weight in labelling, where pixels can be outliers.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    spectra : Spectra, or path of a store
        N stars on the model's grid.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    shares : float array of shape (N, pixel)
        From 0, an outlier, to 1; 1 in dead pixels and for a model without outliers. A share below 0.5 is counted in
        ``outlying_pixels`` of :func:`bayescannon.cannon.labelling.label_spectra`.

    Raises
    ------
    GridError
        The spectra are on another grid.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> pixel_shares(bc.train(reference, outliers="mixture"), spectra).shape
    (100, 3626)
    """
    model, spectra = as_model(model), as_spectra(spectra)
    used = StarLikelihood.of(model, spectra, workers=workers).ivar
    return remaining_weight(model.scatter, scaled_ivar(model, spectra), used)
