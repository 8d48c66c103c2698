"""Choices of how long work is done: by which workers, in blocks of how many stars, and how a catalogue lies on disk."""

from dataclasses import dataclass

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice
from bayescannon.numerics.tile_size import STAR_TILE

# stars of a store that are one task: a shard of it
BLOCK = 1024
# one file, or a folder
FILE, PARTS, HATS = "file", "parts", "hats"
LAYOUTS = (FILE, PARTS, HATS)


@dataclass(frozen=True)
class EngineChoices(Choices):
    """Which workers do the work; results do not depend on it."""

    workers: int | None = choice(
        None,
        "number of worker processes; as many as there are cores, for many stars, unless given",
        least=1,
        metavar="N",
    )
    dask: str | None = choice(
        None,
        "let workers of dask do it: local starts them here, tcp://HOST:PORT is a scheduler",
        metavar="local|tcp://...",
    )


@dataclass(frozen=True)
class BlockSizeChoices(EngineChoices):
    """Which workers do the work, and how many stars are one task; results do not depend on it."""

    block: int = choice(BLOCK, f"stars of a task, a multiple of {STAR_TILE}", least=1, metavar="N")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block % STAR_TILE:
            raise ChoiceError(f"block must be a multiple of {STAR_TILE}; got {self.block}")


@dataclass(frozen=True)
class LayoutChoices(Choices):
    """How a catalogue lies on disk."""

    layout: str = choice(
        FILE,
        "one file; parts, a folder of parquet files that pyarrow and polars read as one table; or hats, a folder by "
        "position on the sky, for LSDB",
        values=LAYOUTS,
    )
