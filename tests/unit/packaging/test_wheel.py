"""The wheel holds smsline and nothing else, and lives beside a producer's own tasks, worker and config."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release would."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_smsline_only(wheel: Path) -> None:
    """Nothing of the service's folders, which a producer may have under the same names, is installed."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"smsline"}
    assert any(name.endswith("lua/record.lua") for name in names)
    assert any(name.startswith("smsline/codes/data/") for name in names)
    assert "smsline/py.typed" in names


def test_a_producer_keeps_its_own_folders(wheel: Path, tmp_path: Path) -> None:
    """Beside the wheel, `import tasks` still finds the producer's module, and smsline works without the service."""
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
