"""`python -m smsline.cli` is `smsline`; with `python -X dev`, errors keep their traceback."""

import sys

from smsline.cli import main

if __name__ == "__main__":
    sys.exit(main())
