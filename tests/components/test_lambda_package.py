"""The package has the same bytes wherever it is built, and everything that the function imports."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pulumi
import pytest

from components import lambda_package
from tests.components.recorded import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a copy of the function, so that nothing of the checkout is written."""
    source = ROOT / "lambda" / "bridge"
    for file in source.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            target = tmp_path / "lambda" / "bridge" / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lambda_package, "_LAMBDA", tmp_path / "lambda")
    monkeypatch.setattr(lambda_package, "RUNTIME", "python3.0")  # nobody's: no bytecode, whoever runs the tests
    return tmp_path


def test_built_twice_it_has_the_same_bytes_and_a_relative_path(project):
    path = lambda_package.build("bridge")
    assert path.startswith("build/lambda/bridge-")
    first = (project / path).read_bytes()
    (project / path).unlink()
    assert lambda_package.build("bridge") == path
    assert (project / path).read_bytes() == first


def test_a_changed_function_is_another_package(project):
    before = lambda_package.build("bridge")
    with (project / "lambda/bridge/handler.py").open("a") as file:
        file.write("# changed\n")
    assert lambda_package.build("bridge") != before


def test_on_the_functions_own_python_it_brings_bytecode_of_every_module(project, monkeypatch):
    without = lambda_package.build("bridge")
    monkeypatch.setattr(lambda_package, "RUNTIME", "python{}.{}".format(*sys.version_info))
    path = lambda_package.build("bridge")
    assert path != without
    first = (project / path).read_bytes()
    (project / path).unlink()
    assert (project / lambda_package.build("bridge")).read_bytes() == first
    tag = sys.implementation.cache_tag
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
        compiled = {name for name in names if name.endswith(".pyc")}
        assert {f"__pycache__/handler.{tag}.pyc", f"botocore/__pycache__/auth.{tag}.pyc"} <= compiled
        assert len(compiled) == len([name for name in names if name.endswith(".py")])
        # PEP 552: its flags say that it is by hash, and that the source is not looked at.
        assert {package.read(name)[4:8] for name in compiled} == {b"\x01\0\0\0"}
    with zipfile.ZipFile(without) as package:
        assert names - compiled == set(package.namelist())


def test_it_takes_only_the_data_it_reads(project):
    with zipfile.ZipFile(lambda_package.build("bridge")) as package:
        names = package.namelist()
    assert [name for name in names if name.startswith("botocore/data/")] == ["botocore/data/partitions.json"]
    assert "handler.py" in names
    assert not [name for name in names if name.endswith((".pyc", ".so"))]


def test_the_handler_imports_with_nothing_but_the_package(project):
    package = project / lambda_package.build("bridge")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(project / "task")
    code = "import sys; sys.path.insert(0, '.'); import handler, botocore; print(botocore.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=project / "task", capture_output=True, text=True, check=False,
        env={"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("botocore/__init__.py")
    assert "site-packages" not in done.stdout


def test_a_library_of_another_version_is_refused(project):
    file = project / "lambda/bridge/requirements.txt"
    file.write_text(file.read_text().replace("botocore==", "botocore==0."))
    with pytest.raises(pulumi.RunError, match=r"botocore is .* here and 0\..* there.*make install"):
        lambda_package.build("bridge")


LIBRARIES = Path(sys.prefix) / "lambda-arm64"
built = pytest.mark.skipif(not LIBRARIES.is_dir(), reason=f"{LIBRARIES} is missing: make install lays it there")


@built
def test_the_worker_s_package_is_for_arm64_a_package_of_its_own_and_the_same_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = lambda_package.build("embedder")
    first = (tmp_path / path).read_bytes()
    (tmp_path / path).unlink()
    assert (tmp_path / lambda_package.build("embedder")).read_bytes() == first
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
        libpq = next(name for name in names if name.startswith("psycopg_binary.libs/libpq"))
        # ELF header: e_machine of AArch64 is 183.
        assert int.from_bytes(package.read(libpq)[18:20], "little") == 183
        bundle = package.read("embedder/rds-global-bundle.pem")
    assert bundle == (ROOT / "vectordb/database/rds-global-bundle.pem").read_bytes()
    assert {"embedder/handler.py", "psycopg/__init__.py", "botocore/auth.py", "urllib3/__init__.py"} <= set(names)
    assert [name for name in names if name.startswith("botocore/data/")] == ["botocore/data/partitions.json"]
    assert not [name for name in names if ".dist-info/" in name or name.startswith((".", "bin/"))]
    assert len(first) < 20_000_000


def test_without_the_libraries_for_arm64_the_worker_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lambda_package, "_ARM64", tmp_path / "lambda-arm64")
    with pytest.raises(pulumi.RunError, match=r"botocore is not in .*lambda-arm64.*make install"):
        lambda_package.build("embedder")


def test_the_entries_of_the_worker_s_lock_have_their_hashes():
    done = subprocess.run(
        [sys.executable, "scripts/worker_lock.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    entries = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert [entry.partition("==")[0] for entry in entries] == sorted(lambda_package.pinned("embedder"))
    assert not [entry for entry in entries if ";" in entry]
    assert done.stdout.count("--hash=sha256:") > len(entries)


def test_the_pins_are_those_of_the_lock():
    locked = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        name, equals, rest = line.partition("==")
        if equals and not line.startswith(" "):
            locked[name] = rest.split()[0]
    pins = dict(
        line.split("==") for line in (ROOT / "lambda/bridge/requirements.txt").read_text().splitlines() if "==" in line
    )
    assert pins
    assert {name: locked[name] for name in pins} == pins
