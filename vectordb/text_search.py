"""Full-text keys of Amazon S3 Vectors indexes: what is declared, held against what is, and the way from one to the other.

The service has `UpdateMetadataConfiguration` for it, which adds keys or deletes them, one kind a call, and knows no change: a
key of another language is deleted and added. Vectors and their metadata stay as they are; S3 Vectors builds what it needs to
search their texts in the background, and says BUILDING until it is done.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vectordb.database import aws
from vectordb.database.talk import Deadline, Say
from vectordb.errors import VectordbError

DECLARED: Final = "VECTORDB_TEXT_SEARCH"
REGION: Final = "VECTORDB_REGION"
PREVIOUS: Final = "PULUMI_COMMAND_STDOUT"
"""What the same step printed when it last succeeded (pulumi-command, addPreviousOutputInEnv)."""

MOST_KEYS = 10
"""Of an index (S3 Vectors API, MetadataConfigurationTextSearchConfigurationsList)."""
LANGUAGES = ("en", "fr", "es", "pt", "it", "de", "nl", "zh", "ja", "ko")
STANDARD = ""
"""The analyzer of a key without a language."""

_ENHANCED, _ACTIVE = "ENHANCED", "ACTIVE"
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
_TELL_EVERY = 30.0


@dataclass(frozen=True)
class Declared:
    """An index, and the keys that it is to have: key → language, `STANDARD` for none."""

    arn: str
    keys: Mapping[str, str]

    @property
    def name(self) -> str:
        """The index's name in S3 Vectors."""
        return self.arn.rpartition("/index/")[2]


@dataclass(frozen=True)
class State:
    """What S3 Vectors says of an index.

    Attributes:
        mode: CLASSIC or ENHANCED; empty when it does not say.
        keys: key → language.
        building: keys whose texts cannot be searched yet.
    """

    mode: str
    keys: Mapping[str, str]
    building: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Difference:
    """What separates an index from its declaration.

    Attributes:
        add: keys that it lacks.
        change: keys of another language than declared.
        delete: keys to be taken away.
        kept: keys that nobody declares here, and that stay: somebody else's.
        building: declared keys that S3 Vectors is still building.
    """

    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    building: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the index is configured as declared, though perhaps not built yet."""
        return not (self.add or self.change or self.delete)


@dataclass
class Outcome:
    """What a run did to one index, and how it left it."""

    arn: str
    declared: tuple[str, ...]
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    kept: tuple[str, ...] = ()
    building: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain data: `declared` is what the next run takes for this step's own."""
        return {name: list(value) if name != "arn" else value for name, value in vars(self).items()}


def compare(declared: Declared, state: State, own: Iterable[str] = (), *, delete: bool = False) -> Difference:
    """Hold an index against its declaration.

    Args:
        declared: what it is to have.
        state: what it has.
        own: keys that this step declared before: one that it does not declare any more is taken away.
        delete: take away every key that is not declared, whoever made it.
    """
    undeclared = sorted(state.keys.keys() - declared.keys.keys())
    mine = undeclared if delete else [key for key in undeclared if key in set(own)]
    return Difference(
        add=tuple(sorted(declared.keys.keys() - state.keys.keys())),
        change=tuple(
            sorted(key for key, language in declared.keys.items() if state.keys.get(key, language) != language)
        ),
        delete=tuple(mine),
        kept=tuple(key for key in undeclared if key not in mine),
        building=tuple(sorted(state.building & declared.keys.keys())),
    )


class Indexes:
    """The indexes of one region, over S3 Vectors' API.

    Args:
        region: where they are.
        client: botocore's, made from the environment when none is given.
    """

    def __init__(self, region: str, client: Any = None) -> None:
        self._client = client or aws.client("s3vectors", region)

    def state(self, declared: Declared) -> State:
        """What S3 Vectors says of the index.

        Raises:
            VectordbError: it is not there, or AWS refuses to tell.
        """
        try:
            found = self._client.get_index(indexArn=declared.arn)["index"]
        except aws.FAILURES as error:
            raise _explained(error, declared, "look at", "s3vectors:GetIndex") from error
        configured = (found.get("metadataConfiguration") or {}).get("textSearchConfigurations") or []
        return State(
            mode=str(found.get("indexMode") or ""),
            keys={one["metadataKey"]: one.get("language", STANDARD) for one in configured},
            building=frozenset(one["metadataKey"] for one in configured if one.get("status", _ACTIVE) != _ACTIVE),
        )

    def apply(
        self,
        declared: Declared,
        *,
        deadline: Deadline,
        say: Say,
        own: Iterable[str] = (),
        delete: bool = False,
    ) -> Outcome:
        """Configure an index as declared and wait until its texts can be searched.

        Whatever happened in between, another call goes on from there: each step looks at the index first. When the time is
        up while S3 Vectors is still building, that is no failure; the outcome names the keys.

        Raises:
            VectordbError: the index cannot have these keys, AWS refuses, or the time is up before it is configured.
        """
        outcome = Outcome(declared.arn, tuple(sorted(declared.keys)))
        told, pauses = -_TELL_EVERY, _growing()
        while True:
            state = self.state(declared)
            left = compare(declared, state, own, delete=delete)
            outcome.kept, outcome.building = left.kept, left.building
            if left.settled and not left.building:
                return outcome
            if left.settled:
                if deadline.passed():
                    return outcome
                if deadline.elapsed() - told >= _TELL_EVERY:
                    told = deadline.elapsed()
                    say(f"{declared.name}: S3 Vectors is building {', '.join(left.building)} ...")
                deadline.pause(pauses())
                continue
            _check(declared, state, left)
            if self._step(declared, left, outcome, say):
                pauses = _growing()
            elif deadline.passed():
                raise VectordbError(
                    f"the index {declared.name} is being changed by somebody else, for {deadline.seconds:g} s by now",
                    remedy="Run it again: it goes on from what is there.",
                )
            else:
                deadline.pause(pauses())

    def _step(self, declared: Declared, left: Difference, outcome: Outcome, say: Say) -> bool:
        """One call of what is left to do; false when S3 Vectors is busy with another change of the index."""
        away = sorted({*left.delete, *left.change})
        if away:
            if not self._update(declared, delete={"textSearchConfigurations": [{"metadataKey": key} for key in away]}):
                return False
            say(f"{declared.name}: deleted {', '.join(away)}")
            outcome.deleted += left.delete
            outcome.changed += left.change
            return True
        wanted = [
            {"metadataKey": key, **({"language": language} if (language := declared.keys[key]) else {})}
            for key in left.add
        ]
        if not self._update(declared, add={"textSearchConfigurations": wanted}):
            return False
        say(f"{declared.name}: added {', '.join(left.add)}")
        outcome.added += [key for key in left.add if key not in outcome.changed]
        return True

    def _update(self, declared: Declared, **change: Any) -> bool:
        try:
            self._client.update_metadata_configuration(indexArn=declared.arn, **change)
        except aws.FAILURES as error:
            # A change is under way, or another run was faster: the next look tells.
            if aws.code(error) == "ConflictException":
                return False
            raise _explained(error, declared, "configure", "s3vectors:UpdateMetadataConfiguration") from error
        return True


