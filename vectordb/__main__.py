"""Entry point of `vectordb` and `python -m vectordb`."""

import atexit
import gc
import sys

from vectordb.errors import VectordbError


def main() -> None:
    """Run the command line; an expected failure ends with its message and remedy, never a trace."""
    from vectordb.cli.app import app
    from vectordb.cli.arguments import completed

    # The interpreter ends with a last look for garbage, in all that was imported: a fifth of a short command's time.
    atexit.register(gc.freeze)
    try:
        app(completed(sys.argv[1:]), prog_name="vectordb")
    except VectordbError as error:
        from rich.console import Console
        from rich.text import Text

        console = Console(stderr=True, highlight=False)
        console.print(Text("Error: ", style="bold red") + Text(error.message), soft_wrap=True)
        if error.remedy:
            console.print(Text("Next:  ", style="bold") + Text(error.remedy), soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
