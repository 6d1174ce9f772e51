"""The one thing about arguments that typer cannot express: an option whose value may be left out."""

from collections.abc import Sequence

_MAY_STAND_ALONE = {"plan": {"--json": "-"}}
"""Command → option → the value that it has when it stands alone."""


def completed(arguments: Sequence[str]) -> list[str]:
    """`arguments` with the value that a lone `vectordb plan --json` stands for."""
    optional = _MAY_STAND_ALONE.get(next(iter(arguments), ""), {})
    result: list[str] = []
    for position, argument in enumerate(arguments):
        result.append(argument)
        following = arguments[position + 1] if position + 1 < len(arguments) else "--"
        if argument in optional and following.startswith("-") and following != "-":
            result.append(optional[argument])
    return result