def from_environment(environment: Mapping[str, str]) -> tuple[str, list[Declared]]:
    """The region and the declarations that the Pulumi program sets for its step.

    Raises:
        VectordbError: a variable is missing, or is not what it should be.
    """
    region, text = environment.get(REGION, ""), environment.get(DECLARED, "")
    remedy = (
        f"The Pulumi program sets {REGION} and {DECLARED} for its step. By hand name a stack: --stack NAME, or --local."
    )
    if not region:
        raise VectordbError(f"{REGION} is not set: the region of the indexes", remedy=remedy)
    try:
        rows = json.loads(text)
        found = [_declared(row) for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise VectordbError(
            f'{DECLARED} is no JSON list of {{"arn", "keys": [{{"key", "language"}}]}}: {error}', remedy=remedy
        ) from error
    return region, found


def from_outputs(outputs: Mapping[str, Any]) -> list[Declared]:
    """The declarations of a stack: every index of its output `indexes`, those without full-text keys too."""
    return [
        _declared({"arn": row["arn"], "keys": row.get("fullTextKeys") or []}) for row in outputs.get("indexes") or []
    ]


def own_keys(printed: str) -> dict[str, frozenset[str]]:
    """Index → keys that the step declared when it last succeeded, from what it printed then; nothing of anything else."""
    try:
        rows = json.loads(printed)["indexes"]
        return {str(row["arn"]): frozenset(map(str, row["declared"])) for row in rows}
    except (ValueError, TypeError, KeyError):
        return {}


def _declared(row: Mapping[str, Any]) -> Declared:
    keys = {str(one["key"]): str(one.get("language") or STANDARD) for one in row["keys"]}
    if unknown := sorted({language for language in keys.values() if language} - set(LANGUAGES)):
        raise ValueError(f"{unknown[0]!r} is no language of S3 Vectors. Allowed: {', '.join(LANGUAGES)}")
    return Declared(str(row["arn"]), keys)


def _check(declared: Declared, state: State, left: Difference) -> None:
    """Refuse what S3 Vectors would refuse, with more to say about it."""
    if (left.add or left.change) and state.mode and state.mode != _ENHANCED:
        raise VectordbError(
            f"the index {declared.name} is in {state.mode} mode, in which no text can be searched by words",
            remedy=f"Switch it over, its vectors stay: aws s3vectors update-index-mode --index-arn {declared.arn} "
            f"--index-mode {_ENHANCED}",
        )
    if (count := len(declared.keys) + len(left.kept)) > MOST_KEYS:
        raise VectordbError(
            f"the index {declared.name} would have {count} full-text keys, and {MOST_KEYS} are allowed: it has "
            f"{', '.join(left.kept)}, which are not declared here",
            remedy="Take those away that nobody needs: `vectordb indexes apply --delete` deletes all that are not declared.",
        )


def _growing() -> Callable[[], float]:
    """Pauses that become longer, up to a limit."""
    waits = iter(_PAUSES)
    return lambda: next(waits, _PAUSES[-1])


def _explained(error: Exception, declared: Declared, doing: str, action: str) -> VectordbError:
    if aws.code(error) == "NotFoundException":
        return VectordbError(f"the index {declared.arn} does not exist", remedy="`pulumi up --refresh` makes it again.")
    explained = aws.explained(error, f"{doing} the index {declared.name}")
    if aws.code(error).startswith("AccessDenied"):
        explained.remedy = f"Whoever deploys needs {action} on {declared.arn}."
    return explained
