"""Vectors in base64, in the service's JSON and in the answer's text: no number changes on the way."""

import base64
import json
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
from protocol import BridgeError
from tests.bridge_support import packed, unpacked

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
any_bits = st.binary(min_size=0, max_size=64)


@settings(max_examples=60, derandomize=True, database=None)
@given(st.lists(finite, min_size=1, max_size=32))
def test_every_32_bit_float_comes_to_the_service_exactly(numbers):
    text = floats.text(floats.decoded(packed(numbers), "v"))
    sent = json.loads(f"[{text}]")
    # As the service stores them; JSON's -0 is the integer 0.
    assert list(struct.unpack(f"{len(numbers)}f", struct.pack(f"{len(numbers)}f", *sent))) == numbers


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.5, "0.5"),
        (0.0, "0"),
        (-0.0, "-0"),
        (0.1, "0.100000001"),
        (1e-45, "1.40129846e-45"),
        (3.4028234663852886e38, "3.40282347e+38"),
    ],
)
def test_numbers_are_written_with_nine_digits_at_most(number, text):
    assert floats.text(floats.decoded(packed([number]), "v")) == text


@settings(max_examples=60, derandomize=True, database=None)
@given(any_bits)
def test_any_bytes_are_a_vector_or_refused(data):
    text = base64.b64encode(data).decode()
    numbers = struct.unpack(f">{len(data) // 4}f", data[: len(data) // 4 * 4])
    if data and len(data) % 4 == 0 and all(map(math.isfinite, numbers)):
        decoded = floats.decoded(text, "v")
        assert (tuple(decoded), floats.encoded(decoded)) == (numbers, text)
    else:
        with pytest.raises(BridgeError, match="InvalidRequest"):
            floats.decoded(text, "v")


@pytest.mark.parametrize("dimension", [1, 2, 3, 1024, 4095, 4096])
def test_every_dimension_is_read(dimension):
    numbers = [float(n) for n in range(dimension)]
    assert unpacked(floats.encoded(floats.decoded(packed(numbers), "v"))) == numbers


def test_the_largest_numbers_are_finite_together():
    assert len(floats.decoded(packed([3.4028234663852886e38] * 4096), "v")) == 4096


def test_the_service_s_numbers_pass_as_they_are():
    body = (
        b'{"vectors":[{"key":"a","data":{"float32":[0.1,-2.5e-05,1E3, 7]}},\n {"data" : {"float32" : [1]}, "key":"b"}]}'
    )
    assert json.loads(floats.as_text(body)) == {
        "vectors": [{"key": "a", "data": "0.1,-2.5e-05,1E3, 7"}, {"key": "b", "data": "1"}]
    }


def test_line_breaks_between_numbers_are_no_control_characters_in_the_text():
    body = b'{"vectors":[{"key":"a","data":{\r\n"float32":[\n0.1,\n\t2]}}]}'
    assert json.loads(floats.as_text(body))["vectors"][0]["data"] == "0.1,2"


LIKE_DATA = [
    '"data":{"float32":[1,2]}',
    'x"data":{"float32":[1]}',
    '\\"data\\":{\\"float32\\":[1]}',
    'data":{"float32":[1]}',
]


@pytest.mark.parametrize("text", LIKE_DATA)
def test_metadata_that_looks_like_data_stays_what_it_is(text):
    """A tenant's text must not become numbers, whatever it spells."""
    document = {
        "vectors": [{"key": text, "data": {"float32": [0.5]}, "metadata": {text: text, "list": [text], "data": [1, 2]}}]
    }
    for separators in ((",", ":"), (", ", ": ")):
        body = json.dumps(document, separators=separators).encode()
        vector = json.loads(floats.as_text(body))["vectors"][0]
        assert vector == {"key": text, "data": "0.5", "metadata": document["vectors"][0]["metadata"]}


@settings(max_examples=60, derandomize=True, database=None)
@given(
    key=st.text(),
    metadata=st.dictionaries(
        st.text(), st.text() | st.lists(st.text() | st.floats(allow_nan=False, allow_infinity=False))
    ),
)
def test_only_data_is_rewritten(key, metadata):
    document = {"vectors": [{"key": key, "metadata": metadata, "data": {"float32": [1.5, -2.0]}}]}
    for escaped in (True, False):
        body = json.dumps(document, ensure_ascii=escaped).encode(errors="surrogatepass")
        vector = json.loads(floats.as_text(body))["vectors"][0]
        assert (vector["key"], vector["metadata"], vector["data"]) == (key, metadata, "1.5, -2.0")


@pytest.mark.parametrize("numbers", ['1,"2"', "1,[2]", "NaN", "1,x", "null"])
def test_what_is_no_list_of_numbers_stays_and_is_refused_later(numbers):
    body = f'{{"data":{{"float32":[{numbers}]}}}}'.encode()
    assert floats.as_text(body) == body


def test_a_nested_name_that_ends_in_data_stays_an_object():
    body = json.dumps({'x"data': {"float32": [1]}}, separators=(",", ":")).encode()
    assert floats.as_text(body) == body
