"""Code that stands in the documentation."""

import re
from pathlib import Path


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page, in order."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
