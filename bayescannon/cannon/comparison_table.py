"""The outcome of a comparison of models: scores of every held-out star under every model, and tables of them."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from bayescannon.cannon.validation import LabelStatistics
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

if TYPE_CHECKING:
    from astropy.table import QTable

Score = Literal["spectra", "labels"]

# log ratio to the best model of a star below which a model has no part in it
_LEAST_LOG_RATIO = -500.0


@dataclass(frozen=True, repr=False)
class ModelComparison:
    """
    Expected log predictive densities (elpd) of held-out stars under M models, and statistics of their labels.

    Attributes
    ----------
    names : tuple of M str
    label_names : tuple of K str
        The labels that all models have.
    star : str array of shape (star,)
    spectra : float array of shape (M, star)
        ln p(spectra of the star | its reported labels), by a model of the other folds, see
        :mod:`bayescannon.cannon.spectrum_density`.
    labels : float array of shape (M, star, K)
        ln p(reported label | spectra of the star), in the labels' units, with errors by the rule of
        :mod:`bayescannon.reliability.error_rule`, fitted to the stars of the other folds.
    n_values : int
        Fluxes that count: pixels that are live in every model, over all spectra.
    rows : tuple of LabelStatistics
        Of the common labels; ``method`` is the model's name.
    folds, seed : int
    notes : tuple of str
        What was left out so that the models are compared on the same data.
    """

    names: tuple[str, ...]
    label_names: tuple[str, ...]
    star: Any
    spectra: FloatArray
    labels: FloatArray
    n_values: int
    rows: tuple[LabelStatistics, ...]
    folds: int
    seed: int
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        best = self.names[int(self.spectra.sum(axis=1).argmax())]
        return (
            f"<ModelComparison of {', '.join(self.names)} by {len(self.star)} stars in {self.folds} folds; spectra are "
            f"predicted best by {best}>"
        )

    def scores(self, of: Score = "spectra") -> FloatArray:
        """
        Return the log density of each star under each model, shape (M, star).

        Raises
        ------
        InputError
            `of` is neither ``"spectra"`` nor ``"labels"``.
        """
        if of not in ("spectra", "labels"):
            raise InputError(f"of must be 'spectra' or 'labels'; got {of!r}")
        scores: FloatArray = self.spectra if of == "spectra" else self.labels.sum(axis=2)
        return scores

    def table(self, of: Score = "spectra") -> "QTable":
        """
        Rank the models by elpd, as :func:`arviz.compare` does.

        Parameters
        ----------
        of : {"spectra", "labels"}

        Returns
        -------
        table : astropy.table.QTable
            Best first: ``model``, ``rank``, ``elpd`` and its standard error ``se``; ``elpd_diff`` from the best and its
            standard error ``dse``, of the differences paired by star; ``median_diff``, the median of these differences,
            of another sign than the sum where a few stars decide; ``weight`` by stacking; ``per_value``, elpd_diff per
            flux or label.
        """
        from astropy.table import QTable

        scores = self.scores(of)
        total, n_star = scores.sum(axis=1), len(self.star)
        order = np.argsort(-total, kind="stable")
        diff = scores - scores[order[0]]
        count = self.n_values if of == "spectra" else n_star * len(self.label_names)
        return QTable(
            {
                "model": np.array(self.names)[order],
                "rank": np.arange(len(order)),
                "elpd": total[order],
                "se": (np.sqrt(n_star) * scores.std(axis=1, ddof=1))[order],
                "elpd_diff": diff.sum(axis=1)[order],
                "dse": (np.sqrt(n_star) * diff.std(axis=1, ddof=1))[order],
                "median_diff": np.median(diff, axis=1)[order],
                "weight": self._weights(scores)[order],
                "per_value": diff.sum(axis=1)[order] / count,
            },
            meta={"of": of, "stars": n_star, "values": count, "folds": self.folds, "seed": self.seed},
        )

    def _weights(self, scores: FloatArray) -> FloatArray:
        """Return the weights by stacking (Yao et al. 2018, Bayesian Analysis 13, 917), as ArviZ finds them."""
        if len(scores) == 1:
            return np.ones(1)
        from arviz import compare
        from arviz_stats.utils import ELPDDataLOOKFold

        # the weights depend on differences only; ArviZ takes the exponential, which must neither overflow nor vanish
        n_star, scores = scores.shape[1], np.maximum(scores - scores.max(axis=0), _LEAST_LOG_RATIO)
        results = {
            str(m): ELPDDataLOOKFold(
                elpd=float(one.sum()), se=float(np.sqrt(n_star) * one.std(ddof=1)), p=0.0, n_samples=1,
                n_data_points=n_star, scale="log", warning=False, good_k=None, n_folds=self.folds,
                elpd_i=xr.DataArray(one, dims="star"),
            )
            for m, one in enumerate(scores)
        }  # fmt: skip
        weight = compare(results, round_to="none")["weight"]
        return np.array([float(weight[str(m)]) for m in range(len(scores))])

    def to_text(self) -> str:
        """Return the tables of spectra and labels, and the labels' bias and scatter, as lines of text."""
        width = max(len(name) for name in (*self.names, "model"))
        lines = [f"{len(self.star)} stars in {self.folds} folds, {self.n_values} fluxes; {'; '.join(self.notes)}"]
        of: Score
        for of, what in (("spectra", "spectra given reported labels"), ("labels", "reported labels given spectra")):
            lines += ["", f"elpd of {what}, paired by star"]
            heads = f"{'elpd':>14} {'elpd_diff':>12} {'dse':>9} {'median':>9} {'weight':>6}"
            lines.append(f"{'model':{width}} rank {heads} per value")
            for row in self.table(of):
                lines.append(
                    f"{row['model']:{width}} {row['rank']:4d} {row['elpd']:14.1f} {row['elpd_diff']:12.1f} "
                    f"{row['dse']:9.1f} {row['median_diff']:9.2f} {row['weight']:6.2f} {row['per_value']:+9.5f}"
                )
        lines += ["", f"{'model':{width}} {'label':>8} {'bias':>9} {'+-':>8} {'scatter':>9} {'robust':>9} failed"]
        for row in self.rows:
            if row.selection == "all":
                lines.append(
                    f"{row.method:{width}} {row.label:>8} {row.bias:9.4g} {row.bias_error:8.2g} {row.scatter:9.4g} "
                    f"{row.robust_scatter:9.4g} {row.n_failed:6d}"
                )
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return tables and statistics as JSON."""
        tables = {
            of: [{name: row[name].item() for name in table.colnames} for row in table]
            for of, table in (("spectra", self.table("spectra")), ("labels", self.table("labels")))
        }
        rows = [{k: None if v != v else v for k, v in asdict(row).items()} for row in self.rows]
        known = {"folds": self.folds, "seed": self.seed, "stars": len(self.star), "values": self.n_values}
        return json.dumps({**known, "notes": list(self.notes), **tables, "statistics": rows}, indent=1)

    def to_xarray(self) -> xr.Dataset:
        """Return the scores of every star: ``spectra`` (model, star) and ``labels`` (model, star, stellar_label)."""
        return xr.Dataset(
            {
                "spectra": (("model", "star"), self.spectra),
                "labels": (("model", "star", "stellar_label"), self.labels),
            },
            coords={"model": list(self.names), "star": self.star, "stellar_label": list(self.label_names)},
            attrs={"folds": self.folds, "seed": self.seed, "n_values": self.n_values},
        )
