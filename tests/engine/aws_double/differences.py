"""What a provider says to the question whether a resource can become what the program wants: which properties, and in place or not."""

from collections.abc import Iterator
from typing import Any

from pulumi.runtime.proto import provider_pb2

from vectordb.plan.replacement import REPLACES

_DIFF = provider_pb2.PropertyDiff


def diff(type_: str, before: dict[str, Any], after: dict[str, Any]) -> provider_pb2.DiffResponse:
    """The answer to Diff for a resource that has the inputs `before`.

    A resource with a name of its own goes before its successor comes, as the provider has it: two of a name cannot be.
    """
    paths = list(_paths("", before, after))
    fatal = [path for path in paths if _replaces(type_, path)]
    answer = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if paths else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in paths}),
        replaces=sorted(fatal),
        deleteBeforeReplace=bool(fatal) and _keeps_its_name(before, after),
        hasDetailedDiff=bool(paths),
    )
    for path in paths:
        kind = _DIFF.UPDATE_REPLACE if path in fatal else _DIFF.UPDATE
        answer.detailedDiff[path].CopyFrom(_DIFF(kind=kind, inputDiff=True))
    return answer


def _paths(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _paths(f"{path}.{key}" if path else key, before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _paths(f"{path}[{place}]", old, new)
    elif before != after:
        yield path


def _replaces(type_: str, path: str) -> bool:
    # A block that the provider has at most once is a list in some types, whose table says no index.
    return any(path == fixed or path.startswith((f"{fixed}.", f"{fixed}[")) for fixed in REPLACES.get(type_, ()))


def _keeps_its_name(before: dict[str, Any], after: dict[str, Any]) -> bool:
    names = ("name", "identifier", "clusterIdentifier", "vectorBucketName", "indexName")
    return any(before.get(name) and before.get(name) == after.get(name) for name in names)
