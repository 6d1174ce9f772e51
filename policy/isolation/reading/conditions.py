"""Facts about the Condition element of a policy statement: does it narrow who is meant to known callers.

Operators and keys are not told apart by case ("Context key names are not case-sensitive", IAM User Guide, "IAM JSON policy
elements: Condition"; AWS refuses an operator in another case, so that nothing is lost by reading it the same way).

What narrows is what S3 calls fixed values (S3 User Guide, "The meaning of public"), for every service alike and with two
differences: a range of public addresses does not narrow, because whoever sits there is not known, and a key does not
narrow that anybody can set (aws:UserAgent, aws:Referer, tags of one's own principal, names of one's own users) or that
holds for every customer of an AWS service (aws:PrincipalServiceName, kms:ViaService).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from isolation.reading.addresses import is_private, network
from isolation.reading.properties import Property

_ACCOUNT_PART: Final = 4
_ARN_PARTS: Final = 6
_SETS: Final = ("foranyvalue:", "forallvalues:")
_POSITIVE: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress", "bool"}
)
# Variables that AWS fills in with facts about the resource, not about the caller.
_OWN: Final = frozenset({"${aws:resourceaccount}", "${aws:resourceorgid}"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator with one key and its values, any of which is enough."""

    operator: str
    """In lower case, without a prefix for sets and without IfExists."""
    key: str
    """In lower case."""
    values: Property
    written: str
    """Operator and key as the document has them: `StringEquals aws:SourceVpc`."""
    optional: bool
    """Whether it also holds for a request that lacks the key: with IfExists and with ForAllValues."""


def comparisons(statement: Property) -> Iterator[Comparison]:
    """The comparisons of a statement whose operator and key are known; all of them must hold."""
    condition = element(statement, "Condition")
    for operator in names(condition):
        compared = condition.at(operator)
        for key in names(compared):
            yield _comparison(operator, key, compared.at(key))


def _comparison(operator: str, key: str, values: Property) -> Comparison:
    folded = operator.casefold()
    head = next((each for each in _SETS if folded.startswith(each)), "")
    bare = folded.removeprefix(head)
    optional = bare.endswith("ifexists") or head == "forallvalues:"
    return Comparison(bare.removesuffix("ifexists"), key.casefold(), values, f"{operator} {key}", optional)


def narrows(statement: Property) -> bool | None:
    """Whether a condition lets only known callers through; None when only the deployment will know."""
    return _any_fixed(statement, _CALLERS)


def names_source(statement: Property) -> bool | None:
    """Whether a condition ties what a service does to a known account or resource (the confused deputy problem).

    None when only the deployment will know.
    """
    return _any_fixed(statement, _SOURCES)


def _any_fixed(statement: Property, kinds: "Mapping[str, _Kind]") -> bool | None:
    condition = element(statement, "Condition")
    # Comparisons are joined by AND: one that narrows is enough, and one that is unknown may be it.
    verdicts = {_fixed(each, kinds, statement) for each in comparisons(statement)}
    if True in verdicts:
        return True
    doubtful = None in verdicts or condition.unknown or any(condition.at(name).unknown for name in names(condition))
    return None if doubtful else False


def _fixed(comparison: Comparison, kinds: "Mapping[str, _Kind]", statement: Property) -> bool | None:
    kind = kinds.get(comparison.key)
    if kind is None and comparison.key.startswith("kms:encryptioncontext:") and comparison.key.endswith(":arn"):
        kind = kinds.get("kms:encryptioncontext:*:arn")
    if kind is None or comparison.operator not in _POSITIVE:
        return False
    if comparison.optional and not _required(comparison.key, statement):
        return False
    # Values are joined by OR: one that is open opens all, known or not.
    elements = list(comparison.values.elements())
    if any(each.given and not _is_fixed(kind, each) for each in elements):
        return False
    return None if comparison.values.unknown or any(each.unknown for each in elements) else bool(elements)


