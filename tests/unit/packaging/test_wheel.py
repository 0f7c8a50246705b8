"""The wheel holds smsline alone, and lives beside a producer's own tasks, worker and config."""

import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.pages import blocks_of
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release would."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_smsline_only(wheel: Path) -> None:
    """Nothing of the service's folders, whose names a producer may have, is installed."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"smsline"}
    assert any(name.endswith("lua/record.lua") for name in names)
    assert any(name.startswith("smsline/codes/data/") for name in names)
    assert "smsline/py.typed" in names


def test_a_producer_keeps_its_own_folders(wheel: Path, tmp_path: Path) -> None:
    """Beside the wheel, `import tasks` still finds the producer's module.

    smsline works without the service.
    """
    site, producer = tmp_path / "site", tmp_path / "producer"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("tasks", "worker", "config"):
        (producer / name).mkdir(parents=True)
        (producer / name / "__init__.py").write_text(f"OWNER = 'producer {name}'\n")
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import tasks, worker, config, smsline, smsline.testing, smsline.codes\n"
        "print(tasks.OWNER, worker.OWNER, config.OWNER, smsline.__file__)\n"
        "print(smsline.testing.Collector().send(to='+8613711112222', template='1'))\n"
        "print(smsline.codes.lookup('tencent', 'api', 'Ok').row.verdict)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(site), str(producer)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == f"producer tasks producer worker producer config {site / 'smsline' / '__init__.py'}"
    assert lines[2] == "ok"


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with what the wheel asks for, and pytest.

    Besides there is a broken Celery of the producer's own, nothing else.
    """
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    installed = set(closure(metadata.PathDistribution(next(site.glob("*.dist-info")))))
    assert installed >= {"redis", "phonenumberslite", "typer"}
    assert installed & {"celery", "kombu", "billiard", "vine", "amqp", "pytest"} == set()
    for name in {*installed, "pytest", *closure(metadata.distribution("pytest"))}:
        borrow(metadata.distribution(name), site)
    site.joinpath("celery.py").write_text("raise ImportError('smsline has no business with this')\n")
    return folder / "bin" / "python"


def test_the_wheel_alone_hands_over_jobs_without_celery(alone: Path) -> None:
    """Client, admin and command work, and the producer's own Celery is never imported."""
    script = (
        "import sys, smsline; from smsline import Admin, Client\n"
        "with Client(redis_url=sys.argv[1]) as client:\n"
        "    job = client.send(to='+8613711112222', template='1', lane='otp')\n"
        "    print(client.status(job)['counts']['waiting'], Admin(redis_url=sys.argv[1]).jobs()[0]['job'] == job)\n"
        "    from smsline.cli import main; main(['status', job, '--json'])\n"
        "print(sorted({'celery', 'kombu', 'billiard'} & set(sys.modules)), smsline.__file__.startswith(sys.prefix))\n"
    )
    with RedisServer() as redis:
        command = [str(alone), "-I", "-c", script, redis.url]
        where = {"SMSLINE_REDIS_URL": redis.url}
        done = subprocess.run(command, env=where, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "waits: no worker that runs serves the lane otp in the namespace smsline" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout.splitlines()[0] == "1 True"
    assert done.stdout.splitlines()[-1] == "[] True"


def test_pytest_finds_the_fixtures_of_an_installed_smsline(alone: Path, tmp_path: Path) -> None:
    """By their entry point; the tests are those of docs/python.md."""
    (page,) = [text for text in blocks_of(ROOT / "docs" / "python.md") if text.startswith("# test_shop.py")]
    tmp_path.joinpath("test_shop.py").write_text(page)
    command = [str(alone), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, env={}, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def closure(distribution: metadata.Distribution) -> Iterator[str]:
    """The packages that are installed with a distribution, by what it and they ask for here."""
    waiting, seen = [(distribution, frozenset({""}))], set[str]()
    while waiting:
        found, extras = waiting.pop()
        for text in found.requires or ():
            asked = Requirement(text)
            if asked.name not in seen and (
                asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in extras)
            ):
                seen.add(asked.name)
                waiting.append((metadata.distribution(asked.name), frozenset({"", *asked.extras})))
                yield asked.name


def borrow(distribution: metadata.Distribution, site: Path) -> None:
    """Link a package of this environment into another one."""
    for top in {path.parts[0] for path in distribution.files or () if path.parts[0] != ".."}:
        if not site.joinpath(top).exists():
            site.joinpath(top).symlink_to(str(distribution.locate_file(top)))


def test_importing_smsline_is_quick() -> None:
    """Names are loaded at their first use: the import itself is below 80 ms.

    It brings neither Redis nor Celery.
    """
    command = [sys.executable, "-X", "importtime", "-c", "import smsline"]
    took_us = []
    for _ in range(3):  # other tests may have the cores
        tree = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
        named = {line.rsplit("|", 1)[1].strip(): int(line.split("|")[1]) for line in tree[1:] if line.count("|") == 2}
        took_us.append(named["smsline"])
    assert min(took_us) < 80_000
    assert not {name for name in named if name.partition(".")[0] in {"celery", "kombu", "billiard", "redis"}}
