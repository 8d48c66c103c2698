"""Choices of workers and blocks."""

import pytest

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.engine_choices import BLOCK, BlockSizeChoices, EngineChoices, LayoutChoices
from bayescannon.numerics.tile_size import STAR_TILE


def test_blocks_are_whole_tiles():
    assert BlockSizeChoices().block == BLOCK
    assert BLOCK % STAR_TILE == 0
    assert BlockSizeChoices(block=256, workers=2).workers == 2
    for block in (100, 64, 129):
        with pytest.raises(ChoiceError, match=f"block must be a multiple of {STAR_TILE}; got {block}"):
            BlockSizeChoices(block=block)


def test_numbers_and_layouts():
    with pytest.raises(ChoiceError, match="workers must be at least 1"):
        EngineChoices(workers=0)
    with pytest.raises(ChoiceError, match="layout must be one of file, parts, hats"):
        LayoutChoices(layout="tree")
