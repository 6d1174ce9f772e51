"""Buckets, indexes, policies and tags."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vectordb.local.emulator.s3vectors import names
from vectordb.local.emulator.s3vectors.catalogue import Catalogue, Resource
from vectordb.local.emulator.s3vectors.pages import decode_position, encode_position
from vectordb.local.emulator.s3vectors.parameters import choice, constraint, integer, invalid, items, structure, text
from vectordb.local.emulator.s3vectors.store import VectorIndex
from vectordb.local.emulator.s3vectors.text import configuration
from vectordb.local.emulator.wire import ServiceError

Parameters = Mapping[str, Any]
Answer = dict[str, Any]

MODES = ("CLASSIC", "ENHANCED")
METADATA = "metadataConfiguration"
LARGEST_DIMENSION = 4096
MOST_NON_FILTERABLE_KEYS = 10
MOST_TAGS = 50


def conflict(message: str) -> ServiceError:
    """The name is taken, or something is in the way."""
    return ServiceError("ConflictException", message, 409)


def not_found(message: str) -> ServiceError:
    """Nothing of that name."""
    return ServiceError("NotFoundException", message, 404)


class Control:
    """The control plane over a catalogue.

    Args:
        catalogue: the buckets and indexes.
        backfill_seconds: how long a text search configuration that is added to an index is BUILDING.
    """

    def __init__(self, catalogue: Catalogue, *, backfill_seconds: float) -> None:
        self.catalogue = catalogue
        self._backfill_seconds = backfill_seconds

    def operations(self) -> dict[str, Callable[[Parameters, str], Answer]]:
        """Operation name → function of the parameters and the region."""
        return {
            "CreateVectorBucket": self.create_bucket,
            "GetVectorBucket": self.get_bucket,
            "DeleteVectorBucket": self.delete_bucket,
            "ListVectorBuckets": self.list_buckets,
            "PutVectorBucketPolicy": self.put_policy,
            "GetVectorBucketPolicy": self.get_policy,
            "DeleteVectorBucketPolicy": self.delete_policy,
            "PutVectorBucketDefaultIndexMode": self.put_default_mode,
            "CreateIndex": self.create_index,
            "GetIndex": self.get_index,
            "DeleteIndex": self.delete_index,
            "ListIndexes": self.list_indexes,
            "UpdateIndexMode": self.update_mode,
            "UpdateMetadataConfiguration": self.update_metadata_configuration,
        }

    # Buckets

    def create_bucket(self, parameters: Parameters, region: str) -> Answer:
        name = names.new_bucket_name(parameters)
        arn = names.bucket_arn(region, name)
        settings = {"encryptionConfiguration": _encryption(parameters), "tags": _tags(parameters)}
        with self.catalogue.lock:
            stored = self.catalogue.get(arn)
            if stored is None:
                self.catalogue.save(Resource(arn, "", name, settings=settings))
            elif self.catalogue.adopt(arn):
                stored.settings |= settings
                self.catalogue.save(stored)
            else:
                raise conflict("A vector bucket with the specified name already exists")
        return {"vectorBucketArn": arn}

    def get_bucket(self, parameters: Parameters, region: str) -> Answer:
        bucket = self.bucket(parameters, region)
        return {
            "vectorBucket": {
                **_bucket_summary(bucket),
                "encryptionConfiguration": bucket.settings["encryptionConfiguration"],
                "defaultIndexMode": "ENHANCED",
            }
        }

    def delete_bucket(self, parameters: Parameters, region: str) -> Answer:
        with self.catalogue.lock:
            bucket = self.bucket(parameters, region)
            if self.catalogue.children(bucket.arn):
                raise conflict("The specified vector bucket is not empty")
            self.catalogue.delete(bucket)
        return {}

    def list_buckets(self, parameters: Parameters, region: str) -> Answer:
        here = [bucket for bucket in self.catalogue.children("") if names.region_of(bucket.arn) == region]
        return _listing(parameters, here, "vectorBuckets", _bucket_summary)

    def put_policy(self, parameters: Parameters, region: str) -> Answer:
        bucket = self.bucket(parameters, region)
        bucket.settings["policy"] = text(parameters, "policy", 1, 20 * 1024)
        self.catalogue.save(bucket)
        return {}

    def get_policy(self, parameters: Parameters, region: str) -> Answer:
        policy = self.bucket(parameters, region).settings.get("policy")
        if policy is None:
            raise not_found("The specified vector bucket policy could not be found")
        return {"policy": policy}

    def delete_policy(self, parameters: Parameters, region: str) -> Answer:
        bucket = self.bucket(parameters, region)
        bucket.settings.pop("policy", None)
        self.catalogue.save(bucket)
        return {}

    def put_default_mode(self, parameters: Parameters, region: str) -> Answer:
        self.bucket(parameters, region)
        _only_enhanced(parameters, "defaultIndexMode")
        return {}

    # Indexes

    def create_index(self, parameters: Parameters, region: str) -> Answer:
        name = names.new_index_name(parameters)
        shape = {
            "dataType": choice(parameters, "dataType", ("float32",)),
            "dimension": integer(parameters, "dimension", 1, LARGEST_DIMENSION),
            "distanceMetric": choice(parameters, "distanceMetric", ("euclidean", "cosine")),
            METADATA: _metadata_configuration(parameters),
        }
        with self.catalogue.lock:
            bucket = self.bucket(parameters, region)
            arn = f"{bucket.arn}/index/{name}"
            encryption = _encryption(parameters, default=bucket.settings["encryptionConfiguration"])
            settings = {**shape, "encryptionConfiguration": encryption, "tags": _tags(parameters)}
            searchable = configuration.read(structure(parameters, METADATA), METADATA, active=0)
            stored = self.catalogue.get(arn)
            if stored is None:
                self.catalogue.save(Resource(arn, bucket.arn, name, settings={**settings, "textSearch": searchable}))
            elif not _same_shape(stored.settings, shape):
                kept = ", ".join(f"{key} {stored.settings[key]}" for key in ("dimension", "distanceMetric", METADATA))
                raise conflict(f"An index with the specified name already exists, with other settings: {kept}")
            elif self.catalogue.adopt(arn):
                # The searchable keys may have changed since: they stay, and what is new in the request comes to them.
                searchable |= stored.settings.get("textSearch", {})
                stored.settings |= {**settings, "textSearch": searchable}
                self.catalogue.save(stored)
            else:
                raise conflict("An index with the specified name already exists")
        return {"indexArn": arn}

    def get_index(self, parameters: Parameters, region: str) -> Answer:
        index = self.index(parameters, region)
        kept = index.settings
        settings = {key: value for key, value in kept.items() if key not in {"tags", "textSearch"} and value}
        if kept.get("textSearch"):
            settings[METADATA] = {**kept[METADATA], configuration.MEMBER: configuration.shown(kept["textSearch"])}
        return {"index": {**self._index_summary(index), **settings, "indexMode": "ENHANCED"}}

    def delete_index(self, parameters: Parameters, region: str) -> Answer:
        with self.catalogue.lock:
            self.catalogue.delete(self.index(parameters, region))
        return {}

    def list_indexes(self, parameters: Parameters, region: str) -> Answer:
        bucket = self.bucket(parameters, region)
        return _listing(parameters, self.catalogue.children(bucket.arn), "indexes", self._index_summary)

    def update_mode(self, parameters: Parameters, region: str) -> Answer:
        self.index(parameters, region)
        _only_enhanced(parameters, "indexMode")
        return {}

    def update_metadata_configuration(self, parameters: Parameters, region: str) -> Answer:
        with self.catalogue.lock:
            index = self.index(parameters, region)
            before = index.settings.get("textSearch", {})
            after = configuration.updated(before, parameters, active=time.time() + self._backfill_seconds)
            index.settings["textSearch"] = after
            self.catalogue.save(index)
            vectors = self.catalogue.vectors(index)
        for key in before.keys() - after.keys():
            vectors.forget_text(key)
        if added := [(key, after[key]["language"]) for key in after.keys() - before.keys()]:
            threading.Thread(target=_backfill, args=(vectors, added), name="backfill", daemon=True).start()
        return {"indexArn": index.arn}

    # Tags

    def list_tags(self, arn: str) -> Answer:
        """ListTagsForResource."""
        return {"tags": self._tagged(arn).settings["tags"]}

    def tag(self, arn: str, parameters: Parameters) -> Answer:
        """TagResource."""
        with self.catalogue.lock:
            resource = self._tagged(arn)
            tags = {**resource.settings["tags"], **_tags(parameters)}
            if len(tags) > MOST_TAGS:
                raise invalid("tags", f"A resource has at most {MOST_TAGS} tags")
            resource.settings["tags"] = tags
            self.catalogue.save(resource)
        return {}

    def untag(self, arn: str, keys: list[str]) -> Answer:
        """UntagResource."""
        with self.catalogue.lock:
            resource = self._tagged(arn)
            resource.settings["tags"] = {
                key: value for key, value in resource.settings["tags"].items() if key not in keys
            }
            self.catalogue.save(resource)
        return {}

    # Finding

    def bucket(self, parameters: Parameters, region: str) -> Resource:
        """The bucket that a request names."""
        found = self.catalogue.get(names.bucket_of(parameters, region))
        if found is None:
            raise not_found("The specified vector bucket could not be found")
        return found

    def index(self, parameters: Parameters, region: str) -> Resource:
        """The index that a request names."""
        found = self.catalogue.get(names.index_of(parameters, region))
        if found is None:
            raise not_found("The specified index could not be found")
        return found

    def _tagged(self, arn: str) -> Resource:
        found = self.catalogue.get(arn)
        if found is None:
            raise not_found("The specified resource could not be found")
        return found

    def _index_summary(self, index: Resource) -> Answer:
        bucket = self.catalogue.get(index.parent)
        return {
            "vectorBucketName": bucket.name if bucket else "",
            "indexName": index.name,
            "indexArn": index.arn,
            "creationTime": index.created,
        }


def _bucket_summary(bucket: Resource) -> Answer:
    return {"vectorBucketName": bucket.name, "vectorBucketArn": bucket.arn, "creationTime": bucket.created}


def _listing(
    parameters: Parameters, resources: list[Resource], member: str, summarise: Callable[[Resource], Answer]
) -> Answer:
    most = integer(parameters, "maxResults", 1, 500, default=500)
    prefix = text(parameters, "prefix", 1, 63, default="")
    token = text(parameters, "nextToken", 1, 512, default="")
    after = decode_position(token) if token else ""
    matching = [resource for resource in resources if resource.name.startswith(prefix) and resource.name > after]
    page = {member: [summarise(resource) for resource in matching[:most]]}
    return {**page, "nextToken": encode_position(matching[most - 1].name)} if len(matching) > most else page


def _encryption(parameters: Parameters, *, default: Mapping[str, Any] | None = None) -> Answer:
    given = structure(parameters, "encryptionConfiguration")
    if not given:
        return dict(default or {"sseType": "AES256"})
    kind = choice(given, "sseType", ("AES256", "aws:kms"), default="AES256")
    if (kind == "aws:kms") != ("kmsKeyArn" in given):
        raise invalid("encryptionConfiguration", "kmsKeyArn is needed for the sseType aws:kms, and for it alone")
    return {"sseType": kind, "kmsKeyArn": text(given, "kmsKeyArn", 1, 2048)} if kind == "aws:kms" else {"sseType": kind}


def _metadata_configuration(parameters: Parameters) -> Answer:
    given = structure(parameters, METADATA)
    keys = items(given, "nonFilterableMetadataKeys", 0, MOST_NON_FILTERABLE_KEYS)
    for key in keys:
        if not isinstance(key, str) or not 1 <= len(key) <= 63:  # noqa: PLR2004 - the model's MetadataKey
            raise constraint(f"{METADATA}/nonFilterableMetadataKeys", "have length between 1 and 63, inclusive")
    if len(set(keys)) != len(keys):
        raise invalid(f"{METADATA}/nonFilterableMetadataKeys", "A non-filterable metadata key is given twice")
    return {"nonFilterableMetadataKeys": keys} if keys else {}


def _backfill(vectors: VectorIndex, added: Iterable[tuple[str, str | None]]) -> None:
    for key, language in added:
        vectors.make_searchable(key, language)


def _same_shape(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether an index's fixed settings are the same; the order of the non-filterable keys says nothing."""

    def comparable(settings: Mapping[str, Any]) -> list[Any]:
        keys = settings[METADATA].get("nonFilterableMetadataKeys", [])
        return [settings["dimension"], settings["distanceMetric"], sorted(keys)]

    return comparable(stored) == comparable(wanted)


def _tags(parameters: Parameters) -> dict[str, str]:
    tags = structure(parameters, "tags")
    if len(tags) > MOST_TAGS:
        raise invalid("tags", f"A resource has at most {MOST_TAGS} tags")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or not isinstance(value, str) or len(value) > 256:  # noqa: PLR2004 - TagKey, TagValue
            raise invalid("tags", f"The tag '{key}' must have 1 to 128 characters, its value at most 256")
    return tags


def _only_enhanced(parameters: Parameters, name: str) -> None:
    if choice(parameters, name, MODES) != "ENHANCED":
        raise invalid(name, "CLASSIC indexes exist in vector buckets created before 2026-09-30 only")
