"""The step that makes metadata keys of indexes searchable by words.

Creates: command:local:Command. No provider can do it (neither the AWS provider nor CloudFormation has a property for it), so
the step calls Amazon S3 Vectors itself, through `vectordb indexes apply`. It runs at `pulumi up` when the keys or an index
changed, never in a preview, and can be run again at any time.

It adds what is missing and takes away what it added itself before: Pulumi hands it its own last output. What somebody else
configured stays. It has no `delete`: what is configured belongs to the indexes, and goes with them.
"""

import hashlib
import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_command as command

from components.component import Component


class FullTextKeyArgs(TypedDict):
    """A metadata key that can be searched by words."""

    key: str
    """The key."""
    language: NotRequired[str]
    """en, fr, es, pt, it, de, nl, zh, ja or ko. Default: S3 Vectors' standard analyzer, for any language."""


class TextSearchIndexArgs(TypedDict):
    """An index with such keys."""

    arn: pulumi.Input[str]
    """Its ARN."""
    keys: list[FullTextKeyArgs]
    """Its keys: up to 10."""
    created: NotRequired[pulumi.Input[str]]
    """When it was made: an index made anew under the same ARN gets its keys again."""


class TextSearchArgs(TypedDict):
    region: pulumi.Input[str]
    """The region of the indexes."""
    indexes: list[TextSearchIndexArgs]
    """The indexes."""
    python: NotRequired[str]
    """A Python that has this project's packages, relative to `directory`. Default .venv/bin/python."""
    directory: NotRequired[str]
    """The checkout that holds the package vectordb, relative to the program. Default the program's folder."""
    tags: NotRequired[dict[str, str]]
    """Accepted as everywhere; the step has nothing to carry them."""


class TextSearch(Component):
    """Configures full-text search on indexes of S3 Vectors, through `vectordb indexes apply`."""

    applied: pulumi.Output[str]
    """What the last run found and did, as JSON."""

    def __init__(self, name: str, args: TextSearchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("TextSearch", name, args, opts)
        wanted: list[dict[str, Any]] = [
            {
                "arn": index["arn"],
                "keys": described_keys(index["keys"]),
                **({"created": index["created"]} if "created" in index else {}),
            }
            for index in args["indexes"]
        ]
        step = command.local.Command(
            f"{name}-apply",
            create=f"{interpreter(args.get('python'))} -m vectordb indexes apply",
            dir=args.get("directory", "."),
            environment={
                "VECTORDB_REGION": args["region"],
                "VECTORDB_TEXT_SEARCH": pulumi.Output.from_input(wanted).apply(json.dumps),
                "VECTORDB_TEXT_SEARCH_SHA256": fingerprint(
                    [described_keys(index["keys"]) for index in args["indexes"]]
                ),
            },
            # Of its own output it learns which keys it may take away.
            add_previous_output_in_env=True,
            opts=self._child,
        )
        self.applied = step.stdout
        self.register_outputs({"applied": self.applied})


def described_keys(keys: list[FullTextKeyArgs]) -> list[dict[str, str]]:
    """Keys as the steps are told of them; a language only where one was chosen."""
    return [
        {"key": one["key"], **({"language": language} if (language := one.get("language")) else {})} for one in keys
    ]


def fingerprint(declared: list[Any]) -> str:
    """SHA-256 of what is declared, without what AWS gives.

    A step's environment holds ARNs in the same text, which are unknown until they exist, and so is all of the text: by this a plan
    sees that the step will run.
    """
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()


def interpreter(python: str | None) -> str:
    """The beginning of a step's command: a Python that has the project's packages.

    `exec`: the shell's place is taken, so that Ctrl-C ends the work itself and not just the shell.
    """
    return f'exec "${{VECTORDB_PYTHON:-{python or ".venv/bin/python"}}}"'
