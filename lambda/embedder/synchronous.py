"""Vectors while the caller waits: the delivery mode sync_lambda, and the vector of a question. Needs no database.

Request:  {"embed": [{"key": text, "content": text or null, "fields": {column: text}}, ...], "purpose": "document" | "query",
           "config": as embed.available gives it}
Answer:   {"ok": true, "model", "dimension", "tokens": number or null, "results": [
              {"key", "chunks": [{"hash", "text", "embedding": "[0.1,...]"}]}  or  {"key", "error": {"class", "code", "message"}}]}
Refusal:  {"ok": false, "error": {"class", "code", "message"}}: nothing was embedded.

A question is one text as it is: neither cut nor put into the template, which is for documents.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from embedder import rows, settings
from embedder.chunking import Plan
from embedder.errors import CallError, Kind, SettingsError
from embedder.packing import Packer
from embedder.providers.provider import Purpose
from embedder.rows import Piece, Recipe, Row, UnfitError, written
from embedder.search import Search
from embedder.stopping import Stopping
from embedder.template import read as read_template
from embedder.transport import Ask

MOST_ROWS = 1000
MOST_ANSWER_BYTES = 5_500_000
"""Lambda allows 6,291,556 bytes for a synchronous answer; what goes around the vectors has the rest."""


def answer(event: Mapping[str, Any], ask: Ask, stopping: Stopping) -> dict[str, Any]:
    """Never raises for what the caller or the model did."""
    try:
        return _answered(event, ask, stopping)
    except SettingsError as error:
        return _refusal(CallError(Kind.CONFIGURATION, "InvalidRequest", str(error)))
    except CallError as error:
        return _refusal(error)


def _answered(event: Mapping[str, Any], ask: Ask, stopping: Stopping) -> dict[str, Any]:
    documents = event.get("embed")
    config = settings.checked(event.get("config"))
    if not isinstance(documents, list) or not 1 <= len(documents) <= MOST_ROWS:
        raise SettingsError(f"embed must be an array of 1 to {MOST_ROWS} documents")
    try:
        purpose = Purpose(event.get("purpose", "document"))
    except (ValueError, TypeError):
        raise SettingsError("purpose must be document or query") from None
    provider = settings.provider(config)
    recipe = rows.recipe(provider, config)
    if purpose is Purpose.QUERY:
        recipe = Recipe(provider, Plan(), read_template(None), recipe.normalise)
    found = [_row(document) for document in documents]
    errors: dict[str, CallError] = {}
    for row, document in zip(found, documents, strict=True):
        try:
            row.pieces = recipe.pieces(row, document.get("content"), document.get("fields"))
        except UnfitError as error:
            errors[row.key] = CallError(Kind.POISON, "Unfit", str(error))
    if 12 * provider.dimension * sum(len(row.pieces) for row in found) > MOST_ANSWER_BYTES:
        raise SettingsError("the answer would be larger than Lambda lets through; send fewer documents")
    tokens = _embedded(found, errors, _Asking(recipe, purpose, ask, stopping))
    return {
        "ok": True,
        "model": provider.model,
        "dimension": provider.dimension,
        "tokens": tokens,
        "results": [_result(row, errors.get(row.key)) for row in found],
    }


def _row(document: Any) -> Row:
    if not isinstance(document, dict):
        raise SettingsError("each document must be an object of key, content and fields")
    content, fields = document.get("content"), document.get("fields")
    if not isinstance(content, str | None) or not isinstance(fields, dict | None):
        raise SettingsError("content must be a string or null, and fields an object")
    if not all(isinstance(value, str | None) for value in (fields or {}).values()):
        raise SettingsError("each of fields must be a string or null")
    # What is no text of Unicode would break the answer.
    key = str(document.get("key", "")).encode("utf-8", "replace").decode()
    return Row(key, 0, "u", 0, 0)


def _embedded(found: Sequence[Row], errors: dict[str, CallError], asking: "_Asking") -> int | None:
    packer = Packer(asking.recipe.provider.limits)
    packer.add(piece for row in found for piece in row.pieces)
    tokens: int | None = None
    while pieces := packer.take():
        try:
            counted = asking.call(pieces)
        except CallError as error:
            if error.kind is not Kind.POISON:
                raise
            _searched(pieces, errors, asking)
            continue
        tokens = counted if tokens is None else tokens + (counted or 0)
    return tokens


class _Asking(NamedTuple):
    """How pieces are asked for."""

    recipe: Recipe
    purpose: Purpose
    ask: Ask
    stopping: Stopping

    def call(self, pieces: Sequence[Piece]) -> int | None:
        """Give each piece its vector; the tokens counted. Raises CallError."""
        if self.stopping.asked():
            raise CallError(Kind.TRANSIENT, "DeadlineExceeded", "the function's time ran out")
        answer = self.ask(self.recipe.provider, [piece.text for piece in pieces], self.purpose)
        for piece, vector in zip(pieces, self.recipe.vectors(answer), strict=True):
            piece.vector = vector
        return answer.tokens

    def refused(self, pieces: Sequence[Piece]) -> CallError | None:
        """The refusal of a call because of its texts, or None. Raises CallError for any other reason."""
        try:
            self.call(pieces)
        except CallError as error:
            if error.kind is Kind.POISON:
                return error
            raise
        return None


def _searched(pieces: list[Piece], errors: dict[str, CallError], asking: _Asking) -> None:
    """Vectors for all pieces of a refused call but those that are refused alone."""
    while pieces:
        search = Search(pieces)
        while asked := search.next():
            error = asking.refused(asked)
            if error is None:
                search.answered()
                continue
            search.refused()
            if search.found is not None:
                errors[search.found.row.key] = error
        rest = [piece for piece in search.rest() if piece.vector is None]
        pieces = rest if rest and asking.refused(rest) else []


def _result(row: Row, error: CallError | None) -> dict[str, Any]:
    if error is not None:
        return {"key": row.key, "error": _told(error)}
    chunks = [{"hash": piece.hash, "text": piece.chunk, "embedding": written(piece.vector)} for piece in row.pieces]
    return {"key": row.key, "chunks": chunks}


def _refusal(error: CallError) -> dict[str, Any]:
    return {"ok": False, "error": _told(error)}


def _told(error: CallError) -> dict[str, Any]:
    return {"class": error.kind.value, "code": error.code, "message": str(error).partition(": ")[2]}
