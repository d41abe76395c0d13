"""Imports that wait: what stands for a module gives way to it, and nothing that waits is broken."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest

from omniroute import lazy


@pytest.fixture
def package(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that can be imported, of its own name for every test, with modules `one` and `two`."""
    name = f"brought_{request.node.name}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "one.py").write_text("asked = []\ndef answer():\n    return 1\n")
    (folder / "two.py").write_text("def answer():\n    return 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_module_is_imported_when_something_of_it_is_used(package: str) -> None:
    names: dict[str, object] = {}
    one, two = lazy.later(names, package, "one", "two")
    assert "not used so far" in repr(one)
    assert f"{package}.one" not in sys.modules
    assert one.answer() == 1
    assert f"{package}.one" in sys.modules
    assert f"{package}.two" not in sys.modules
    assert "not used so far" in repr(two)


def test_the_module_takes_the_place_of_what_stood_for_it(package: str) -> None:
    names: dict[str, object] = {}
    names["one"], names["two"] = one, _ = lazy.later(names, package, "one", "two")
    one.answer()
    assert names["one"] is sys.modules[f"{package}.one"]


def test_what_a_module_does_not_have_is_an_attribute_error(package: str) -> None:
    (one,) = lazy.later({}, package, "one")
    with pytest.raises(AttributeError, match=r"one' has no attribute 'question'"):
        _ = one.question


def test_a_package_has_its_names_from_the_modules_that_have_them(package: str) -> None:
    module = importlib.import_module(package)
    found = lazy.exports(package, {f"{package}.two": ("answer", "two")})
    assert found("answer")() == 2
    assert vars(module)["answer"] is found("answer")
    assert found("two") is sys.modules[f"{package}.two"]
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'one'"):
        found("one")


def test_threads_import_one_by_one(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = lazy.later({}, package, "one", "two")
    thread = threading.Thread(target=two.__getattr__, args=("answer",))
    meanwhile = types.ModuleType(f"{package}_meanwhile")
    meanwhile.thread = thread  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, meanwhile.__name__, meanwhile)
    (tmp_path / package / "one.py").write_text(
        f"import sys, {package}_meanwhile as meanwhile\n"
        "meanwhile.thread.start()\n"
        "meanwhile.thread.join(timeout=0.05)\n"
        f"alone = '{package}.two' not in sys.modules\n"
    )
    assert one.alone
    thread.join()
    assert f"{package}.two" in sys.modules


EVERYTHING = """
import importlib, pkgutil, sys
import omniroute
from omniroute.lazy import later

for each in pkgutil.walk_packages(omniroute.__path__, "omniroute."):
    if not each.name.endswith("__main__"):
        importlib.import_module(each.name)
waits, had = type(*later({}, None, "sys")), 0
for module in [module for name, module in sys.modules.items() if name.startswith("omniroute")]:
    for name, value in list(vars(module).items()):
        if isinstance(value, waits):
            assert value.__name__.rpartition(".")[2] == name
            assert vars(module)[name] is sys.modules[value.__name__]
            had += 1
print(had)
"""


def test_every_module_can_be_imported_and_every_one_that_waits_be_had() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVERYTHING], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    assert int(done.stdout) > 50
