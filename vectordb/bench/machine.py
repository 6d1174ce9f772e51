"""What a measurement was made on, in words."""

import os
import platform


def described(*, quick: bool) -> dict[str, str]:
    """For the conditions of a result."""
    return {
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "run": "quick" if quick else "full",
    }
