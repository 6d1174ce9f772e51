"""`python -m isolation`, in the pack's folder: reads a plan or a state as JSON, writes facts about it as JSON.

Exit codes: 0 written, 2 the input is neither a plan nor a state (one line on standard error says why).
"""

import gc
import json
import sys

from isolation.facts.whole import facts
from isolation.loading import NoPlanError, load


def main() -> int:
    """Standard input to standard output; the exit code."""
    try:
        told = facts(load(sys.stdin.buffer.read().decode("utf-8", "replace")))
    except NoPlanError as error:
        sys.stderr.write(f"No facts: {error}.\n")
        return 2
    sys.stdout.write(json.dumps(told) + "\n")
    gc.freeze()  # or the interpreter looks for garbage in all that was imported, before it ends
    return 0


if __name__ == "__main__":
    sys.exit(main())
