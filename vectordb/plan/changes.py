"""What the next `pulumi up` would do to what is there: two plans, or a stack's state and a plan, compared. Pure functions.

It is the engine's own question asked without an account: which resources are new, gone, changed in place, replaced, or
only moved to another URN. A value that only the deployment will know counts as the same unless what it comes from is new,
replaced or another resource.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vectordb.errors import VectordbError
from vectordb.plan.recording import SECRET_KEY, SECRET_SIGNATURE, STACK_TYPE, UNKNOWN
from vectordb.plan.replacement import REPLACES

_DEFAULTS = "__defaults"
"""In a state: the names of the properties that the provider filled by itself (pulumi-terraform-bridge)."""
_MASKED = "[secret]"


class Kind(StrEnum):
    """What happens to a resource."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REPLACED = "replaced"
    MOVED = "moved"


@dataclass(frozen=True, order=True)
class Change:
    """One resource that does not stay as it is.

    Attributes:
        urn: as it will be; of one that goes, as it was.
        kind: what happens.
        properties: the inputs that make it so, sorted; of a replaced one, those that cannot change in place.
        was: the URN before, when an alias ties the two.
        protected: the engine refuses to delete or replace it.
    """

    urn: str
    kind: Kind
    properties: tuple[str, ...] = ()
    was: str = ""
    protected: bool = False

    @property
    def type(self) -> str:
        """The resource's own type, without its parents'."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class _Resource:
    urn: str
    type: str
    custom: bool
    parent: str
    inputs: Mapping[str, Any]
    sources: Mapping[str, frozenset[str]]
    protect: bool = False
    aliases: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    """Of a state: its id and outputs."""


@dataclass
class _Pair:
    """A resource that is there before and after, and the paths of what differs."""

    before: _Resource
    after: _Resource
    paths: set[str] = field(default_factory=set)

    @property
    def fatal(self) -> set[str]:
        """The changed properties that cannot change in place."""
        fixed = REPLACES.get(self.after.type, frozenset())
        return {path for path in self.paths if any(path == p or path.startswith((f"{p}.", f"{p}[")) for p in fixed)}


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changes from `before` to `after`, sorted by URN.

    Args:
        before: what `vectordb plan --json` or `pulumi stack export` wrote.
        after: a plan, as `vectordb plan --json` writes it.

    Raises:
        VectordbError: `before` is neither, or of another stack.
    """
    old, new = _resources(before), _resources(after)
    _one_stack(old, new)
    exact = "deployment" not in before
    former = _former_urns(old, new)
    back = {was: urn for urn, was in former.items()}
    pairs = {urn: _Pair(old[was], new[urn]) for urn, was in former.items()}
    added = new.keys() - pairs.keys()
    removed = old.keys() - back.keys()
    known = {urn: pair.before.known for urn, pair in pairs.items()}
    for pair in pairs.values():
        sources = {key: frozenset(back.get(urn, urn) for urn in urns) for key, urns in pair.before.sources.items()}
        pair.paths |= set(_differences(pair, sources, gone=removed, known=known, exact=exact))
    _spread(pairs, set(added))
    changes = [Change(urn, Kind.ADDED) for urn in added if new[urn].custom]
    changes += [Change(urn, Kind.REMOVED, protected=old[urn].protect) for urn in removed if old[urn].custom]
    for urn, pair in pairs.items():
        if (change := _change(urn, pair)) is not None:
            changes.append(change)
    return sorted(changes)


def _change(urn: str, pair: _Pair) -> Change | None:
    was = pair.before.urn if pair.before.urn != urn else ""
    if not pair.after.custom:
        return None
    if fatal := pair.fatal:
        return Change(urn, Kind.REPLACED, _tops(fatal), was, pair.before.protect)
    if pair.paths:
        return Change(urn, Kind.CHANGED, _tops(pair.paths), was, pair.before.protect)
    return Change(urn, Kind.MOVED, (), was, pair.before.protect) if was else None


def _tops(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({path.partition(".")[0].partition("[")[0] for path in paths}))


