"""The Django project of docs/django.md runs, with its own tests and ours, in a process of its own."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from tests.support.pages import blocks_of

ROOT = Path(__file__).parents[3]

CONFTEST = """
import django, pytest
from django.core.management import call_command

django.setup()


@pytest.fixture(scope="session", autouse=True)
def tables():
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("migrate", run_syncdb=True, verbosity=0)
"""


def test_the_project_of_the_page_works(tmp_path: Path) -> None:
    """Every file on the page is written as it stands there."""
    for block in blocks_of(ROOT / "docs" / "django.md"):
        name = block.split("\n", 1)[0].removeprefix("# ")
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(block)
    tmp_path.joinpath("shop", "__init__.py").touch()
    tmp_path.joinpath("conftest.py").write_text(CONFTEST)
    tmp_path.joinpath("hooks.py").write_text((Path(__file__).parent / "django_hooks.py").read_text())
    without = [option for name in ("cacheprovider", "xdist", "hypothesispytest") for option in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "-q", *without]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SMSLINE_", "PYTEST_"))}
    environ |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    plugin = [] if _installed() else ["-p", "smsline.pytest_plugin"]
    done = subprocess.run(
        [*command, *plugin, "shop/tests.py", "hooks.py"],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def _installed() -> bool:
    """Whether this environment knows the entry point: one that was made before it came does not."""
    return bool(entry_points(group="pytest11", name="smsline"))
