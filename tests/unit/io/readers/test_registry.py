import pytest

from bayescannon.io.readers import registry as module
from bayescannon.io.readers.reader import Reader
from bayescannon.io.readers.registry import find_reader, known_readers, register_reader
from bayescannon.numerics.errors import BayesCannonWarning, InputError, InputTypeError


@pytest.fixture
def clean(monkeypatch):
    monkeypatch.setattr(module, "_registered", {})
    monkeypatch.setattr(module, "_installed", {})
    monkeypatch.setattr(module, "_looked_for_installed", False)


def read_nothing(path):  # noqa: ARG001
    return []


class Point:
    """An entry point of another package."""

    def __init__(self, name, target):
        self.name, self.value, self.target = name, f"other:{name}", target

    def load(self):
        if isinstance(self.target, Exception):
            raise self.target
        return self.target


@pytest.mark.usefixtures("clean")
def test_a_registered_reader_is_found_by_name():
    mine = Reader("mine", read_nothing)
    assert register_reader(mine) is mine
    assert register_reader(mine) is mine
    assert find_reader("mine") is mine
    assert find_reader(mine) is mine
    assert list(known_readers())[-1] == "mine"
    with pytest.raises(InputError, match="a reader named mine is known; choose another name, or set overwrite=True"):
        register_reader(Reader("mine", read_nothing, "another"))
    with pytest.raises(InputError, match="lamost-lrs is known"):
        register_reader(Reader("lamost-lrs", read_nothing))
    assert register_reader(Reader("mine", read_nothing, "another"), overwrite=True).description == "another"
    with pytest.raises(InputTypeError, match="takes a Reader; got function"):
        register_reader(read_nothing)


@pytest.mark.usefixtures("clean")
def test_readers_of_other_packages_are_loaded_when_they_are_asked_for(monkeypatch):
    asked = []
    points = [
        Point("theirs", Reader("theirs", read_nothing)),
        Point("broken", ImportError("no module named gone")),
        Point("odd", 3),
    ]
    monkeypatch.setattr(module, "entry_points", lambda group: asked.append(group) or points)
    assert find_reader("lamost-lrs").name == "lamost-lrs"
    assert asked == []
    with pytest.warns(BayesCannonWarning) as caught:
        assert find_reader("theirs").name == "theirs"
    said = [str(one.message) for one in caught]
    assert "the reader broken of another package (other:broken) cannot be used: no module named gone" in said
    assert "the reader odd of another package (other:odd) cannot be used: it is no Reader but int" in said
    with pytest.raises(InputError, match=r"no reader 'x'; the readers are auto .*lamost-lrs .*theirs"):
        find_reader("x")
    assert asked == ["bayescannon.readers"]


def test_names_that_are_none():
    with pytest.raises(InputTypeError, match="reader must be a name or a Reader; got int"):
        find_reader(3)