def listed(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources of a plan or of an exported stack, as they are in the file.

    Raises:
        VectordbError: it is neither.
    """
    if "resources" not in data and "deployment" in data:
        # A stack that nothing was ever deployed to has a deployment without resources.
        found = (data["deployment"] or {}).get("resources") or []
    else:
        found = data.get("resources")
    if not isinstance(found, list):
        raise VectordbError(
            "This file is neither a plan nor a stack's state.",
            remedy="Write one with `vectordb plan --json FILE` or `pulumi stack export --file FILE`.",
        )
    return found


def _resources(data: Mapping[str, Any]) -> dict[str, _Resource]:
    """URN → resource, of a plan or of an exported stack."""
    return {
        item["urn"]: _Resource(
            urn=item["urn"],
            type=item["type"],
            custom=bool(item.get("custom")),
            parent=item.get("parent", ""),
            inputs=_plain(item.get("inputs") or {}),
            sources={key: frozenset(urns or ()) for key, urns in (item.get("propertyDependencies") or {}).items()},
            protect=bool(item.get("protect")),
            aliases=tuple(item.get("aliases") or ()),
            ignored=tuple(item.get("ignoreChanges") or ()),
            known=frozenset(
                [item.get("id", ""), *(v for v in (item.get("outputs") or {}).values() if isinstance(v, str))]
            ),
        )
        for item in listed(data)
        # `delete`: what an interrupted update has still to delete; `external`: only looked up.
        if not item.get("delete") and not item.get("external")
        if item["type"] != STACK_TYPE and not item["type"].startswith("pulumi:providers:")
    }


def _one_stack(old: Mapping[str, _Resource], new: Mapping[str, _Resource]) -> None:
    """Every URN begins with its stack and project."""
    owners = [{tuple(urn.split("::")[:2]) for urn in resources} for resources in (old, new)]
    if all(owners) and not owners[0] & owners[1]:
        named = [" / ".join(reversed(min(owner))).replace("urn:pulumi:", "") for owner in owners]
        raise VectordbError(
            f"The file is of {named[0]}, and the plan is of {named[1]}: nothing of one is in the other.",
            remedy="Take a plan or a state of the same project and stack.",
        )


def _plain(value: Any) -> Any:
    """Inputs without what the provider filled in; every secret is the same one, since none can be read."""
    if isinstance(value, dict):
        if value.get(SECRET_KEY) == SECRET_SIGNATURE:
            return _MASKED
        filled = set(value.get(_DEFAULTS) or ()) | {_DEFAULTS}
        if SECRET_KEY in value:  # an asset or an archive: a state has its content's digest beside its path
            filled |= {"hash"}
        return {key: _plain(item) for key, item in value.items() if key not in filled}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _former_urns(old: Mapping[str, _Resource], new: Mapping[str, _Resource]) -> dict[str, str]:
    """URN now → URN before: the same, or the first alias that was there and is not taken."""
    former: dict[str, str] = {}
    for urn, resource in new.items():
        if urn in old:
            former[urn] = urn
            continue
        for alias in _aliases(resource, new):
            if alias in old and alias not in new:
                former[urn] = alias
                break
    return former


def _aliases(resource: _Resource, new: Mapping[str, _Resource]) -> Iterator[str]:
    """A resource's aliases: its own, and what it was called below its parent's (Pulumi, `aliases`: inherited)."""
    yield from resource.aliases
    parent = new.get(resource.parent)
    if parent is None:
        return
    stack, project, _, name = resource.urn.split("::")
    for alias in _aliases(parent, new):
        _, _, chain, parents_name = alias.split("::")
        own = parent.urn.rpartition("::")[2]
        # A child that begins with its parent's name began with the parent's former one.
        was = parents_name + name[len(own) :] if name.startswith(own) else name
        yield f"{stack}::{project}::{chain}${resource.type}::{was}"


def _differences(
    pair: _Pair,
    sources: Mapping[str, frozenset[str]],
    *,
    gone: Iterable[str],
    known: Mapping[str, frozenset[str]],
    exact: bool,
) -> Iterator[str]:
    """The paths of the inputs that differ.

    Args:
        pair: the resource.
        sources: input → the resources that it came from before, by the URNs that they have now.
        gone: the resources that are no more.
        known: resource → its id and outputs, where `before` is a state.
        exact: whether an unknown value after a known one is a difference: a state knows what a plan cannot.
    """
    before, after = pair.before.inputs, pair.after.inputs
    for key in before.keys() | after.keys():
        for path in _paths(key, before.get(key), after.get(key), exact=exact):
            if not _ignored(path, pair.after.ignored):
                yield path
        if key in pair.after.ignored or key not in before or key not in after:
            continue
        came, comes = sources.get(key, frozenset()), pair.after.sources.get(key, frozenset())
        if isinstance(before[key], str) and any(before[key] in known.get(urn, ()) for urn in comes):
            continue  # it comes another way, and is what it was
        if (came & set(gone) and not _stays(pair.after, key, came & comes)) or (came and comes and not came & comes):
            yield from _unknowns(key, after[key])


def _stays(resource: _Resource, key: str, others: Iterable[str]) -> bool:
    """Whether a value of several sources is taken for the same though one of them came or went.

    A single id is one of several that were at hand, and is still there; a list has one more or less. Only what would
    replace the resource is left out of doubt: that a text such as a policy changes costs nothing to say.
    """
    return bool(set(others)) and not key.endswith("s") and key in REPLACES.get(resource.type, frozenset())


def _paths(path: str, before: Any, after: Any, *, exact: bool) -> Iterator[str]:
    if after == UNKNOWN and before is not None and (not exact or before == UNKNOWN):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from _paths(f"{path}.{key}", before.get(key), after.get(key), exact=exact)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _paths(f"{path}[{number}]", old, new, exact=exact)
    elif before != after:
        yield path


def _ignored(path: str, ignored: Iterable[str]) -> bool:
    return any(path == item or path.startswith((f"{item}.", f"{item}[")) for item in ignored)


def _unknowns(path: str, value: Any) -> Iterator[str]:
    """The paths in `value` that only the deployment will know."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unknowns(f"{path}.{key}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknowns(f"{path}[{number}]", item)
    elif isinstance(value, str) and UNKNOWN in value:
        yield path


def _spread(pairs: Mapping[str, _Pair], added: set[str]) -> None:
    """What comes from a resource that is new or replaced is another value; that may replace the next, and so on."""
    replaced: set[str] = set()
    while True:
        for pair in pairs.values():
            for key, urns in pair.after.sources.items():
                if key in pair.after.ignored or not urns & (added | replaced):
                    continue
                if urns & replaced or not _stays(pair.after, key, urns - added):
                    pair.paths |= set(_unknowns(key, pair.after.inputs.get(key)))
        found = {urn for urn, pair in pairs.items() if pair.fatal}
        if found <= replaced:
            return
        replaced |= found
