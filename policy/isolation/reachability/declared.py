"""The table of declared flows: policy/flows.toml, or another file. Its form is described in docs/flows.md."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Final

from isolation.reachability.blocks import Blocks, block, joined
from isolation.reachability.nodes import Node
from isolation.reachability.ranges import union
from isolation.reachability.traffic import ALL, ANY, NAMED, PORTS, Traffic, of
from isolation.rule import Resource

FOLDER: Final = Path(__file__).parents[2]
"""The pack's folder: a relative path of the setting starts here."""
FILE: Final = "flows.toml"
EVERY, SOURCES, TARGETS, OPTIONAL = "each pair", "each source", "each target", "optional"
_ROLE_KEYS = ("kind", "component", "service", "name", "type", "feature", "resource", "group", "list", "addresses")
_FLOW_KEYS = ("source", "target", "protocol", "ports", "why", "needs", "expected", "encrypted")


@dataclass(frozen=True, slots=True)
class Role:
    """What the nodes of a role have in common; what is empty does not matter."""

    name: str
    kind: tuple[str, ...] = ()
    component: tuple[str, ...] = ()
    """Names of component types, one of which it belongs to."""
    service: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    """Patterns of its own name, as `api-*`."""
    type: tuple[str, ...] = ()
    """Types, as `ec2/instance`."""
    feature: tuple[str, ...] = ()
    """Features of a database that it has a role for."""
    resource: tuple[str, ...] = ()
    """Names of types of which the plan has a resource: no node, only something that a flow may need."""
    given: str = ""
    """`group`, `list`: named by its id, and not of this stack."""
    blocks: Blocks | None = None
    """Addresses that hold all of its own."""

    def matches(self, node: Node) -> bool:
        """Whether a node has this role."""
        if self.resource:
            return False
        if self.given:
            names = node.groups.names if self.given == "group" else {node.id}
            return not node.urns and any(name.startswith({"group": "sg-", "list": "pl-"}[self.given]) for name in names)
        if self.blocks is not None:
            return bool(node.blocks) and not node.blocks - self.blocks
        return bool(node.urns) and (
            (not self.kind or node.kind in self.kind)
            and (not self.component or node.component in self.component)
            and (not self.service or node.service in self.service)
            and (not self.type or node.type in self.type)
            and (not self.feature or any(each in self.feature for each in node.features))
            and (not self.node or any(fnmatchcase(node.id, pattern) for pattern in self.node))
        )

    def present(self, nodes: list[Node], resources: tuple[Resource, ...]) -> bool:
        """Whether a plan has something of this role."""
        if self.resource:
            return any(each.type.rpartition(":")[2] in self.resource for each in resources)
        return any(self.matches(node) for node in nodes)


@dataclass(frozen=True, slots=True)
class Row:
    """A declared flow."""

    source: tuple[Role, ...]
    target: tuple[Role, ...]
    traffic: Traffic
    protocol: str
    ports: str
    why: str
    needs: tuple[Role, ...]
    expected: str
    encrypted: str
    """What encrypts it, where its target is not in the plan; empty where the plan has to prove it."""


@dataclass(frozen=True, slots=True)
class Table:
    """The declared flows of a file, and what is wrong with it, each as `flow[3].ports: sentence`."""

    name: str
    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()


def table(file: str = FILE) -> Table:
    """Read a file. Never raises: what cannot be read is a problem, and the rest is read.

    Args:
        file: absolute, or below the pack's folder.
    """
    path = FOLDER / file
    try:
        stamp = path.stat().st_mtime_ns
    except (OSError, ValueError) as error:
        return Table(file, problems=(f"cannot be read ({type(error).__name__})",))
    return _read(file, str(path), stamp)


@lru_cache(maxsize=8)
def _read(file: str, path: str, stamp: int) -> Table:
    del stamp  # another one means another text
    try:
        parsed = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = f"line {error.lineno}" if hasattr(error, "lineno") else type(error).__name__
        return Table(file, problems=(f"is no TOML ({reason})",))
    return parse(file, parsed)


def parse(file: str, parsed: Mapping[str, object]) -> Table:
    """A table of a parsed file."""
    reader = _Reader()
    rows = reader.rows(parsed)
    return Table(file, tuple(rows), tuple(reader.problems))


