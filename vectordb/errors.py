"""Errors that a person reads: what happened, and what to do next."""


class VectordbError(Exception):
    """An expected failure. The command line prints it without a trace and exits with `exit_code`.

    Args:
        message: what happened, naming what was given.
        remedy: what to do next; empty when the message says it already.
        exit_code: 1 a check said no, 2 the work could not be done.
    """

    def __init__(self, message: str, *, remedy: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code
