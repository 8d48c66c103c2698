"""The label vector: its terms, their order, and its derivative."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector, label_vector_jacobian, n_terms, term_names


def test_the_label_vector_of_five_labels_has_21_terms_in_the_papers_order():
    assert n_terms(5) == 21
    labels = np.array([2.0, 3.0, 5.0])
    np.testing.assert_array_equal(label_vector(labels), [1, 2, 3, 5, 4, 6, 10, 9, 15, 25])
    assert term_names(("a", "b")) == ["1", "a", "b", "a^2", "a*b", "b^2"]


@pytest.mark.parametrize("n_label", [1, 2, 5])
def test_jacobian_is_the_derivative(n_label):
    x = np.random.default_rng(0).normal(size=(3, n_label))
    jacobian = label_vector_jacobian(x)
    assert jacobian.shape == (3, n_terms(n_label), n_label)
    for k in range(n_label):
        step = 1e-6 * (np.arange(n_label) == k)
        slope = (label_vector(x + step) - label_vector(x - step)) / 2e-6
        np.testing.assert_allclose(jacobian[..., k], slope, atol=1e-8)
