"""The page of a run: one HTML file with what was run, whether its labels can be trusted, and an explorer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bayescannon import __version__
from bayescannon.app.label_plan import LabelOptions
from bayescannon.app.report.explorer import ExplorerHtml, explorer_html
from bayescannon.app.report.page_files import own_text, template
from bayescannon.app.report.page_parts import PageParts, contents_of_page
from bayescannon.app.report.run_contents import RunContents
from bayescannon.app.report.run_folder import RunFolder
from bayescannon.app.report.theme import theme_css
from bayescannon.cannon.choices import LABEL_PRIORS
from bayescannon.cannon.options import choose_nuisances
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.cannon.report_choices import N_SPECTRA, ReportChoices
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.outputs import check_output_file, replacing
from bayescannon.io.paths import as_path
from bayescannon.numerics.errors import BayesCannonError, InputError

# of a page, and kept for what surrounds the explorer's part [bytes]
LIMIT = 25_000_000
_MARGIN = 10_000
# the page's name in the folder of its run
NAME = "report.html"
# of a page: what opens it in a browser
ENDINGS = (".html", ".htm")


def write_report(
    run: str | Path,
    out: str | Path | None = None,
    *,
    n_spectra: int = N_SPECTRA,
    also: Sequence[str | Path] = (),
    overwrite: bool = False,
) -> Path:
    """
    Write a page of a run: what was run, whether its labels can be trusted, tables, figures, and an explorer.

    The page is one file of at most 25 MB that needs no network. The same run gives the same bytes.

    Parameters
    ----------
    run : str or Path
        The folder that ``bayescannon run`` wrote. What is missing or damaged in it is said at the top of the page.
    out : str or Path, optional
        The page; ``report.html`` in the folder of the run unless given.
    n_spectra : int
        Stars whose spectra the page holds, at most; fewer where they do not fit.
    also : sequence of str or Path
        Files of further models, whose spectra can be laid over those of the run's.
    overwrite : bool
        Replace a page that exists.

    Returns
    -------
    path : Path

    Raises
    ------
    InputError
        There is no run in the folder, a further model cannot be read, or the page does not end in ``.html``.
    OutputExistsError
        The page exists, and `overwrite` is False.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> run = Path(tempfile.mkdtemp())
    >>> bc.save_model(bc.train(reference), run / "model.nc")
    >>> bc.write_report(run).name
    'report.html'
    """
    chosen = ReportChoices(n_spectra=n_spectra, also=[str(one) for one in also])
    folder = RunFolder.open(run)
    path = folder.path / NAME if out is None else as_path(out, "the page")
    if path.suffix.lower() not in ENDINGS:
        given = path.suffix or "none"
        raise InputError(f"the ending of a page must be one of {', '.join(ENDINGS)}; got {given!r} in {str(path)!r}")
    check_output_file(path, overwrite=overwrite)
    text = report_html(folder, chosen)
    with replacing(path, overwrite=overwrite) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def report_html(folder: RunFolder, chosen: ReportChoices | None = None) -> str:
    """Return the page of a run as text."""
    chosen = chosen or ReportChoices()
    run = RunContents.read(folder)
    also = further_models(chosen.also)
    parts = PageParts.of(run)
    bare = _render(parts, Markup(""), file_size(LIMIT))
    limit = LIMIT - _MARGIN - len(bare.encode())
    explorer, fault = Markup(""), ""
    notes: tuple[str, ...] = ()
    try:
        made = _explorer(run, also, chosen.n_spectra, limit)
        explorer, notes = Markup(made.html), made.notes
    except BayesCannonError as error:
        fault = f"There is no explorer: {error}."
    size = len(bare.encode()) + len(explorer.encode())
    return _render(parts, explorer, file_size(size), fault=fault, notes=notes)


def _explorer(run: RunContents, also: Mapping[str, TrainedModel], n_spectra: int, limit: int) -> ExplorerHtml:
    """Return the explorer, without spectra if those of the store are not the catalogue's, or cannot be read."""
    how: dict[str, Any] = {"also": also, "limit": limit, "options": label_options(run)}
    if run.store is not None and run.catalogue is not None:
        try:
            return explorer_html(run.model, run.catalogue, run.store.path, n_spectra=n_spectra, **how)
        except (BayesCannonError, OSError) as error:
            made = explorer_html(run.model, run.catalogue, None, **how)
            said = str(error).replace(str(run.store.path), run.store.path.name)
            return replace(made, notes=(*made.notes, f"the spectra cannot be shown: {said}"))
    return explorer_html(run.model, run.catalogue, None, n_spectra=n_spectra, **how)


def file_size(n_bytes: int) -> str:
    """
    Say how large a page is.

    Examples
    --------
    >>> file_size(15_429_656), file_size(11_400)
    ('15.4 MB', '11 kB')
    """
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 100_000 else f"{n_bytes / 1e3:.0f} kB"


def further_models(paths: Sequence[str]) -> dict[str, TrainedModel]:
    """
    Return models by the names of their files; of a survey model, each of its models.

    Raises
    ------
    BayesCannonError
        One cannot be read.
    InputError
        Two files have the same name.
    """
    found: dict[str, TrainedModel] = {}
    for path in paths:
        model, name = load_any_model(path), Path(path).stem
        named = {name: model} if isinstance(model, TrainedModel) else {
            f"{name} {one}": each for one, each in model.distinct.items()
        }  # fmt: skip
        twice = named.keys() & found.keys()
        if twice:
            raise InputError(f"further models are told apart by the names of their files; two are called {name!r}")
        found |= named
    return found


def label_options(run: RunContents) -> LabelOptions:
    """Return how the stars of a run were labelled: as its catalogue says; what that does not say, its configuration."""
    options: LabelOptions = {}
    if run.folder.config is not None and run.model is not None:
        label = run.folder.config.label
        options = {
            "prior": label.prior, "n_starts": label.starts, "seed": label.seed,
            "nuisances": choose_nuisances(label, run.model.options.nuisances),
        }  # fmt: skip
    # a configuration may have been edited since, or the catalogue made by another command
    if run.catalogue is not None:
        meta = run.catalogue.meta
        # it describes its prior by what is built from a reference set: "mixture of 3 Gaussians of teff, logg"
        kind = str(meta.get("prior", "")).partition(" ")[0].lower()
        if kind in LABEL_PRIORS:
            options["prior"] = kind
        if isinstance(meta.get("n_starts"), int) and isinstance(meta.get("seed"), int):
            options |= {"n_starts": meta["n_starts"], "seed": meta["seed"]}
    return options


def _render(parts: PageParts, explorer: Markup, size: str, *, fault: str = "", notes: Sequence[str] = ()) -> str:
    """Return the page with its explorer."""
    values = {**parts.values, "warnings": [*parts.warnings, *notes]}
    text: str = template("report.html.j2").render(
        **values, contents=contents_of_page(values), version=__version__, explorer=explorer, explorer_fault=fault,
        size=size, style=Markup(theme_css()) + own_text("page.css"), script=own_text("page.js"),
    )  # fmt: skip
    return text
