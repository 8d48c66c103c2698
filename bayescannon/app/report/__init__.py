"""A run in one page: what was run, tables and figures, and an explorer of its model, spectra and catalogue."""
