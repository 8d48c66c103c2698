"""One call of a function, as it goes to another process and back."""

import pickle
import warnings
from types import MappingProxyType

import pytest
import worker_tasks as tasks

from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.tasks import Outcome, RemoteTraceback, Task, call


def there_and_back(outcome):
    return pickle.loads(pickle.dumps(outcome))


def test_a_result_and_its_warnings():
    outcome = there_and_back(call(Task(tasks.warn), 3))
    with pytest.warns(BayesCannonWarning, match="item 3 is odd"):
        assert outcome.settle() == 3
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        again = Outcome(1, warnings=outcome.warnings * 3)
        assert again.settle() == 1
    assert len(caught) <= 1


def test_an_error_keeps_its_kind_and_its_traceback():
    with pytest.raises(InputError, match="must not be") as error:
        there_and_back(call(Task(tasks.fail), 2)).settle()
    assert isinstance(error.value.__cause__, RemoteTraceback)


def test_common_arguments_follow_the_item():
    assert call(Task(pow, (3, 5)), 2).settle() == 8 % 5


def test_a_mapping_that_cannot_be_changed_is_sent():
    sent = pickle.loads(pickle.dumps(Task(max, (MappingProxyType({"a": 1}),))))
    assert sent.common == ({"a": 1},)
    assert isinstance(sent.common[0], MappingProxyType)


def test_an_error_or_warning_that_cannot_be_sent_becomes_one_with_the_same_text():
    with pytest.raises(RuntimeError, match="Local: of no module"):
        there_and_back(call(Task(tasks.fail_untravelled), 0)).settle()

    class Local(UserWarning):
        pass

    def warn(_):
        warnings.warn(Local("odd"), stacklevel=1)

    with pytest.warns(UserWarning, match="odd"):
        there_and_back(call(Task(warn), 0)).settle()
