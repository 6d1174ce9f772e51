import subprocess

import pytest

from tests.engine import cli

absent = cli.missing()


@pytest.mark.skipif(bool(absent), reason=f"The real engine is not asked: {absent} not on PATH.")
def test_the_real_engine_is_there():
    told = subprocess.run(["pulumi", "version"], capture_output=True, text=True, check=True).stdout
    assert told.startswith("v3.")
