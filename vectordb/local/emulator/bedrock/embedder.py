"""Text to vectors, from the token vectors and the tokenizer in wordllama's wheel.

wordllama itself is not imported: that takes half a second, and its loader looks for the tokenizer on the network. The mean
of the token vectors is all that its inference does.
"""

import importlib.util
import json
import os
import struct
import threading
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

NATIVE_DIMENSION = 256
_TENSOR = "embedding.weight"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


class Embedder:
    """The model; its files are read at the first use or by `load`. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read the files now."""
        with self._lock:
            _ = self._vectors, self._tokenizer

    def tokens(self, text: str) -> list[int]:
        """The text's tokens."""
        ids: list[int] = self._ready_tokenizer().encode(text, add_special_tokens=False).ids
        return ids

    def embed(self, tokens: list[int], dimension: int = NATIVE_DIMENSION, *, normalize: bool = True) -> Vector:
        """The mean of the tokens' vectors, carried to `dimension`; shape (dimension,).

        Args:
            tokens: from `tokens`; a text without any counts as the unknown token.
            dimension: a multiple of 256.
            normalize: to length 1.
        """
        vector: Vector = self._vectors[tokens or [0]].mean(axis=0)
        if normalize:
            vector /= np.linalg.norm(vector)
        return carry(vector, dimension)

    def _ready_tokenizer(self) -> Any:
        if "_tokenizer" not in self.__dict__:
            self.load()
        return self._tokenizer

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """Shape (32000, 256)."""
        return read_tensor(_package() / _WEIGHTS, _TENSOR).astype(np.float32)

    @cached_property
    def _tokenizer(self) -> Any:
        # One text at a time: its own threads would only warn about forks.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(_package() / _TOKENIZER))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def _package() -> Path:
    specification = importlib.util.find_spec("wordllama")
    if specification is None or not specification.submodule_search_locations:
        raise ModuleNotFoundError("wordllama is not installed: pip install 'vectordb[local]'")
    return Path(specification.submodule_search_locations[0])


def read_tensor(path: Path, name: str) -> NDArray[np.float16]:
    """One float16 tensor of a safetensors file: eight bytes of length, a JSON header, the data."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        described = json.loads(file.read(length))[name]
        start, end = described["data_offsets"]
        file.seek(8 + length + start)
        data = file.read(end - start)
    if described["dtype"] != "F16":
        raise ValueError(f"{path} holds {name} as {described['dtype']}; F16 is expected")
    return np.frombuffer(data, dtype="<f2").reshape(described["shape"])


def carry(vector: Vector, dimension: int) -> Vector:
    """Carry a vector of 256 to `dimension` by an orthonormal map: lengths and cosines stay as they are.

    At 256 it is the identity. At k times 256 it is k copies over the square root of k, each but the first with its
    entries in another order and some signs changed: exact on every machine, unlike a factorised random matrix.
    """
    if dimension == NATIVE_DIMENSION:
        return vector
    order, factor = _map(dimension)
    return vector[order] * factor


@lru_cache
def _map(dimension: int) -> tuple[NDArray[np.intp], Vector]:
    copies, rest = divmod(dimension, NATIVE_DIMENSION)
    if rest:
        raise ValueError(f"dimension must be a multiple of {NATIVE_DIMENSION}, not {dimension}")
    position = np.arange(NATIVE_DIMENSION)
    # An odd factor permutes the numbers below a power of two; a row of Walsh's matrix gives the signs.
    orders = [(position * (1 + 38 * copy) + 101 * copy) % NATIVE_DIMENSION for copy in range(copies)]
    signs = [np.where([(int(p) & (37 * copy)).bit_count() % 2 for p in position], -1.0, 1.0) for copy in range(copies)]
    factor = np.concatenate(signs) / np.sqrt(copies)
    return np.concatenate(orders).astype(np.intp), factor.astype(np.float32)
