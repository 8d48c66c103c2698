"""Survey files in, spectra and labels out: the only place that knows survey column names."""
