"""AWS's Session Manager plugin: found, and new enough."""

import platform
import re
import shutil
import subprocess

from vectordb.errors import VectordbError

COMMAND = "session-manager-plugin"

# "Session Manager will soon stop supporting earlier versions"
# (Systems Manager User Guide, "Install the Session Manager plugin for the AWS CLI").
MINIMUM = (1, 2, 764, 0)

_INSTALL = {
    "Darwin": "brew install --cask session-manager-plugin",
    "Linux": (
        "install AWS's package session-manager-plugin.deb or .rpm "
        "(Systems Manager User Guide, 'Install the Session Manager plugin'), or the conda-forge package aws-session-manager-plugin"
    ),
}


def install_hint() -> str:
    """How to get the plugin on this operating system."""
    return f"To install it: {_INSTALL.get(platform.system(), _INSTALL['Linux'])}. Or set VECTORDB_TRANSPORT to direct from inside the VPC."


def find() -> str:
    """The plugin's path.

    Raises:
        VectordbError: not installed, does not run, or older than `MINIMUM`.
    """
    path = shutil.which(COMMAND)
    if path is None:
        raise VectordbError(f"the ssm transport needs {COMMAND}, which is not on PATH", remedy=install_hint())
    try:
        asked = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VectordbError(f"{path} does not run: {error}", remedy=install_hint()) from error
    found = re.search(r"\d+(?:\.\d+){2,3}", asked.stdout)
    if found is None:
        raise VectordbError(f"{path} --version did not print a version", remedy=install_hint())
    version = tuple(int(part) for part in found[0].split("."))
    if version < MINIMUM:
        needed = ".".join(map(str, MINIMUM))
        raise VectordbError(f"{path} is version {found[0]}, at least {needed} is needed", remedy=install_hint())
    return path
