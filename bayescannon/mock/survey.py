"""
Simulate a survey, in memory or as files: spectra like LAMOST's, labels like APOGEE's, and the true labels.

Stars and tables are drawn for the whole survey, spectra in blocks of fixed size with one child of the seed per block.
Therefore the same seed gives the same survey, whatever the number of workers.

How far it is like real data: the table compares 172 giants of LAMOST DR10 with three labels of LAMOST's pipeline and
the mean of six mock surveys of ``release="dr10"`` with as many stars (after the clip; flat training; residuals in units
of sqrt(s^2 + kappa^2 sigma^2)), then the scatter that Ho et al. (2017, figure 5, S/N > 50) give for 9952 stars and that
of 1500 mock stars of ``release="dr2"`` with labels from Survey A (header S/N > 50).
``tests/published/test_mock_survey.py`` holds the table against both.

===================================================  ====================  ====================
statistic                                            real                  mock
===================================================  ====================  ====================
header S/N: 16, 50, 84 %                             22, 57, 151           23, 57, 143
kappa learned                                        0.73                  0.73
median s, with kappa learned                         0.0059                0.0054
median kappa sigma / s, kappa learned                1.5                   1.5
the same, kappa = 1                                  2.5                   2.7
N_eff / N of the stars' weights, kappa learned       0.62                  0.61
the same, kappa = 1                                  0.48                  0.46
median reduced chi2, kappa = 1                       0.69                  0.69
residuals beyond 4                                   0.28 %                0.21 %
excess kurtosis of the residuals (below 10)          2.9                   2.7
correlation of residuals 1, 2, 3 pixels apart        0.49, 0.20, 0.14      0.51, 0.23, 0.16
variance in 1, 3, 10, 30 principal components        4, 11, 26, 47 %       5, 11, 24, 42 %
taken by the clip                                    1.7 %                 2.0 %
scatter of Teff, log g, [Fe/H], 8-fold (robust)      69 K, 0.187, 0.080    75 K, 0.179, 0.074
the same, S/N > 50                                   61 K, 0.157, 0.065    62 K, 0.158, 0.061
the same, standard deviation of all                  111 K, 0.298, 0.142   98 K, 0.255, 0.100
width of (inferred - reference) / formal error       5.0, 5.4, 5.0         5.2, 5.5, 5.7
paper: scatter of Teff, log g, [Fe/H]                68.8 K, 0.143, 0.086  67 K, 0.159, 0.078
paper: scatter of [alpha/M], A_K                     0.039, 0.048          0.041, 0.052
paper: taken by the clip                             9 %                   3 %
===================================================  ====================  ====================

The clip of the mock survey is between that of DR10 and the paper's.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.data.spectra import RawSpectrum
from bayescannon.io.outputs import OutputExistsError
from bayescannon.io.paths import as_path
from bayescannon.mock import catalogues, detector
from bayescannon.mock.detector import Exposure
from bayescannon.mock.emulator import Emulator
from bayescannon.mock.exposures import expose
from bayescannon.mock.lamost_file import RELEASE, header_cards, lamost_bytes
from bayescannon.mock.odd_stars import checked_odd, make_odd
from bayescannon.mock.releases import DR2, Release, choose_release
from bayescannon.mock.stars import Stars, draw_stars
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.truth import truth
from bayescannon.numerics.typing import FloatArray
from bayescannon.numerics.whole_numbers import whole_number

BLOCK_SIZE = 128


@dataclass(frozen=True, eq=False, repr=False)
class MockSurvey:
    """
    A simulated survey in memory; the reference stars come first.

    Attributes
    ----------
    wavelength : float64 array of shape (P,)
        The full grid of the files: vacuum, heliocentric, rounded to float32.
    exposures : tuple of Exposure
        Spectra, in blocks of stars.
    stars : dict of arrays of shape (star,)
        Names, positions, header values and truth of every star.
    apogee : astropy.table.Table
        Labels of the reference stars from Survey A, in the layout of allStar DR12.
    lasp : astropy.table.Table
        Labels of all stars from the pipeline of Survey B.
    truth : astropy.table.Table
        True labels of all stars, and which of them are mislabelled, flagged or incomplete in Survey A; the population
        of stars of a field sample, and what odd stars are.
    """

    wavelength: NDArray[np.float64]
    exposures: tuple[Exposure, ...]
    stars: Stars
    apogee: Table
    lasp: Table
    truth: Table

    def __repr__(self) -> str:
        n_reference = len(self.apogee)
        return f"<MockSurvey of {n_reference} reference stars and {len(self.truth) - n_reference} test stars>"

    def spectra(self) -> Iterator[RawSpectrum]:
        """Yield the spectra one by one, as a reader of the files would."""
        row = 0
        for exposure in self.exposures:
            for k in range(len(exposure.flux)):
                yield _raw_spectrum(self.wavelength, exposure, k, _star(self.stars, row))
                row += 1


class Sample(TypedDict, total=False):
    """What is simulated: keyword arguments of :func:`simulate_survey` that :func:`write_survey` takes too."""

    release: str | Release
    populations: str
    odd: Mapping[str, int] | None


def simulate_survey(
    n_reference: int,
    n_test: int,
    *,
    seed: int,
    release: str | Release = DR2,
    populations: str = "giants",
    odd: Mapping[str, int] | None = None,
    progress: Progress = None,
) -> MockSurvey:
    """
    Simulate a survey in memory, with about 80 kB per star.

    Parameters
    ----------
    n_reference, n_test : int
        Numbers of stars with and without labels from Survey A.
    seed : int
        The same seed gives the same survey.
    release : "dr2", "dr10" or Release
        The data release that reported variances and S/N are like, see :mod:`bayescannon.mock.releases`.
    populations : "giants", "field" or "paper"
        Giants alone, or giants, dwarfs and hot stars: among the test stars four dwarfs to a giant and 4 % hot stars,
        among the reference stars 50, 40 and 10 %, see :mod:`bayescannon.mock.field`; "paper" has the same test stars,
        and reference stars that are all giants, as those of APOGEE DR12 are. The truth of a field sample has the
        column ``population``: giant, dwarf or hot.
    odd : mapping of str to int, optional
        How many of the test stars are odd: pairs, emission-line and carbon stars, wrong redshifts, spectra of the sky,
        see :mod:`bayescannon.mock.odd_stars`. The truth then has the column ``odd``, and what is odd in others.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (stars done, stars).

    Returns
    -------
    survey : MockSurvey
        ``spectra()`` yields a RawSpectrum for each star; the tables ``apogee`` (labels of the reference stars),
        ``lasp`` (labels by Survey B's own pipeline) and ``truth`` have a row per star.

    Raises
    ------
    InputError
        A negative number of stars, or none at all; an unknown release, sample or class of odd stars; too few test
        stars for the odd ones.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(2, 1, seed=1)
    >>> survey
    <MockSurvey of 2 reference stars and 1 test stars>
    >>> raws = list(survey.spectra())
    >>> len(raws), len(survey.apogee), survey.truth["teff"].shape
    (3, 2, (3,))

    A field sample with three pairs of stars:

    >>> field = bc.simulate_survey(2, 20, seed=1, populations="field", odd={"binary": 3})
    >>> int((field.truth["odd"] == "binary").sum()), set(field.truth["population"]) >= {"giant", "dwarf"}
    (3, True)
    """
    sample = Sample(release=release, populations=populations, odd=odd)
    stars, blocks, table_seed = _plan(n_reference, n_test, seed, sample)
    release = choose_release(release)
    made = []
    with reporting(progress, "mock survey") as report:
        for rows, block_seed in blocks:
            made.append(expose(_rows(stars, rows), block_seed, release))
            report(rows.stop, len(stars["id"]))
    exposures = tuple(made)
    for band in detector.BANDS:
        stars[band] = np.concatenate([exposure.snr[band] for exposure in exposures])
    return MockSurvey(_file_wavelength(), exposures, stars, *_tables(stars, table_seed))


def write_survey(
    out: Path | str,
    n_reference: int,
    n_test: int,
    *,
    seed: int,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
    **sample: Unpack[Sample],
) -> Path:
    """
    Simulate a survey and write it as files.

    Writes ``OUT/spectra/*.fits`` (LAMOST's image layout), ``OUT/apogee.fits``, ``OUT/lasp.csv`` and, last,
    ``OUT/truth.csv``.

    Parameters
    ----------
    out : path
        Folder to write to; made if it does not exist.
    n_reference, n_test : int
        Numbers of stars with and without labels from Survey A.
    seed : int
        The same seed gives the same bytes, whatever the number of workers.
    overwrite : bool
        Replace an existing survey in the folder.
    progress : callable, optional
        Called with (stars written, all stars) after each block.
    workers : int
        Number of threads that simulate and write.
    **sample
        ``release``, ``populations`` and ``odd`` as in :func:`simulate_survey`.

    Returns
    -------
    out : pathlib.Path

    Raises
    ------
    OutputExistsError
        `out` is not empty and `overwrite` is false.
    InputError
        Fewer than one worker, and what :func:`simulate_survey` refuses.
    """
    if workers < 1:
        raise InputError(f"workers must be at least 1; got {workers}")
    out = as_path(out, "the folder to write to")
    stars, blocks, table_seed = _plan(n_reference, n_test, seed, sample)
    release = choose_release(sample.get("release", DR2))
    _clear(out, overwrite=overwrite)
    folder = out / "spectra"
    folder.mkdir(parents=True, exist_ok=True)
    wavelength = _file_wavelength()

    def write_block(rows: slice, block_seed: np.random.SeedSequence) -> dict[str, FloatArray]:
        block = _rows(stars, rows)
        exposure = expose(block, block_seed, release)
        block.update(exposure.snr)
        for k in range(len(exposure.flux)):
            star = _star(block, k)
            content = lamost_bytes(_file_rows(wavelength, exposure, k, star), header_cards(star))
            (folder / f"{star['id']}.fits").write_bytes(content)
        return exposure.snr

    done = 0
    reported: list[dict[str, FloatArray]] = []
    with ThreadPoolExecutor(workers) as pool:
        for snr in pool.map(lambda block: write_block(*block), blocks):
            reported.append(snr)
            done += len(snr["snrg"])
            if progress is not None:
                progress(done, len(stars["id"]))
    for band in detector.BANDS:
        stars[band] = np.concatenate([snr[band] for snr in reported])
    apogee, lasp, truth = _tables(stars, table_seed)
    apogee.write(out / "apogee.fits", overwrite=overwrite)
    lasp.write(out / "lasp.csv", format="ascii.csv", overwrite=overwrite)
    truth.write(out / "truth.csv", format="ascii.csv", overwrite=overwrite)
    return out


def _plan(
    n_reference: int, n_test: int, seed: int, sample: Sample
) -> tuple[Stars, list[tuple[slice, np.random.SeedSequence]], np.random.SeedSequence]:
    """Draw the stars, and make a seed for each block of spectra and one for the tables."""
    n_reference, n_test = whole_number(n_reference, "n_reference"), whole_number(n_test, "n_test")
    seeds = np.random.SeedSequence(whole_number(seed, "seed")).spawn(4)
    star_seed, table_seed, spectrum_seed, odd_seed = seeds
    release, populations = choose_release(sample.get("release", DR2)), sample.get("populations", "giants")
    odd = checked_odd(sample.get("odd") or {})
    rng = np.random.default_rng(star_seed)
    stars = draw_stars(n_reference, n_test, rng, release=release, populations=populations)
    if odd:
        make_odd(stars, odd, np.random.default_rng(odd_seed))
    n_star = n_reference + n_test
    rows = [slice(start, min(start + BLOCK_SIZE, n_star)) for start in range(0, n_star, BLOCK_SIZE)]
    return stars, list(zip(rows, spectrum_seed.spawn(len(rows)), strict=True)), table_seed


def _tables(stars: Stars, seed: np.random.SeedSequence) -> tuple[Table, Table, Table]:
    apogee_seed, lasp_seed = seed.spawn(2)
    return (
        catalogues.apogee_table(stars, np.random.default_rng(apogee_seed)),
        catalogues.lasp_table(stars, np.random.default_rng(lasp_seed)),
        catalogues.truth_table(stars),
    )


def _clear(out: Path, *, overwrite: bool) -> None:
    """Raise an error if the folder is not empty; with `overwrite`, remove an older mock survey from it."""
    overwrite = truth(overwrite, "overwrite")
    if not out.exists() or not any(out.iterdir()):
        return
    if not overwrite:
        raise OutputExistsError(out)
    # truth.csv first: without it, remaining files are not taken for a complete survey
    old = [
        out / "truth.csv",
        out / "lasp.csv",
        out / "apogee.fits",
        *(out / "spectra").glob("spec-*-MOCK*_sp*.fits"),
    ]
    for path in old:
        path.unlink(missing_ok=True)


def _file_wavelength() -> NDArray[np.float64]:
    return Emulator.load().wavelength.astype(np.float32).astype(np.float64)


def _rows(stars: Stars, rows: slice) -> Stars:
    return {name: values[rows] for name, values in stars.items()}


def _star(stars: Stars, row: int) -> dict[str, Any]:
    return {name: values[row].item() for name, values in stars.items()}


def _live(star: Mapping[str, Any], n_pixel: int) -> slice:
    return slice(star["trim_blue"], n_pixel - star["trim_red"])


def _file_rows(
    wavelength: NDArray[np.float64], exposure: Exposure, k: int, star: Mapping[str, Any]
) -> NDArray[np.float64]:
    rows = [exposure.flux[k], exposure.ivar[k], wavelength, exposure.andmask[k], exposure.ormask[k]]
    return np.stack(rows)[:, _live(star, len(wavelength))]


def _raw_spectrum(wavelength: NDArray[np.float64], exposure: Exposure, k: int, star: Mapping[str, Any]) -> RawSpectrum:
    flux, ivar, wave, andmask, _ = _file_rows(wavelength, exposure, k, star)
    return RawSpectrum(
        star["id"],
        wave,
        flux,
        ivar,
        andmask.astype(np.uint32),
        star["z"],
        star["ra"],
        star["dec"],
        round(star["snrg"], 2),
        {"class": "STAR", "subclass": star["subclass"], "release": RELEASE},
    )
