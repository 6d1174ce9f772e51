"""One statement a call, and none whose rows come back: nobody reads the rows of a file's queries."""

from dataclasses import dataclass

from vectordb.database import lexer
from vectordb.database.lexer import Kind

# A result may hold at most 1 MiB and only some types (no `void`, no `regclass`, no `vector`), or the call fails. A cursor that is
# moved to its end runs the same query and returns nothing.
_DECLARE = "DECLARE vectordb_unread NO SCROLL CURSOR FOR "
_MOVE = ("MOVE FORWARD ALL IN vectordb_unread", "CLOSE vectordb_unread")
_QUERIES = {"select", "values", "table", "with"}
# What a cursor does not take: a query that makes a table, or that changes rows on its way.
_CHANGES = {"into", "insert", "update", "delete", "merge"}


@dataclass(frozen=True)
class Call:
    """What one call sends.

    Attributes:
        sql: the statement.
        shift: what to add to a position in it to get one in the file's text, both in characters; None: it has no place there.
    """

    sql: str
    shift: int | None


def calls(text: str, statement: lexer.Statement) -> list[Call]:
    """The calls that run one statement of a text."""
    sql = text[statement.start : statement.end]
    if not _is_query(text, statement):
        return [Call(sql, statement.start)]
    return [Call(_DECLARE + sql, statement.start - len(_DECLARE)), *(Call(more, None) for more in _MOVE)]


def _is_query(text: str, statement: lexer.Statement) -> bool:
    first = next(iter(statement.words), "")
    if first not in _QUERIES:
        return False
    # In a plain query the word `update` is FOR UPDATE, which locks rows and changes none.
    forbidden = _CHANGES if first == "with" else {"into"}
    return not any(
        token.kind is Kind.WORD and text[token.start : token.end].lower() in forbidden
        for token in lexer.tokens(text, statement.start, statement.end)
    )
