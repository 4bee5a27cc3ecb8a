"""``python -m tuodi.cli`` is ``tuodi``."""

import sys

from tuodi.cli.main import main

sys.exit(main())
