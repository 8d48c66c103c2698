"""Random damages to a store, by a seed."""

import json
import shutil

import numpy as np

KINDS = ("flip", "truncate", "delete", "swap", "zero", "json", "append", "folder", "random", "empty")


def damage(path, seed):
    """Damage one file of a store, or two; return a text that says how."""
    rng = np.random.default_rng(seed)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    kind = KINDS[seed % len(KINDS)]
    # half of the damages to the arrays and the root that matter most
    weights = np.array([4.0 if file.parent.name in ("flux", "ivar") or file.parent == path else 1.0 for file in files])
    one, two = rng.choice(len(files), 2, replace=False, p=weights / weights.sum())
    file, other = files[one], files[two]
    data = bytearray(file.read_bytes())
    place = int(rng.integers(max(len(data), 1)))
    if kind == "flip" and data:
        data[place] ^= 1 << int(rng.integers(8))
    elif kind == "truncate":
        del data[place:]
    elif kind == "zero":
        data[place : place + 4096] = bytes(len(data[place : place + 4096]))
    elif kind == "append":
        data += rng.bytes(int(rng.integers(1, 50)))
    elif kind == "random":
        data[place : place + 64] = rng.bytes(len(data[place : place + 64]))
    elif kind == "empty":
        data.clear()
    elif kind == "json":
        file = rng.choice([one for one in files if one.name == "zarr.json"])
        data = bytearray(_edited(json.loads(file.read_text()), rng).encode())
    if kind == "swap":
        kept = path.with_name("kept")
        file.rename(kept)
        other.rename(file)
        kept.rename(other)
        return f"swap {file.relative_to(path)} {other.relative_to(path)}"
    if kind in ("delete", "folder"):
        file.unlink()
        if kind == "folder":
            file.mkdir()
        elif rng.integers(3) == 0 and file.parent != path:
            shutil.rmtree(file.parent)
    else:
        file.write_bytes(data)
    return f"{kind} {file.relative_to(path)} at {place}"


def _edited(document, rng):
    """Change one value somewhere in a document."""
    node = document
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = keys[int(rng.integers(len(keys)))]
        if isinstance(node[key], dict | list) and len(node[key]) and rng.integers(8):
            node = node[key]
            continue
        old = node[key]
        if isinstance(old, int):
            node[key] = [old + 1, -old, 10**10, str(old), None, 1e300][int(rng.integers(6))]
        else:
            node[key] = [None, "x", [], {}, 7, "\x1b[2J"][int(rng.integers(6))]
        return json.dumps(document)
