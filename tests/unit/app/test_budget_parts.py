"""Tasks of a budget: their names, and models of the bootstrap that come back as they were."""

import numpy as np
import toy

import bayescannon as bc
from bayescannon.app.budget_parts import BudgetBlock, ReplicateTask, read_replicate, write_replicate
from bayescannon.cannon.training import training_stars
from bayescannon.io.work_folder import Parts
from bayescannon.uncertainty.bootstrap import Replicate, bootstrap_labels


def test_models_of_the_bootstrap_that_were_kept_give_the_same_labels(tmp_path):
    reference = toy.toy_reference(80, ("teff", "logg"), n_pixel=40)
    model, parts = bc.train(reference), Parts(tmp_path)
    spectra = toy.toy_spectra(toy.toy_labels(12, ("teff", "logg"), seed=3), ("teff", "logg"), seed=3, n_pixel=40)
    tasks = [ReplicateTask("model", Replicate(model, number, 4)) for number in range(2)]
    for task in tasks:
        write_replicate(task, {"model": training_stars(model, reference)}, parts, 1)
        assert parts.done(task.key) == {}
    kept = bootstrap_labels(
        model, reference, spectra, n_bootstrap=2, models=[read_replicate(task, parts) for task in tasks], seed=4
    )
    np.testing.assert_array_equal(
        kept["labels"], bootstrap_labels(model, reference, spectra, n_bootstrap=2, seed=4)["labels"]
    )


def test_names_of_parts_sort_as_the_blocks_do():
    keys = [BudgetBlock(n, np.arange(3)).key for n in (0, 9, 10, 100)]
    assert keys == sorted(keys)
    assert BudgetBlock(0, np.arange(3), only_labels=True).key != keys[0]
