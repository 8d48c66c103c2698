"""Put stellar surveys on one label scale: a hierarchical Bayesian Cannon with exact solvers."""

from bayescannon.version import __version__

__all__ = ["__version__"]
