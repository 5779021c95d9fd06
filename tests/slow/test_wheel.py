"""The built wheel works where no checkout is: on another machine, in another folder."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "bothways"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that has to succeed, far from the checkout's import paths."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    result = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert 0 == result.returncode, f"{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with the installed hatchling and nothing from a network."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("bothways-*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds the wheel and borrows every dependency from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    here = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (here / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n", encoding="utf-8")
    return folder


def data_files() -> list[str]:
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(path.relative_to(PACKAGE).as_posix() for path in files if path.suffix != ".py")


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py")}
    assert modules | {f"bothways/{name}" for name in data_files()} == inside
    assert "bothways/py.typed" in inside


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [] != [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_data_files_are_read_from_the_installed_package(environment: Path, tmp_path: Path) -> None:
    """Templates, style sheets and word lists are found without a path of the checkout."""
    code = "import sys; from importlib.resources import files; root = files('bothways'); print(root)\n"
    code += "for name in sys.argv[1:]: print(len(root.joinpath(name).read_bytes()), name)"
    first, *rest = run(environment / "bin" / "python", "-c", code, *data_files(), cwd=tmp_path).splitlines()
    assert Path(first).is_relative_to(environment)
    assert [f"{(PACKAGE / name).stat().st_size} {name}" for name in data_files()] == rest


def test_the_installed_command_answers(environment: Path, tmp_path: Path) -> None:
    assert "compare" in run(environment / "bin" / "bothways", "--help", cwd=tmp_path)
    run(environment / "bin" / "bothways", "data", "make", "bijection", "-o", "facts.jsonl", cwd=tmp_path)
    assert (tmp_path / "facts.jsonl").read_text(encoding="utf-8").startswith("{")
