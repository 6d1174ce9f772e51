"""What a set of files means for a database with a given ledger. Pure: no connection, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vectordb.database import ledger, values
from vectordb.database.ledger import State
from vectordb.database.sqlfiles import SqlFile
from vectordb.database.values import Rendered
from vectordb.errors import VectordbError

Why = Literal["new", "changed"]


@dataclass(frozen=True)
class Prepared:
    """A file with its values put in, and the checksum of both."""

    file: SqlFile
    rendered: Rendered
    checksum: str


@dataclass(frozen=True)
class Step:
    """A file that has to run, and why: it is new, or (repeatable) it or a value in it has changed."""

    prepared: Prepared
    why: Why

    @property
    def label(self) -> str:
        """Folder and name."""
        return self.prepared.file.label


@dataclass(frozen=True)
class Edited:
    """A versioned file that was changed after it had been applied."""

    prepared: Prepared
    applied_checksum: str


@dataclass(frozen=True)
class Comparison:
    """The difference between a folder and a database.

    Attributes:
        steps: what `apply` runs, in order.
        unchanged: how many files the database has as they are.
        edited: versioned files that differ from what was applied; nothing is applied while there is one.
        missing: what was applied and has no file any more, as folder/name.
        late: new versioned files whose number is below one that was applied already.
    """

    steps: tuple[Step, ...]
    unchanged: int
    edited: tuple[Edited, ...]
    missing: tuple[str, ...]
    late: tuple[str, ...]

    def differs(self) -> bool:
        """Whether `apply` would do anything, or refuse to. A missing file is no difference: no apply could mend it."""
        return bool(self.steps or self.edited)


def prepare(files: Sequence[SqlFile], given: Mapping[str, str]) -> list[Prepared]:
    """Put values into files.

    Raises:
        VectordbError: an unknown value, or one in a place where none may stand.
    """
    found = []
    for file in files:
        rendered = values.render(file.path, file.text, given)
        found.append(Prepared(file, rendered, ledger.checksum(file, rendered)))
    return found


def compare(prepared: Sequence[Prepared], state: State) -> Comparison:
    """Hold files against a ledger.

    Raises:
        VectordbError: a versioned file was renamed, so that it would be applied a second time.
    """
    known = {(one.file.kind, one.file.name) for one in prepared}
    applied = {int(name.partition("_")[0]): name for kind, name in state.checksums if kind == "versioned"}
    highest = max(applied, default=-1)
    steps: list[Step] = []
    edited: list[Edited] = []
    late: list[str] = []
    unchanged = 0
    for one in prepared:
        file, found = one.file, state.checksums.get((one.file.kind, one.file.name))
        if found == one.checksum:
            unchanged += 1
        elif file.kind == "repeatable":
            steps.append(Step(one, "new" if found is None else "changed"))
        elif found is not None:
            edited.append(Edited(one, found))
        else:
            _check_renamed(file, applied)
            steps.append(Step(one, "new"))
            if file.number < highest:
                late.append(file.label)
    missing = tuple(f"{kind}/{name}" for kind, name in state.checksums if (kind, name) not in known)
    return Comparison(tuple(steps), unchanged, tuple(edited), missing, tuple(late))


def _check_renamed(file: SqlFile, applied: Mapping[int, str]) -> None:
    if (other := applied.get(file.number)) is not None:
        raise VectordbError(
            f"{file.path}: number {file.number} was applied as {other}",
            remedy=f"Rename the file back to {other}; if it is another change, give it the next free number.",
        )