def _is_fixed(kind: "_Kind", value: Property) -> bool:
    if value.truth is not None and not value.text:
        return kind(str(value.truth).casefold())
    text = value.text if value.number is None else str(value.number)
    return text is not None and (text.casefold() in _OWN or ("${" not in text and kind(text)))


def _required(key: str, statement: Property) -> bool:
    """Whether another comparison demands that the request has the key: `Null` false."""
    return any(
        each.operator == "null" and each.key == key and [value.truth for value in each.values.elements()] == [False]
        for each in comparisons(statement)
    )


def element(container: Property, name: str) -> Property:
    """An element by its name in whatever case it is written."""
    found = next((key for key in names(container) if key.casefold() == name.casefold()), name)
    return container.at(found)


def names(container: Property) -> list[str]:
    """The keys of an object; none of anything else."""
    return [str(key) for key in container.value] if isinstance(container.value, Mapping) else []


_Kind = Callable[[str], bool]


def _plain(text: str) -> bool:
    return bool(text) and not ("*" in text or "?" in text)


def is_fixed_arn(text: str) -> bool:
    """Whether an ARN means things of one owner: a fixed account, or a fixed bucket, whose ARNs have no account."""
    parts = text.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or parts[0] != "arn" or not _plain(parts[2]):
        return False
    account, name = parts[_ACCOUNT_PART], parts[-1].partition("/")[0]
    return _plain(account) if account else _plain(name)


def _path(text: str) -> bool:
    """An organisation's path: o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*."""
    organisation, slash, _ = text.partition("/")
    return bool(slash) and _plain(organisation)


def _session(text: str) -> bool:
    """A unique id: of a user, or of a role with any session behind its colon."""
    return re.fullmatch(r"[A-Z0-9]{8,128}(:.*)?", text, re.DOTALL) is not None


def _private_block(text: str) -> bool:
    block = network(text if "/" in text else f"{text}/{128 if ':' in text else 32}")
    return block is not None and is_private(block)


def _true(text: str) -> bool:
    return text.casefold() == "true"


# Keys that say on whose behalf an AWS service calls (IAM User Guide, "The confused deputy problem").
_SOURCES: Final[Mapping[str, _Kind]] = {
    "aws:sourceaccount": _plain,
    "aws:sourcearn": is_fixed_arn,
    "aws:sourceorgid": _plain,
    "aws:sourceorgpaths": _path,
    # Older services' own spelling (Amazon SNS Developer Guide, access control use cases).
    "aws:sourceowner": _plain,
    "kms:calleraccount": _plain,
    # What CloudWatch Logs sends in place of a source (CloudWatch Logs User Guide, encrypt log data).
    "kms:encryptioncontext:*:arn": is_fixed_arn,
}

# Keys that say who calls, or from which VPC (IAM User Guide, "AWS global condition context keys").
_CALLERS: Final[Mapping[str, _Kind]] = {
    **{key: kind for key, kind in _SOURCES.items() if not key.startswith("kms:encryptioncontext")},
    "aws:ec2instancesourcevpc": _plain,
    "aws:principalaccount": _plain,
    "aws:principalarn": is_fixed_arn,
    "aws:principalorgid": _plain,
    "aws:principalorgpaths": _path,
    "aws:sourceip": _private_block,
    "aws:sourcevpc": _plain,
    "aws:sourcevpcarn": is_fixed_arn,
    "aws:sourcevpce": _plain,
    "aws:userid": _session,
    "aws:vpceaccount": _plain,
    "aws:vpceorgid": _plain,
    "aws:vpceorgpaths": _path,
    "ec2:sourceinstancearn": is_fixed_arn,
    "lambda:sourcefunctionarn": is_fixed_arn,
    "s3:dataaccesspointaccount": _plain,
    "s3:dataaccesspointarn": is_fixed_arn,
    # Through a mount target, which is in a VPC (Amazon EFS User Guide, blocking public access).
    "elasticfilesystem:accessedviamounttarget": _true,
}
