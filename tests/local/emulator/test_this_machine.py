"""A package with compiled libraries for another machine runs here by this environment's own."""

import psycopg_binary

from vectordb.local.emulator.functions import this_machine


def test_compiled_packages_are_this_environment_s_and_others_stay(tmp_path):
    for name in ("psycopg_binary/_psycopg.so", "psycopg_binary.libs/libpq.so.5", "unknown_here/x.so", "pure/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("of another machine")
    this_machine.adopt(tmp_path)
    assert (tmp_path / "psycopg_binary").resolve() == type(tmp_path)(psycopg_binary.__file__).resolve().parent
    assert not (tmp_path / "psycopg_binary.libs" / "libpq.so.5").exists()
    assert (tmp_path / "unknown_here" / "x.so").read_text() == "of another machine"
    assert (tmp_path / "pure" / "a.py").read_text() == "of another machine"
    assert (tmp_path / "typing_extensions.py").exists()
