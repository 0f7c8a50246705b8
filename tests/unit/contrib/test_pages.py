"""The pages for producers' frameworks run as they stand there.

Each runs with its own tests, in a process of its own.
"""

import re
from pathlib import Path

import pytest

from tests.support.pages import ROOT, run_tests, write_blocks

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


def test_the_django_project_works(tmp_path: Path) -> None:
    """With real allauth and two-factor; our tests of hooks and checks run beside the page's."""
    write_blocks(ROOT / "docs" / "django.md", tmp_path)
    tmp_path.joinpath("shop", "__init__.py").touch()
    tmp_path.joinpath("conftest.py").write_text(CONFTEST)
    tmp_path.joinpath("hooks.py").write_text((Path(__file__).parent / "django_hooks.py").read_text())
    printed = run_tests(tmp_path, "shop/tests.py", "hooks.py", environ={"DJANGO_SETTINGS_MODULE": "shop.settings"})
    assert " passed" in printed


@pytest.mark.parametrize("page", ["fastapi", "flask"])
def test_the_application_of_a_page_works(page: str, tmp_path: Path) -> None:
    """Client, errors, and a webhook receiver that checks signatures with the official package."""
    write_blocks(ROOT / "docs" / f"{page}.md", tmp_path)
    assert "3 passed" in run_tests(tmp_path, "test_shop.py", environ={})


def test_the_oldest_versions_are_those_of_the_page() -> None:
    """What `make compat` installs is what docs/django.md promises."""
    page = (ROOT / "docs" / "django.md").read_text()
    for name, called in (
        ("django", "Django"),
        ("django-allauth", "django-allauth"),
        ("django-two-factor-auth", "django-two-factor-auth"),
    ):
        lines = Path(__file__).with_name("oldest.txt").read_text().splitlines()
        (pin,) = [line for line in lines if re.split(r"[\[=~]", line)[0] == name]
        oldest = ".".join(re.split(r"[=~]=", pin)[1].split(".")[:2])
        assert re.search(rf"{called}\s+from\s+{oldest}\s+on", page), name
