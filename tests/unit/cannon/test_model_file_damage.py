"""Model files damaged at random: each is refused with a reason, or is the same model; of every version."""

import pytest
import toy
from fuzzing import SOAK, damage, damages, in_a_child, run
from old_model import OLD
from same import assert_same

from bayescannon.cannon.model_file import load_model, save_model
from bayescannon.cannon.model_layout import ModelFileError
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.training import train


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A small model of this version, and one of 0.2.0 with everything that a model may have, written anew."""
    folder = tmp_path_factory.mktemp("models")
    reference = toy.toy_reference(60, n_pixel=20)
    save_model(qualify(train(reference), reference, folds=2), folder / "small.nc")
    save_model(load_model(OLD), folder / "whole.nc")
    return folder


@pytest.mark.parametrize("n", [40, pytest.param(max(SOAK // 10, 300), marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", ["small.nc", "whole.nc"])
def test_a_damaged_model_is_refused_or_the_same(models, tmp_path, name, n):
    data = (models / name).read_bytes()
    whole = load_model(models / name)
    path = tmp_path / name
    same = 0

    def check(bytewise):
        nonlocal same
        changed = damage(data, bytewise)
        path.write_bytes(changed)
        try:
            back = load_any_model(path)
        except ModelFileError as error:
            assert str(path) in str(error)  # noqa: PT017
            return
        # only the digest behind the contents may be hit unnoticed
        assert changed == data or changed[-600:] != data[-600:]
        same += changed != data
        assert_same(back, whole)

    run(check, damages(), n=n)
    assert same <= n / 10


@pytest.mark.soak
def test_a_model_without_a_seal_is_refused_or_the_same(models, tmp_path):
    """As files of versions 0.3 to 0.6 are: their digest is found only after HDF5 has read them."""
    data = (models / "small.nc").read_bytes()[:-85]
    whole = load_model(models / "small.nc")
    path = tmp_path / "m.nc"

    def read():
        try:
            assert_same(load_any_model(path), whole)
        except ModelFileError:
            return False
        return True

    def check(bytewise):
        path.write_bytes(damage(data, bytewise))
        answer = in_a_child(read)
        assert answer in ("read", "refused"), answer

    run(check, damages(), n=300)
