"""Hidden names beside an output: of its lock, of its work folder, of what is replaced."""

import os
from pathlib import Path

# bytes of a name that file systems allow
LONGEST_NAME = 255


def hidden_name(path: Path, ending: str) -> Path:
    """
    Return the path ``.NAME.ending`` beside an output; a long name is cut.

    Examples
    --------
    >>> hidden_name(Path("out/rows.csv"), "lock").as_posix()
    'out/.rows.csv.lock'
    """
    return path.with_name(f"{cut(f'.{path.name}', LONGEST_NAME - len(ending) - 1)}.{ending}")


def cut(name: str, room: int) -> str:
    """Cut a name so that it has at most `room` bytes."""
    while len(os.fsencode(name)) > max(room, 0):
        name = name[:-1]
    return name
