"""The function that the queue calls: one request to the model for each message, one call of the database for each vector."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

_DEFAULT_RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=50)
"""Those of the SDK for JavaScript, version 3, which the sample's functions use as they are."""


class Consumer:
    """The handler and what it keeps from one event to the next.

    Args:
        endpoint: of Amazon Bedrock's runtime.
        region: its region.
        save: writes one vector, in pgvector's text form, to the row of an id.
    """

    def __init__(self, endpoint: str, region: str, save: Callable[[int, str], None]) -> None:
        self._bedrock = boto3.client(
            "bedrock-runtime",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id="LOCAL",
            aws_secret_access_key="local",  # noqa: S106 - what the stand-in takes
            config=_DEFAULT_RETRIES,
        )
        self._save = save
        self.model = ""

    def handle(self, event: dict[str, Any]) -> None:
        """All records of a batch beside each other. One that fails fails the batch, as nothing else is reported."""
        records = event["Records"]
        with ThreadPoolExecutor(len(records)) as executor:
            futures = [executor.submit(self._process, json.loads(record["body"])) for record in records]
        for future in futures:
            future.result()

    def _process(self, message: dict[str, Any]) -> None:
        text = message["inputText"]
        one_text = "titan" in self.model
        body: dict[str, Any] = (
            {"inputText": text, "dimensions": 256}
            if one_text
            else {"texts": [text], "input_type": "search_document", "output_dimension": 256}
        )
        answer = json.loads(self._bedrock.invoke_model(modelId=self.model, body=json.dumps(body))["body"].read())
        vector = answer["embedding"] if one_text else answer["embeddings"]["float"][0]
        self._save(message["documentId"], "[" + ",".join(map(str, vector)) + "]")
