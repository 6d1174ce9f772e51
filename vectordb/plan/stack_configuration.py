"""A stack's configuration as the Pulumi CLI would hand it to the program: Pulumi.yaml and Pulumi.<stack>.yaml."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vectordb.errors import VectordbError


class _Loader(yaml.SafeLoader):
    """Leaves a moment the text that it is: the engine hands configuration over as JSON, which has no type for it."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute, a mapping of the class
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class StackConfiguration:
    """What a program run needs to know of its project and stack.

    Attributes:
        project: the project's name.
        stack: the stack's name.
        directory: the program's folder, absolute: the project's own, or the one that its `main` names.
        values: `namespace:key` → the value as the engine passes it, JSON text for lists and objects.
        secrets: the keys whose values are secret.
    """

    project: str
    stack: str
    directory: Path
    values: dict[str, str]
    secrets: frozenset[str]

    @property
    def region(self) -> str:
        """The AWS region, us-east-1 when the stack names none."""
        return self.values.get("aws:region", "us-east-1")


def read(directory: Path, stack: str) -> StackConfiguration:
    """Read the configuration of `stack` from the project in `directory`.

    Raises:
        VectordbError: no such project or stack, or a file that is not what Pulumi would accept.
    """
    directory = directory.resolve()
    project = _mapping(directory / "Pulumi.yaml", "This is not the folder of a Pulumi project.")
    name = str(project.get("name", directory.name))
    file = directory / f"Pulumi.{stack}.yaml"
    if not file.exists():
        raise _unknown_stack(directory, stack)
    values: dict[str, str] = {}
    secrets: set[str] = set()
    for declared, entry in (project.get("config") or {}).items():
        default = entry.get("value", entry.get("default")) if isinstance(entry, dict) else entry
        if default is not None:
            values[_qualified(name, declared)] = _wire(default)
    for key, value in (_mapping(file, "").get("config") or {}).items():
        qualified = _qualified(name, str(key))
        if isinstance(value, dict) and set(value) == {"secure"}:
            # Only the stack's own secrets provider can open it; a plan needs to know just that it is there.
            secrets.add(qualified)
            values[qualified] = "[secret]"
        else:
            values[qualified] = _wire(value)
    return StackConfiguration(name, stack, program(directory), values, frozenset(secrets))


def stacks(directory: Path) -> list[str]:
    """The names of the stacks that have a configuration file in `directory`."""
    return sorted(file.name[len("Pulumi.") : -len(".yaml")] for file in directory.glob("Pulumi.*.yaml"))


def program(directory: Path) -> Path:
    """Where the program of the project in `directory` is, and so where the CLI runs it (Pulumi's project file, `main`).

    Raises:
        VectordbError: there is no project, its language is another, or there is no program where it says.
    """
    project = _mapping(directory / "Pulumi.yaml", "This is not the folder of a Pulumi project.")
    runtime = project.get("runtime", "python")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language != "python":
        raise VectordbError(
            f"{directory / 'Pulumi.yaml'}: the program's runtime is {language}; vectordb runs Python programs.",
            remedy="`pulumi preview --policy-pack PATH/policy --policy-pack-config PATH/policy/config.dev.json` holds it against the same policies.",
        )
    main = (directory / str(project.get("main", "."))).resolve()
    folder = main.parent if main.is_file() else main
    if "main" in project and not (folder / "__main__.py").exists():
        raise VectordbError(f"{directory / 'Pulumi.yaml'}: there is no Python program in {folder}.")
    return folder


def _unknown_stack(directory: Path, stack: str) -> VectordbError:
    known = stacks(directory)
    nearest = difflib.get_close_matches(stack, known, n=1)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    return VectordbError(
        f"There is no stack {stack!r}: {directory / f'Pulumi.{stack}.yaml'} does not exist.",
        remedy=f"{hint}Stacks here: {', '.join(known) or 'none'}. Choose one with --stack.",
    )


def _mapping(file: Path, otherwise: str) -> dict[str, Any]:
    try:
        loaded = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a kind of the safe loader
    except FileNotFoundError:
        raise VectordbError(f"{file} does not exist. {otherwise}".strip()) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VectordbError(f"{file} is not valid YAML: {error}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise VectordbError(f"{file} must hold a mapping, not a {type(loaded).__name__}.")
    return loaded


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _wire(value: Any) -> str:
    """The engine passes every value as a string: booleans as true/false, lists and objects as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
