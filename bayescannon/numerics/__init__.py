"""Arrays and distributions without astronomy: threads, packed matrices, neighbours, mixtures, p-values.

Plain arrays come in and go out; no module here uses spectra, labels or files.
"""
