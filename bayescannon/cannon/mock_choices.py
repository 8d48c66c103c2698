"""Names of what a mock survey can be like; the simulator is in the room `mock`."""

# data releases
MOCK_RELEASES = ("dr2", "dr10")
# giants alone; a field sample: dwarfs and hot stars too; or the paper's: giants with labels of Survey A, and a field
# sample without
MOCK_POPULATIONS = ("giants", "field", "paper")
# classes of odd stars that can be injected
MOCK_ODD = ("binary", "double-lined", "emission", "carbon", "wrong-redshift", "sky")
