"""The SQL that is applied: which files there are, what their names and headers say, and one digest over all of them.

    sql/versioned/NNN_name.sql   run once, in the order of their numbers; never changed after that
    sql/repeatable/name.sql      run again whenever they or the values in them change, after the versioned ones, in the order of their names

A comment before the first statement may say `-- vectordb: no-transaction`: each statement then runs by itself (CREATE INDEX CONCURRENTLY).
Such a file may be interrupted in the middle and is run again from the top, so its statements have to bear that (IF NOT EXISTS).
`-- vectordb: after [45]*_embed_*.sql` says of a repeatable one that it also runs again when one of those changes, which come before it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from vectordb.database import lexer
from vectordb.errors import VectordbError

Kind = Literal["versioned", "repeatable"]

NO_TRANSACTION = "no-transaction"
AFTER = "after"
_VERSIONED = re.compile(r"(\d{3,})_[a-z0-9_]+\.sql")
_DIRECTIVE = re.compile(r"--\s*vectordb\s*:\s*(.*?)\s*$")

# Each would end the transaction that a file and its line in the ledger share.
_TRANSACTION_WORDS = {"begin", "start", "commit", "end", "rollback", "abort", "prepare"}


@dataclass(frozen=True)
class SqlFile:
    """A file as it is applied.

    Attributes:
        kind: the folder it is in.
        name: the file's name.
        path: where it is, for messages.
        text: its content, without a byte order mark, lines ended by LF.
        transaction: whether it runs in one transaction together with its line in the ledger.
        after: the pattern of the files that it follows, or nothing.
        followed: the text of those files.
    """

    kind: Kind
    name: str
    path: Path
    text: str
    transaction: bool
    after: str = ""
    followed: str = ""

    @property
    def label(self) -> str:
        """Folder and name, as in `versioned/001_roles.sql`."""
        return f"{self.kind}/{self.name}"

    @property
    def number(self) -> int:
        """The number of a versioned file."""
        return int(self.name.partition("_")[0])


def discover(folder: Path) -> list[SqlFile]:
    """Every SQL file under a folder, in the order in which they are applied.

    Raises:
        VectordbError: no such folder, a file that nobody would apply, a number used twice, a file that cannot be read.
    """
    if not folder.is_dir():
        raise VectordbError(f"there is no folder {folder}", remedy="Name the folder of SQL files with --sql.")
    versioned = [_read("versioned", path) for path in sorted((folder / "versioned").glob("*.sql"))]
    repeatable = [_read("repeatable", path) for path in sorted((folder / "repeatable").glob("*.sql"))]
    _check_places(folder, versioned + repeatable)
    _check_numbers(versioned)
    return [*sorted(versioned, key=lambda file: file.number), *(_following(file, repeatable) for file in repeatable)]


def digest(folder: Path) -> str:
    """One SHA-256, in hexadecimal, over every *.sql file under a folder: its path, its bytes with CRLF as LF.

    The program puts it into the environment of the SQL step, so that the step runs again when a file has changed.
    """
    total = hashlib.sha256()
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*.sql")):
        total.update(name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()


def check(file: SqlFile) -> None:
    """Refuse a file that cannot be split into statements, or that would end the transaction in which it is applied and recorded.

    Done for files that are about to run: reading every statement of every file would cost an unchanged run its speed.

    Raises:
        VectordbError: with file, line and column.
    """
    try:
        found = lexer.statements(file.text)
    except lexer.LexicalError as error:
        raise _misread(file.path, file.text, error) from error
    for statement in found if file.transaction else ():
        word, following = (*statement.words, "", "")[:2]
        if word not in _TRANSACTION_WORDS or (word == "rollback" and "to" in statement.words):
            continue
        if word == "prepare" and following != "transaction":
            continue
        line, column = lexer.place(file.text, statement.start)
        raise VectordbError(
            f"{file.path}:{line}:{column}: {word.upper()} would end the transaction in which the file is applied and recorded",
            remedy=f"Remove it, or begin the file with `-- vectordb: {NO_TRANSACTION}`.",
        )


def _misread(path: Path, text: str, error: lexer.LexicalError) -> VectordbError:
    line, column = lexer.place(text, error.offset)
    return VectordbError(f"{path}:{line}:{column}: {error.problem}")


def _read(kind: Kind, path: Path) -> SqlFile:
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise VectordbError(f"{path}: byte {error.start} is not UTF-8", remedy="Save the file as UTF-8.") from error
    except OSError as error:
        raise VectordbError(f"{path} cannot be read: {error.strerror}") from error
    if (at := text.find("\0")) >= 0:
        line, column = lexer.place(text, at)
        raise VectordbError(f"{path}:{line}:{column}: a NUL character, which PostgreSQL does not take")
    try:
        return _with_header(SqlFile(kind, path.name, path, text, transaction=True))
    except lexer.LexicalError as error:
        raise _misread(path, text, error) from error


def _with_header(file: SqlFile) -> SqlFile:
    path, text = file.path, file.text
    for token in lexer.tokens(text):
        if token.kind is lexer.Kind.SPACE:
            continue
        if token.kind is not lexer.Kind.COMMENT:
            break
        if directive := _DIRECTIVE.fullmatch(text[token.start : token.end]):
            word, _, pattern = directive[1].partition(" ")
            if directive[1] == NO_TRANSACTION:
                file = replace(file, transaction=False)
            elif word == AFTER and pattern and file.kind == "repeatable":
                file = replace(file, after=pattern.strip())
            else:
                line, _ = lexer.place(text, token.start)
                known = NO_TRANSACTION if file.kind == "versioned" else f"{NO_TRANSACTION}, {AFTER} <pattern of files>"
                raise VectordbError(f"{path}:{line}: unknown header {directive[1]!r}, allowed: {known}")
    return file


def _following(file: SqlFile, files: Sequence[SqlFile]) -> SqlFile:
    if not file.after:
        return file
    before = [other for other in files if other.name < file.name and fnmatchcase(other.name, file.after)]
    if not before:
        raise VectordbError(f"{file.path}: no file before it is called {file.after}, which it says it follows")
    return replace(file, followed="\0".join(other.text for other in before))


def _check_places(folder: Path, known: list[SqlFile]) -> None:
    places = {file.path for file in known}
    if strays := sorted(str(path) for path in folder.rglob("*.sql") if path not in places):
        raise VectordbError(
            f"these files would never be applied: {', '.join(strays)}",
            remedy=f"Move them into {folder / 'versioned'} or {folder / 'repeatable'}.",
        )


def _check_numbers(versioned: list[SqlFile]) -> None:
    holders: dict[int, SqlFile] = {}
    for file in versioned:
        if _VERSIONED.fullmatch(file.name) is None:
            raise VectordbError(
                f"{file.path}: not a name for a versioned file",
                remedy="Call it NNN_name.sql: at least three digits, then lower-case letters, digits and underscores.",
            )
        if (other := holders.setdefault(file.number, file)) is not file:
            raise VectordbError(
                f"{other.path} and {file.path} have the same number",
                remedy="Give the newer one the next free number.",
            )
