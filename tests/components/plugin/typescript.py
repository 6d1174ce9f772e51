"""Reads the components that a TypeScript program makes, as far as the example's plain style goes."""

import re

from tests.components.plugin.checking import Expression

TOKEN = re.compile(
    r'\s+|//[^\n]*|(?P<string>"[^"]*")|(?P<template>`[^`]*`)|(?P<number>\d+(?:\.\d+)?)'
    r'|(?P<word>[A-Za-z_$][\w$]*(?:\.\w+|\["[^"]+"\]|\[\d+\])*)|(?P<mark>[{}\[\]:,])'
)
MADE = re.compile(r"(?:const (\w+) = )?new vectordb\.(\w+)\(\s*\"([^\"]+)\",\s*")


def components(source):
    """(Variable, component, name, inputs) of each `new vectordb.X("name", {…})`."""
    found = [(match, match[1]) for match in MADE.finditer(source)]
    outputs = {variable for _, variable in found if variable}
    for match, variable in found:
        yield variable, match[2], match[3], _value(_tokens(source, match.end()), outputs)


def references(source, variables):
    """(Variable, output) of each use of a component's output."""
    code = re.sub(r"//[^\n]*", "", source)
    return {(v, key) for v, key in re.findall(r"\b(\w+)\.(\w+)", code) if v in variables}


def _tokens(source, start):
    while match := TOKEN.match(source, start):
        start = match.end()
        if match.lastgroup:
            yield match.lastgroup, match[0]


def _value(tokens, outputs, first=None):
    kind, text = first or next(tokens)
    if text == "{":
        return dict(_members(tokens, outputs))
    if text == "[":
        return list(_items(tokens, outputs))
    if kind == "string":
        return text[1:-1]
    if kind == "number":
        return float(text) if "." in text else int(text)
    if text in ("true", "false"):
        return text == "true"
    used = set(re.findall(r"\$\{(\w+)\.", text)) if kind == "template" else {text.partition(".")[0]}
    return Expression(text, output=bool(used & outputs))


def _members(tokens, outputs):
    for kind, key in tokens:
        if key == "}":
            return
        if kind != "word":
            continue
        following = next(tokens)
        if following[1] == ":":
            yield key, _value(tokens, outputs)
        else:
            yield key, Expression(key, output=key in outputs)
            if following[1] == "}":
                return


def _items(tokens, outputs):
    for token in tokens:
        if token[1] == "]":
            return
        if token[1] != ",":
            yield _value(tokens, outputs, token)
