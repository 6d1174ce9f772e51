"""Values of a program's text against the schema: names, types, what is missing, what may not be looked up."""

SCALARS = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}


class Expression(str):
    """What a program computes: an output of a resource, or (`output` false) a value that it has awaited."""

    __slots__ = ("output",)

    def __new__(cls, text, *, output):
        made = super().__new__(cls, text)
        made.output = output
        return made


def mismatches(given, properties, required, schema, path=""):
    """What is wrong with a mapping of inputs, each as `path: sentence`."""
    for name in required:
        if name not in given:
            yield f"{path}{name}: is missing"
    for name, value in given.items():
        if name not in properties:
            yield f"{path}{name}: there is no such input"
        else:
            yield from _mismatches(value, properties[name], schema, f"{path}{name}")


def _mismatches(value, definition, schema, path):
    if isinstance(value, Expression) or (isinstance(value, str) and value.startswith("${")):
        if definition.get("plain") and getattr(value, "output", True):
            yield f"{path}: has to be known, and {value} is an output"
    elif reference := definition.get("$ref"):
        kind = schema["types"][reference.removeprefix("#/types/")]
        yield from mismatches(value, kind["properties"], kind.get("required", []), schema, f"{path}.")
    elif inner := definition.get("items") or definition.get("additionalProperties"):
        kind = list if definition.get("items") else dict
        if not isinstance(value, kind):
            yield f"{path}: is no {'list' if kind is list else 'mapping'}"
            return
        inner = {**inner, "plain": inner.get("plain") and definition.get("plain")}
        for key, item in value.items() if kind is dict else enumerate(value):
            yield from _mismatches(item, inner, schema, f"{path}.{key}" if kind is dict else f"{path}[{key}]")
    elif type(value) not in SCALARS[definition["type"]]:
        yield f"{path}: is {value!r}, not of the type {definition['type']}"
