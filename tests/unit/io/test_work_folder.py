import contextlib
import os

import pytest

from bayescannon.io.output_lock import lock_name, locked
from bayescannon.io.work_folder import WorkFolder
from bayescannon.numerics.errors import BayesCannonWarning, InputError

WANTED = {"verb": "label", "seed": 1, "blocks": (1, 2)}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "rows.csv"


def _part(work, key="block-0", text="rows"):
    with work.parts.writing(key, ".txt", {"stars": 3}) as path:
        path.write_text(text)


def _interrupt(output, fingerprint=WANTED):
    with contextlib.suppress(KeyboardInterrupt), WorkFolder(output, fingerprint) as work:
        _part(work)
        raise KeyboardInterrupt
    return work.parts


def test_the_same_command_finds_the_finished_parts_and_leaves_nothing_in_the_end(output):
    parts = _interrupt(output)
    assert parts.done("block-0") == {"stars": 3}
    with WorkFolder(output, WANTED) as work:
        assert (work.n_adopted, work.parts.done("block-0"), work.parts.done("block-1")) == (1, {"stars": 3}, None)
        work.finish()
    assert list(output.parent.iterdir()) == []


def test_a_run_without_parts_leaves_nothing(output):
    with WorkFolder(output, WANTED):
        pass
    assert list(output.parent.iterdir()) == []


def test_parts_of_another_command_are_replaced_with_a_warning(output):
    _interrupt(output)
    other = WorkFolder(output, WANTED | {"seed": 2})
    with pytest.warns(BayesCannonWarning, match="left finished parts"), other as work:
        assert (work.n_adopted, work.parts.done("block-0")) == (0, None)


@pytest.mark.parametrize("damage", ["flip", "cut", "lose", "note"])
def test_a_damaged_part_is_not_finished(output, damage):
    parts = _interrupt(output)
    file = parts.path("block-0", ".txt")
    if damage == "flip":
        file.write_text("rowz")
    elif damage == "cut":
        os.truncate(file, 3)
    elif damage == "lose":
        file.unlink()
    else:
        parts.path("block-0", ".note").write_text('{"file"')
    with WorkFolder(output, WANTED) as work:
        assert work.parts.done("block-0") is None
        _part(work, text="again")
        assert work.parts.done("block-0") == {"stars": 3}


def test_a_part_whose_writing_fails_does_not_exist_and_leaves_no_temporary_file(output):
    with WorkFolder(output, WANTED) as work:
        with contextlib.suppress(RuntimeError), work.parts.writing("block-0", ".txt") as path:
            path.write_text("half")
            raise RuntimeError
        assert work.parts.done("block-0") is None
    assert list(output.parent.iterdir()) == []


def test_temporary_files_of_killed_workers_are_removed(output):
    parts = _interrupt(output)
    (parts.folder / ".block-1.partial-99-aa.txt").write_text("half")
    with WorkFolder(output, WANTED) as work:
        assert [one.name for one in work.parts.folder.glob(".*")] == []


def test_a_part_can_be_dropped_and_its_key_is_a_plain_name(output):
    with WorkFolder(output, WANTED) as work:
        _part(work)
        work.parts.drop("block-0", ".txt")
        assert work.parts.done("block-0") is None
        with pytest.raises(InputError, match="the key of a part"):
            work.parts.path("../x", ".txt")


def test_the_lock_of_the_output_is_held_and_can_be_held_already(output):
    with WorkFolder(output, WANTED):
        assert lock_name(output).exists()
    with locked(output), WorkFolder(output, WANTED):
        pass
    assert list(output.parent.iterdir()) == []
