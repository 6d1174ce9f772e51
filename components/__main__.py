"""The components as the provider `vectordb`, for programs in TypeScript, Go, .NET, Java and YAML.

Pulumi's language host runs `python <this folder> <engine's address>` in the folder of whoever uses the provider, and
reads the port from the first line.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Serve until the engine ends the process."""
    # Python has put this folder first, where `components` is not found and `parameters` or `monitoring` would be.
    sys.path[:] = [str(HERE.parent), *(entry for entry in sys.path if Path(entry).resolve() != HERE)]
    from pulumi.provider import main as serve

    from components.provider import provider

    serve(provider(), sys.argv[1:])


if __name__ == "__main__":
    main()
