"""How many stars are computed together, whatever the block they are in: results do not depend on the blocks."""

# blocks of a store are multiples of it
STAR_TILE = 128
