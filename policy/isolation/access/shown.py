"""How the parts of a policy are written in facts: as they are where their form is that of an identifier, else by their class.

A policy can hold a secret: an external id, a referer, or whatever somebody put in the wrong place.
"""

import re
from collections.abc import Mapping
from typing import Final

from isolation.reading.conditions import Comparison
from isolation.reading.properties import Property

UNKNOWN: Final = "(known at up)"

_ACTION: Final = re.compile(r"\*|[a-z0-9*?-]{1,40}:[A-Za-z0-9*?]{1,80}", re.ASCII)
_ARN: Final = re.compile(r"arn:(?:[^:\s]*:){4}\S{1,512}")
_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@:/-]{1,256}", re.ASCII)
_PLAIN: Final = re.compile(
    r"\*|[0-9]{12}|true|false|[0-9a-fA-F.:]+/[0-9]{1,3}"  # everything, an account, a truth, a block of addresses
    r"|(?:[a-z]{1,8}-)[0-9a-f]{8,17}|o-[a-z0-9]{10,32}(?:/\S{0,200})?"  # an id of EC2, an organisation or a path in one
    r"|[a-z]{2}(?:-[a-z]{2,12}){1,2}-[0-9]{1,2}"  # a region
    r"|(?:[a-z0-9*-]{1,63}\.){1,5}(?:com|cn|internal|aws|\*)"  # a service
    r"|\$\{[A-Za-z0-9:/_-]{1,80}\}",  # a policy variable
    re.ASCII,
)
# Values that a policy treats as secrets, whatever their form.
_NEVER: Final = frozenset({"sts:externalid", "aws:referer"})


def identifier(text: str) -> str:
    """A URN, an id, a name or a block of addresses; what has another form may be something else in the wrong place."""
    return text if not text or text.startswith("urn:pulumi:") or _NAME.fullmatch(text) else "(a string)"


def action(each: Property) -> str:
    """An action: `kms:Decrypt`."""
    return _text(each, _ACTION, "(a string that is no action)")


def resource(each: Property, identifiers: Mapping[str, str]) -> str:
    """An ARN or `*`, in which what is made up is written as `${name.output}`."""
    return _named(each, "(a string that is no ARN)", identifiers)


def principal(each: Property, identifiers: Mapping[str, str]) -> str:
    """An ARN, an account, a service or `*`."""
    return _named(each, "(a string that is no principal)", identifiers)


def name(each: Property) -> str:
    """The name of a role, a user or a group, or an ARN."""
    return _text(each, _NAME, "(a string that is no name)")


def condition(comparison: Comparison, identifiers: Mapping[str, str]) -> str:
    """`StringEquals aws:SourceAccount = 123456789012`, operator and key as the document spells them."""
    values = comparison.values
    if comparison.key in _NEVER:
        shown = "(not shown)"
    elif values.unknown:
        shown = UNKNOWN
    else:
        shown = ", ".join(
            _named(each, "(a string)", identifiers) if each.truth is None else str(each.truth).lower()
            for each in values.elements()
        )
    return f"{comparison.written} = {shown or '(nothing)'}"


def reference(name: str) -> str:
    """How a resource is written whose ARN is not known: `${name.arn}`."""
    return f"${{{name}.arn}}"


def _named(each: Property, otherwise: str, identifiers: Mapping[str, str]) -> str:
    """The text, with `${name.output}` wherever it has an identifier that was made up."""
    if each.text is not None and each.text in identifiers:
        return f"${{{identifiers[each.text]}}}"
    text = _text(each, _ARN, otherwise)
    # The longest first: an ARN has the identifier of its resource in it.
    for made in sorted((one for one in identifiers if one in text), key=len, reverse=True):
        text = text.replace(made, f"${{{identifiers[made]}}}")
    return text


def _text(each: Property, form: re.Pattern[str], otherwise: str) -> str:
    if each.unknown:
        return UNKNOWN
    text = each.text if each.text is not None else str(each.number) if each.number is not None else ""
    return text if form.fullmatch(text) or _PLAIN.fullmatch(text) else otherwise
