"""Texts, plans and limits of every kind, to cut the ones by the others."""

from hypothesis import strategies as st

from embedder.chunking import Plan
from embedder.limits import Limits

WIDE = Limits(texts=96, characters=50_000, tokens=8_192, bytes=200_000, call_tokens=8_192, call_bytes=4_000_000)
ALPHABET = "ab cde. \n\n#`-é\u0301中文。!?🇩🇪🇫🇷👩\u200d👩\u200d👧👍🏽\r\n각\u1100\u1161\u11a8"
TEXTS = st.one_of(st.text(alphabet=ALPHABET, max_size=600), st.text(max_size=300))
PLANS = st.builds(
    lambda method, size, share, unit: Plan(method, size, size * share // 4, unit),
    st.sampled_from(["fixed", "recursive", "sentence", "markdown"]),
    st.integers(20, 200),
    st.integers(0, 2),
    st.sampled_from(["characters", "tokens"]),
)
LIMITS = st.builds(
    lambda characters, tokens, octets: Limits(1, characters, tokens, octets, tokens, octets),
    st.integers(20, 300),
    st.integers(20, 300),
    st.integers(80, 600),
)
