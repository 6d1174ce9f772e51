"""What all components share: children that belong to their component, and tags on everything that can carry them."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi


class Component(pulumi.ComponentResource):
    """A part of the system. Its children are made with `self._child` and are tagged without asking for it.

    A tag is set with the resource and not by the provider's default tags, so that a plan shows it and the program
    behaves the same in another project. Every resource has `Name`, `Project` and `Stack`; the component's argument
    `tags` adds to them and wins.
    """

    def __init__(self, token: str, name: str, args: Any, opts: pulumi.ResourceOptions | None) -> None:
        """Register the component.

        Args:
            token: the last part of its type, the class's own name.
            name: the component's name, and the beginning of its children's.
            args: its arguments, a TypedDict.
            opts: the caller's options.
        """
        given = cast("Mapping[str, Any]", args)
        transform = pulumi.ResourceOptions(transformations=[_tagging(given.get("tags") or {})])
        super().__init__(f"vectordb:index:{token}", name, dict(given), pulumi.ResourceOptions.merge(opts, transform))
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)


def _tagging(tags: Mapping[str, Any]) -> pulumi.ResourceTransformation:
    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        # The provider's classes have a property `tags` where AWS has tags.
        if not isinstance(args.resource, pulumi.CustomResource) or not hasattr(type(args.resource), "tags"):
            return None
        own = cast("Mapping[str, Any]", args.props.get("tags") or {})
        everywhere = {"Name": args.name, "Project": pulumi.get_project(), "Stack": pulumi.get_stack()}
        return pulumi.ResourceTransformationResult({**args.props, "tags": {**everywhere, **own, **tags}}, args.opts)

    return transform
