"""``python -m phasegrok``, the same as ``phasegrok``."""

import sys

from phasegrok.cli import main

if __name__ == "__main__":
    sys.exit(main())
