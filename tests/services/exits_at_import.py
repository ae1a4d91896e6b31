"""In doubt: it ends the process while it is imported."""

import sys

sys.exit("no model is configured")
