"""The TypeScript module that stands for the one which `pulumi package add` generates: the same names, types and arguments.

As pulumi/pulumi's generator types them (pkg/codegen/nodejs): a plain property takes a value, any other also an output; an
optional one has a question mark; outputs are `pulumi.Output`.
"""

SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


def module(schema):
    """A module that makes remote components, for the compiler and for Node.js."""
    lines = ['import * as pulumi from "@pulumi/pulumi";']
    for token, definition in schema["types"].items():
        lines.append(_interface(_name(token), definition["properties"], definition.get("required", [])))
    for token, resource in schema["resources"].items():
        name = _name(token)
        lines.append(_interface(f"{name}Args", resource["inputProperties"], resource["requiredInputs"]))
        outputs = {key: _output(definition) for key, definition in resource["properties"].items()}
        declared = "".join(f"    declare readonly {key}: pulumi.Output<{kind}>;\n" for key, kind in outputs.items())
        unknown = ", ".join(f"{key}: undefined" for key in outputs)
        lines.append(
            f"export class {name} extends pulumi.ComponentResource {{\n{declared}"
            f"    constructor(name: string, args: {name}Args, opts?: pulumi.ComponentResourceOptions) {{\n"
            f'        super("{token}", name, Object.assign({{ {unknown} }}, args), opts, true);\n    }}\n}}'
        )
    return "\n".join(lines) + "\n"


def _interface(name, properties, required):
    members = "".join(
        f"    {key}{'' if key in required else '?'}: {_input(definition)};\n" for key, definition in properties.items()
    )
    return f"export interface {name} {{\n{members}}}"


def _input(definition):
    if inner := definition.get("items"):
        kind = f"({_input(inner)})[]"
    elif inner := definition.get("additionalProperties"):
        kind = f"{{ [key: string]: {_input(inner)} }}"
    else:
        kind = SCALARS.get(definition.get("type")) or _name(definition["$ref"])
    return kind if definition.get("plain") else f"pulumi.Input<{kind}>"


def _output(definition):
    if inner := definition.get("items"):
        return f"({_output(inner)})[]"
    if inner := definition.get("additionalProperties"):
        return f"{{ [key: string]: {_output(inner)} }}"
    return SCALARS[definition["type"]]


def _name(token):
    return token.rpartition(":")[2]
