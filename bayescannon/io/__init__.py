"""
Files in and out: survey readers, label tables, the store of spectra, catalogue formats.

Files come in; RawSpectrum, LabelTable and Spectra go out, and catalogues become files. Survey files are read here and
nowhere else.
"""