class _Reader:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self._roles: dict[str, Role] = {}

    def rows(self, parsed: Mapping[str, object]) -> list[Row]:
        for key in parsed.keys() - {"roles", "flow"}:
            self.problems.append(f"{key}: is neither roles nor flow")
        roles, listed = parsed.get("roles", {}), parsed.get("flow", [])
        if not isinstance(roles, Mapping):
            self.problems.append("roles: is no table")
            roles = {}
        for name, given in roles.items():
            self._roles[name] = self._role(name, given)
        if not isinstance(listed, list):
            self.problems.append("flow: is no array of tables; write each flow under [[flow]]")
            listed = []
        return [row for place, given in enumerate(listed) for row in self._row(f"flow[{place}]", given)]

    def _role(self, name: str, given: object) -> Role:
        where = f"roles.{name}"
        if not isinstance(given, Mapping) or not given:
            self.problems.append(f"{where}: is no table with one of {', '.join(_ROLE_KEYS)}")
            return Role(name, resource=("",))
        self._unknown_keys(where, given, _ROLE_KEYS)
        texts = {key: self._texts(f"{where}.{key}", given.get(key, [])) for key in _ROLE_KEYS}
        foreign = [key for key in ("group", "list") if given.get(key) == "given"]
        for key in ("group", "list"):
            if key in given and given[key] != "given":
                self.problems.append(f'{where}.{key}: can only be "given"')
        blocks = [block(cidr) for cidr in texts["addresses"]]
        if not all(blocks):
            self.problems.append(f"{where}.addresses: is no CIDR block")
        return Role(
            name,
            kind=texts["kind"],
            component=texts["component"],
            service=texts["service"],
            node=texts["name"],
            type=texts["type"],
            feature=texts["feature"],
            resource=texts["resource"],
            given=foreign[0] if foreign else "",
            blocks=joined(blocks) if texts["addresses"] else None,
        )

    def _row(self, where: str, given: object) -> Iterator[Row]:
        if not isinstance(given, Mapping):
            self.problems.append(f"{where}: is no table")
            return
        self._unknown_keys(where, given, _FLOW_KEYS)
        before = len(self.problems)
        source, target = self._named(where, given, "source"), self._named(where, given, "target")
        needs = self._named(where, given, "needs") if "needs" in given else ()
        traffic = self._traffic(where, given)
        why, expected = given.get("why"), given.get("expected", EVERY)
        if not isinstance(why, str) or not why.strip():
            self.problems.append(f"{where}.why: says nothing; write why the flow is needed")
        if expected not in (EVERY, SOURCES, TARGETS, OPTIONAL):
            self.problems.append(f'{where}.expected: is none of "each pair", "each source", "each target", "optional"')
        if not isinstance(given.get("encrypted", ""), str):
            self.problems.append(f"{where}.encrypted: is no string")
        if len(self.problems) == before and traffic is not None:
            ports = traffic.rows()[0][1]
            said = str(given.get("encrypted", ""))
            yield Row(source, target, traffic, str(given["protocol"]), ports, str(why), needs, str(expected), said)

    def _named(self, where: str, given: Mapping[str, object], key: str) -> tuple[Role, ...]:
        names = self._texts(f"{where}.{key}", given.get(key, []))
        if not names:
            self.problems.append(f"{where}.{key}: names no role")
        for name in names:
            if name not in self._roles:
                self.problems.append(f"{where}.{key}: {name!r} is no role of this file")
        return tuple(self._roles[name] for name in names if name in self._roles)

    def _traffic(self, where: str, given: Mapping[str, object]) -> Traffic | None:
        protocol, ports = given.get("protocol"), given.get("ports", "all")
        if protocol == ANY:
            return ALL
        if protocol not in NAMED:
            self.problems.append(f"{where}.protocol: is none of {', '.join((*NAMED, ANY))}")
            return None
        if ports == "all":
            return of({str(protocol): PORTS})
        intervals = [_interval(part) for part in str(ports).split(",")] if isinstance(ports, str | int) else [None]
        if None in intervals:
            self.problems.append(f'{where}.ports: is no list of ports such as "443" or "443, 8000-8010", nor "all"')
            return None
        return of({str(protocol): union([each for each in intervals if each])})

    def _texts(self, where: str, given: object) -> tuple[str, ...]:
        listed = given if isinstance(given, list) else [given]
        if not all(isinstance(each, str) for each in listed):
            self.problems.append(f"{where}: is neither a string nor a list of them")
        return tuple(each for each in listed if isinstance(each, str))

    def _unknown_keys(self, where: str, given: Mapping[str, object], known: tuple[str, ...]) -> None:
        for key in given:
            if key not in known:
                self.problems.append(f"{where}.{key}: is none of {', '.join(known)}")


def _interval(text: str) -> tuple[int, int] | None:
    first, _, last = text.strip().partition("-")
    if not first.isascii() or not first.isdigit() or (last and not last.isdigit()):
        return None
    low, high = int(first), int(last or first)
    return (low, high) if low <= high <= PORTS[0][1] else None
