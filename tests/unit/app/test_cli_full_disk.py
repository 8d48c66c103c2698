"""Commands on a disk that becomes full: a sentence, the old output kept, and the same command again with more room."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers.kills import contents

ROOM = 96 << 20
LABELS = ["--labels", "survey/apogee.fits", "--label-names", "teff,logg,fe_h"]
VERBS = {
    "prepare": ["prepare", "survey/spectra", "--out", "store.zarr", "--overwrite"],
    "train": ["train", "store.zarr", *LABELS, "--folds", "0", "--out", "model.nc", "--overwrite"],
    "label parquet": ["label", "model.nc", "store.zarr", "--out", "rows.parquet"],
    "label fits": ["label", "model.nc", "store.zarr", "--out", "rows.fits"],
    "uncertainties": ["uncertainties", "model.nc", "store.zarr", "--kinds", "formal", "--out", "errors.nc"],
}


@pytest.fixture
def disk(small, tmp_path):
    """A small disk of its own, with a survey, its store and a model."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own cannot be mounted here")
    try:
        for path in (small.survey, small.store):
            shutil.copytree(path, place / path.name)
        shutil.copy(small.model, place / "model.nc")
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _run(command, folder):
    return subprocess.run(
        [sys.executable, "-m", "bayescannon", *command], cwd=folder, capture_output=True, text=True, check=False,
        timeout=300, env=os.environ | {"HOME": str(folder), "TMPDIR": str(folder)},
    )  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("room", [0, 20_000, 400_000, 2_000_000])
@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_is_said_and_the_command_finishes_with_more_room(verb, room, disk, tmp_path):
    command = VERBS[verb]
    fill = disk / "fill"
    before = contents(disk)
    with fill.open("wb") as file:
        free = shutil.disk_usage(disk).free
        file.write(bytes(max(free - room, 0)))
    done = _run(command, disk)
    assert done.returncode in (0, 1), done
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert "space" in done.stderr or "room" in done.stderr
        found = contents(disk)
        assert all(found[name] == digest for name, digest in before.items())
    fill.unlink()
    finished = _run(command, disk) if done.returncode else done
    assert finished.returncode == 0, finished.stderr
    wanted = tmp_path / "wanted"
    shutil.copytree(disk, wanted)
    assert _run([*command, *([] if "--overwrite" in command else ["--overwrite"])], wanted).returncode == 0
    assert contents(wanted) == contents(disk)
