"""Run the command line with `python -m bayescannon`."""

import sys

from bayescannon.app.cli import main

sys.exit(main())
