import os

import pytest

from bayescannon.io.memory_limit import memory_of_machine, require_memory
from bayescannon.numerics.errors import InputError


def test_memory_is_that_of_the_machine(monkeypatch):
    assert memory_of_machine() > 2**28
    monkeypatch.setattr(os, "sysconf", lambda _: 1000)
    assert memory_of_machine() == 1_000_000
    require_memory(1_000_000, "all")
    with pytest.raises(InputError, match=r"all need 0\.0 GB"):
        require_memory(1_000_001, "all")
