"""The web process during the harm, and what its `/metrics` say in the end."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import httpx

from bench.children import ROOT
from bench.sandbox import free_port

SAMPLE: Final = re.compile(r"smsline_(\w+)\{([^}]*)\} (\S+)")
LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
START_S: Final = 30.0


class WebProcess:
    """`python -m worker web`, which can be killed and started again.

    Args:
        settings: Of the service, with prefix.
        folder: Where it works.
    """

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self._settings, self._folder, self._port = settings, folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def start(self) -> None:
        """Start it; a running one is killed before."""
        self._kill()
        mine = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
        with (self._folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker", "web", "--port", str(self._port)],
                env={**mine, **self._settings, "PYTHONPATH": str(ROOT)},
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )

    def _kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def text(self) -> str:
        """What a scrape brings."""
        over_s = time.monotonic() + START_S
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{self._port}/metrics", timeout=10, trust_env=False)
                return answer.raise_for_status().text
            except httpx.HTTPError:
                # It may have been killed a moment ago.
                if time.monotonic() > over_s:
                    log = (self._folder / "web.log").read_text()[-2000:]
                    raise SystemExit(f"chaos: the web process does not answer:\n{log}") from None
                time.sleep(0.2)


def sums(text: str, metric: str, label: str) -> "Counter[str]":
    """A metric's values added up by one of its labels."""
    found: Counter[str] = Counter()
    for name, labels, value in SAMPLE.findall(text):
        if name == metric:
            found[dict(LABEL.findall(labels))[label]] += round(float(value))
    return found
