"""The choices of the preparation, named sets of them, and a comparison of data releases."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from bayescannon import __version__
from bayescannon.numerics.errors import InputError

# air wavelengths of strong night-sky lines [Angstrom]; +-3 A also covers their vacuum wavelengths
SKY_LINES = (4046.0, 4358.0, 5460.0, 5577.0, 6300.0, 6363.0, 6863.0)
SKY_HALF_WIDTH = 3.0
# where LAMOST's blue and red arms are joined [Angstrom]
ARM_JOIN = (5800.0, 6000.0)
ALL_BITS = 0xFFFFFFFF
# ways to resample inverse variances
VARIANCES = ("interpolate", "propagate")
# ways to bring spectra to the grid
RESAMPLINGS = ("linear", "white")


@dataclass(frozen=True)
class Preset:
    """
    The choices of the preparation; change one with :func:`dataclasses.replace`.

    Attributes
    ----------
    name : str
        Name in provenance and on the command line.
    rest : {"exact", "released"}
        Formula of the rest frame, see :func:`to_rest`.
    mask_bits : int
        Bits of the survey's AND mask that make a pixel bad; 0 ignores the mask.
    sky_lines : tuple of float
        Observed wavelengths [Angstrom] around which pixels within `SKY_HALF_WIDTH` are bad.
    arm_join : (float, float) or None
        Observed wavelengths [Angstrom] between which pixels are bad.
    variance : {"interpolate", "propagate"}
        Formula of the inverse variance on the grid, see :func:`resample`; "propagate" with white resampling.
    width : float or None
        L of the running mean [Angstrom], see :func:`normalise`; None for spectra that are normalised already, which
        are not divided by it.
    resampling : {"linear", "white"}
        Linear interpolation, or a shift that keeps the noise of pixels independent, see
        :mod:`bayescannon.data.white_resampling`.

    Raises
    ------
    InputError
        There is no such way to resample.

    Examples
    --------
    >>> from dataclasses import replace
    >>> replace(PAPER, resampling="white").variance
    'propagate'
    """

    name: str
    rest: str = "exact"
    mask_bits: int = 0
    sky_lines: tuple[float, ...] = ()
    arm_join: tuple[float, float] | None = None
    variance: str = "interpolate"
    width: float | None = 50.0
    resampling: str = "linear"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("variance", self.variance, VARIANCES),
            ("resampling", self.resampling, RESAMPLINGS),
        ):
            if value not in known:
                raise InputError(f"{what} must be one of {', '.join(known)}; got {value!r}")
        if self.resampling == "white":
            object.__setattr__(self, "variance", "propagate")


PAPER = Preset("paper")
RELEASED = Preset("released", rest="released")
MASKED = Preset("masked", mask_bits=ALL_BITS, sky_lines=SKY_LINES, arm_join=ARM_JOIN, variance="propagate")
# for spectra that are normalised already
NONE = Preset("none", width=None)
PRESETS = {preset.name: preset for preset in (PAPER, RELEASED, MASKED, NONE)}


def provenance(preset: Preset) -> dict[str, str]:
    """Describe a preparation for the attributes of :class:`~bayescannon.data.spectra.Spectra`."""
    known = PRESETS.get(preset.name) == preset
    settings = asdict(preset)
    if preset.resampling == "linear":  # as written by versions that had no other
        del settings["resampling"]
    return {
        "preset": preset.name if known else f"{preset.name} (changed)",
        "preset_settings": json.dumps(settings),
        "variance": preset.variance,
        "bayescannon_version": __version__,
    }


def choose_preset(preset: Preset | str, variance: str | None = None, resampling: str | None = None) -> Preset:
    """
    Return a preset, looked up if it is given by name, with its `variance` and `resampling` replaced if they are given.

    Raises
    ------
    InputError
        Neither a preset nor its name, a way to resample that there is not, or two that do not go together.
    """
    given: Any = preset
    if isinstance(given, Preset):
        chosen = given
    elif isinstance(given, str) and given in PRESETS:
        chosen = PRESETS[given]
    else:
        got = repr(given) if isinstance(given, str) else f"the type {type(given).__name__}; a grid is given as grid=..."
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, or a Preset; got {got}")
    if variance is not None:
        chosen = replace(chosen, variance=variance)
    if resampling is not None:
        chosen = replace(chosen, resampling=resampling)
    if variance not in (None, chosen.variance):
        raise InputError(
            f"white resampling propagates variances; leave variance={variance!r} out, or take the linear resampling"
        )
    return chosen


def release_mismatch(trained: str, labelled: str) -> str:
    """
    Name the data releases of labelled spectra that are not among those of the training spectra.

    Parameters
    ----------
    trained, labelled : str
        The attribute ``data_release`` of the training and of the labelled spectra: names separated by commas.

    Returns
    -------
    sentence : str
        Empty if no release differs, or if the releases are not known.

    Examples
    --------
    >>> release_mismatch("LAMOST DR2", "LAMOST DR2, LAMOST DR10")
    'the spectra are of LAMOST DR10, the model was trained on spectra of LAMOST DR2; ...'
    >>> release_mismatch("LAMOST DR2", "LAMOST DR2")
    ''
    """
    known, others = ([name.strip() for name in text.split(",") if name.strip()] for text in (trained, labelled))
    new = [name for name in others if name not in known]
    if not known or not new:
        return ""
    return (
        f"the spectra are of {', '.join(new)}, the model was trained on spectra of {', '.join(known)}; labels may be "
        "biased where releases were reduced differently"
    )
