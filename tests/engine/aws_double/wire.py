"""Between the wire's structs and plain values; assets and archives as the SDK's objects, for the handlers."""

from typing import Any

import pulumi
from google.protobuf import json_format, struct_pb2

from vectordb.plan.recording import SECRET_KEY, whole_numbers

_ASSET, _ARCHIVE = "c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"
"""Pulumi's signatures (sdk/go/common/resource/sig)."""


def plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Properties as JSON has them; assets, archives and the sentinel of unknown values as they are on the wire."""
    found: dict[str, Any] = whole_numbers(json_format.MessageToDict(struct))
    return found


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    """The wire's form of `properties`."""
    made = struct_pb2.Struct()
    json_format.ParseDict(properties, made)
    return made


def checked(value: Any) -> Any:
    """`value` with the mark that the provider leaves in each block: which properties it filled in by itself."""
    if isinstance(value, list):
        return [checked(item) if isinstance(item, dict) else item for item in value]
    if not isinstance(value, dict) or SECRET_KEY in value:
        return value
    return {"__defaults": [], **{key: checked(item) if isinstance(item, list) else item for key, item in value.items()}}


def with_files(value: Any) -> Any:
    """`value` for a handler: assets and archives as the SDK's objects, without the provider's marks."""
    if isinstance(value, list):
        return [with_files(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = {_ASSET: pulumi.FileAsset, _ARCHIVE: pulumi.FileArchive}.get(value.get(SECRET_KEY, ""))
    if kind:
        return kind(value["path"])
    return {key: with_files(item) for key, item in value.items() if key != "__defaults"}
