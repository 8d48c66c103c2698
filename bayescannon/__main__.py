"""Run the command line with `python -m bayescannon`."""

import sys

from bayescannon.cli import main

sys.exit(main())
