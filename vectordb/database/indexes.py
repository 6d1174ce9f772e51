"""What an interrupted CREATE INDEX CONCURRENTLY leaves: an index of that name that is INVALID, which IF NOT EXISTS then takes for done."""

from dataclasses import dataclass

from psycopg import sql

from vectordb.database import lexer
from vectordb.database.lexer import Kind
from vectordb.database.session import Session

# An index of a partitioned table (relkind I) may be invalid by design; one that is just being built is somebody's.
_INVALID = """
SELECT n.nspname, c.relname
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relname = ANY (%s)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid)
ORDER BY 1, 2
"""


@dataclass(frozen=True)
class InvalidIndex:
    """An index that exists and that no query uses."""

    schema: str
    name: str

    def drop(self) -> sql.Composed:
        """The statement that removes it."""
        return sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(self.schema, self.name))


def built_concurrently(text: str) -> list[str]:
    """The names of the indexes that a text creates concurrently, as the catalogue spells them.

    Raises:
        LexicalError: a quote or a comment is not closed.
    """
    found: list[str] = []
    for statement in lexer.statements(text):
        words = [
            (token.kind, text[token.start : token.end])
            for token in lexer.tokens(text, statement.start, statement.end)
            if token.kind not in {Kind.SPACE, Kind.COMMENT}
        ][:9]
        plain = [word.lower() if kind is Kind.WORD else "" for kind, word in words]
        rest = plain[2:] if plain[:2] == ["create", "unique"] else plain[1:] if plain[:1] == ["create"] else []
        if rest[:2] != ["index", "concurrently"]:
            continue
        at = len(plain) - len(rest) + 2
        if plain[at : at + 3] == ["if", "not", "exists"]:
            at += 3
        if at < len(words) and plain[at] != "on":  # without a name PostgreSQL chooses one, and a new one each time
            kind, word = words[at]
            found.append(word[1:-1].replace('""', '"') if kind is Kind.NAME else word.lower())
    return found


def invalid(session: Session, names: list[str]) -> list[InvalidIndex]:
    """Which of these names are invalid indexes that nobody is building."""
    if not names:
        return []
    return [InvalidIndex(schema, name) for schema, name in session.execute(_INVALID, (names,)).fetchall()]
