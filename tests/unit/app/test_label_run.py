"""A run that was interrupted goes on; parts that are damaged or of another run are made again."""

import numpy as np
import pytest
from labelled_store import N_STAR, Interrupted, labelled_bytes, labelled_store

import bayescannon as bc
from bayescannon.app import label_parts
from bayescannon.data.flags import PosteriorStatus
from bayescannon.numerics.errors import BayesCannonWarning


@pytest.fixture(scope="module")
def made():
    return labelled_store()


@pytest.fixture(scope="module")
def whole():
    return labelled_bytes()


@pytest.mark.parametrize("n_tasks", [1, 3, 5])
def test_an_interrupted_run_goes_on_to_the_same_bytes(made, whole, tmp_path, n_tasks):
    model, store, _ = made
    out = tmp_path / "c.fits"
    with pytest.raises(KeyboardInterrupt):
        bc.label_catalogue(model, store, out, n_draws=100, block=128, engine=Interrupted(n_tasks))
    assert not out.exists()
    rest = Interrupted(-1)
    again = bc.label_catalogue(model, store, out, n_draws=100, block=128, engine=rest)
    assert (rest.n_done, again.n_adopted) == (5 - n_tasks, n_tasks)
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["c.fits"]


def test_a_damaged_part_is_made_again(made, whole, tmp_path):
    model, store, _ = made
    out = tmp_path / "c.fits"
    with pytest.raises(KeyboardInterrupt):
        bc.label_catalogue(model, store, out, n_draws=100, block=128, engine=Interrupted(4))
    work = tmp_path / ".c.fits.work"
    part = work / "stars-0000000128.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    rest = Interrupted(-1)
    bc.label_catalogue(model, store, out, n_draws=100, block=128, engine=rest)
    assert rest.n_done == 2
    assert out.read_bytes() == whole


def test_parts_of_another_run_are_not_taken_up(made, tmp_path):
    model, store, _ = made
    out = tmp_path / "c.fits"
    with pytest.raises(KeyboardInterrupt):
        bc.label_catalogue(model, store, out, block=128, engine=Interrupted(3))
    with pytest.warns(BayesCannonWarning, match="of another command, or with other inputs"):
        other = bc.label_catalogue(model, store, out, block=128, seed=1)
    assert other.n_adopted == 0


def test_the_facts_are_those_of_the_estimates(made, tmp_path):
    from bayescannon.app.summary import summary

    model, store, _ = made
    run = bc.label_catalogue(model, store, tmp_path / "c.parquet", block=128, n_draws=100)
    estimates = bc.label_store(model, store, n_draws=100)
    assert summary(run.facts, n_starts=7) == summary(estimates, n_starts=7)
    assert run.facts["stars"] == N_STAR


def test_stars_for_nuts_are_sampled_in_the_same_groups(made, tmp_path, monkeypatch):
    """NUTS itself is stood in for: what it gives depends on the star and its group alone."""
    from bayescannon.app import block_labels

    model, store, _ = made
    real = block_labels.posterior_of

    def poor(likelihood, search, **options):
        found = real(likelihood, search, **options)
        status = found["posterior_status"].to_numpy()
        status[[int(name[-1]) in (3, 7) for name in likelihood.spectra.id.tolist()]] = PosteriorStatus.UNRELIABLE
        return found

    def nuts(self, spectra):
        found = real_nuts(self, spectra)
        found["posterior_status"][:] = int(PosteriorStatus.NUTS)
        found["posterior_quantile"][:] = len(spectra) + np.arange(len(spectra))[:, None, None]
        return found

    real_nuts = block_labels.BlockLabeller.sample_by_nuts
    monkeypatch.setattr(block_labels, "posterior_of", poor)
    monkeypatch.setattr(block_labels.BlockLabeller, "sample_by_nuts", nuts)
    for block in (128, 256):
        run = bc.label_catalogue(model, store, tmp_path / f"{block}.fits", n_draws=100, block=block)
    assert (tmp_path / "128.fits").read_bytes() == (tmp_path / "256.fits").read_bytes()
    estimates = bc.label_store(model, store, n_draws=100)
    bc.write_catalogue(estimates, tmp_path / "memory.fits")
    assert (tmp_path / "memory.fits").read_bytes() == (tmp_path / "128.fits").read_bytes()
    n_poor = int((bc.read_catalogue(tmp_path / "128.fits")["posterior_status"] == PosteriorStatus.NUTS).sum())
    assert n_poor == run.facts.posteriors()["NUTS"] > label_parts.NUTS_GROUP
