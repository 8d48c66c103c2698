"""
Readers of survey files, by name.

Comes in: the path of a file. Goes out: RawSpectrum of its stars, what was left out, and what could not be read.
"""
