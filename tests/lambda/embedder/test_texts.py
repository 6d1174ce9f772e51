"""Templates, hashes, a row's chunks, and the form that the database takes vectors in."""

import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder import hashing, providers, rows, template
from embedder.errors import SettingsError
from embedder.providers.titan_text_v2 import LIMITS
from embedder.rows import Row, UnfitError


def test_names_braces_and_dollars():
    made = template.read("$title (${first name}) costs $$5: $chunk")
    assert made.columns == {"title", "first name"}
    assert made.render("It", {"title": "T $chunk", "first name": None}) == "T $chunk () costs $5: It"
    assert template.read(None).render("x $chunk", {}) == "x $chunk"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("$title", "the template must hold $chunk"),
        ("$chunk for 5 $", "the template has a $ that begins no name; write $$ for the sign itself"),
    ],
)
def test_templates_that_are_refused(source, said):
    with pytest.raises(SettingsError) as raised:
        template.read(source)
    assert str(raised.value) == said


def test_a_column_that_is_not_there_is_the_configurations_fault():
    with pytest.raises(SettingsError, match="the template needs the column 'title'"):
        template.read("$title: $chunk").render("x", {})


def test_the_hash_is_of_model_dimension_template_and_text():
    base = ("m", 4, "$chunk", "text")
    # The same bytes for ever: stored hashes are compared with it.
    assert hashing.of_chunk(*base) == "9ddb88f171cdcfffb7c591700d48f917876135ec45b8c4943a2c9393d3b0a98a"
    others = [
        ("n", 4, "$chunk", "text"),
        ("m", 5, "$chunk", "text"),
        ("m", 4, "$chunk ", "text"),
        ("m", 4, "$chunk", "texu"),
    ]
    assert len({hashing.of_chunk(*each) for each in [base, *others]}) == 5
    assert hashing.of_chunk("a", 1, "b", "cd") != hashing.of_chunk("a", 1, "bc", "d")
    assert hashing.of_chunk(*base) == hashing.of_chunk(*base)
    assert len(hashing.of_chunk(*base)) == 64


def recipe(chunking=None, source=None, model="cohere.embed-english-v3"):
    return rows.recipe(providers.found(model, None), {"chunking": chunking, "template": source})


def row():
    return Row("[1]", 1, "u", 1, 0)


def test_a_rows_chunks_fit_with_their_template():
    made = recipe({"method": "recursive", "size": 100_000}, "$title: $chunk")
    pieces = made.pieces(row(), "word " * 3000, {"title": "title " * 100})
    assert len(pieces) > 10
    assert max(len(piece.text) for piece in pieces) <= 2048
    assert all(piece.text == "title " * 100 + ": " + piece.chunk for piece in pieces)
    assert "".join(piece.chunk for piece in pieces) == "word " * 3000


def test_blank_chunks_are_left_out_and_nothing_is_nothing():
    made = recipe({"method": "fixed", "size": 20})
    assert [piece.chunk for piece in made.pieces(row(), "a" * 20 + " " * 20 + "b", None)] == ["a" * 20, "b"]
    assert made.pieces(row(), None, None) == []


@pytest.mark.parametrize(
    ("content", "fields", "said"),
    [
        ("\u2003\u00a0", {"title": ""}, "the content has no visible character"),
        ("text", {"title": "T" * 2040}, "the template's columns leave no room for a chunk within the model's limits"),
        ("x " * 5000, {"title": ""}, "the content is longer than the model takes; choose a chunking other than none"),
    ],
)
def test_rows_that_no_call_can_embed(content, fields, said):
    with pytest.raises(UnfitError) as raised:
        recipe(None, "$title$chunk").pieces(row(), content, fields)
    assert str(raised.value) == said


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_the_text_of_a_vector_gives_back_each_float(numbers):
    text = rows.written(array("f", numbers))
    read = [struct.unpack("f", struct.pack("f", float(part)))[0] for part in text[1:-1].split(",")]
    assert read == numbers
    assert (text[0], text[-1]) == ("[", "]")


def test_room_is_shared_between_several_chunks_of_a_template():
    room = template.read("$chunk and again $chunk").room(LIMITS, {})
    assert room.characters == (50_000 - len(" and again ")) // 2


def test_vectors_are_given_length_one_when_that_is_wanted():
    provider = providers.found("e5", 2, {"provider": "http", "url": "https://m/"}, ["https://m"])
    answer = provider.answer(b'{"data": [{"embedding": [3, 4]}, {"embedding": [1, 0]}]}', 2)
    wanted = rows.recipe(provider, {"embedding": {"normalize": True}})
    assert [list(vector) for vector in wanted.vectors(answer)] == [pytest.approx([0.6, 0.8]), [1, 0]]
    assert [list(vector) for vector in rows.recipe(provider, {}).vectors(answer)] == [[3, 4], [1, 0]]
