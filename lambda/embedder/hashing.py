"""What a chunk's vector depends on, in 64 hexadecimal digits: a vector with the same hash need not be made again."""

import hashlib

_VERSION = b"1"


def of_chunk(model: str, dimension: int, template: str, text: str, metadata: str = "") -> str:
    """SHA-256 over model, dimension, template and the text as it is sent, each with its length before it; and over what goes
    with the vector, if anything does.

    The lengths keep two different divisions of the same characters apart.
    """
    digest = hashlib.sha256(_VERSION)
    for part in (model, str(dimension), template, text, *([metadata] if metadata else [])):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()
