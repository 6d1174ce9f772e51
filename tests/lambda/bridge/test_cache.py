"""Answers that are kept: off by default, bounded in bytes and time, the least recently used first out."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import cache

KEY = ("arn", 7, b"vector")


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(cache.time, "time", lambda: now[0])
    return now


def entry_bytes(count, value=100):
    return count * (value + cache._ENTRY_BYTES)


def test_nothing_is_kept_unless_asked_for(monkeypatch):
    monkeypatch.delenv(cache.SECONDS_VARIABLE, raising=False)
    assert cache.enabled() is False
    cache.put(KEY, b"value", 5)
    assert cache.get(KEY) is None
    for text in ("0", "-5", "soon", "inf", "nan", ""):
        monkeypatch.setenv(cache.SECONDS_VARIABLE, text)
        assert cache.enabled() is False, text


def test_what_is_kept_is_found_for_so_long_and_no_longer(monkeypatch, clock):
    monkeypatch.setenv(cache.SECONDS_VARIABLE, "30.5")
    cache.put(KEY, b"value", 5)
    assert cache.enabled() is True
    clock[0] += 30.4
    assert cache.get(KEY) == b"value"
    assert cache.get(("arn", 8, b"vector")) is None
    clock[0] += 0.1
    assert cache.get(KEY) is None
    cache.put(KEY, b"new", 5)
    assert cache.get(KEY) == b"new"
    clock[0] -= 100  # a clock that was put right
    assert cache.get(KEY) is None


def test_a_change_of_the_variables_starts_anew(monkeypatch):
    monkeypatch.setenv(cache.SECONDS_VARIABLE, "30")
    cache.put(KEY, b"value", 5)
    monkeypatch.setenv(cache.MEGABYTES_VARIABLE, "1")
    assert cache.get(KEY) is None
    assert cache._cache().most_bytes == 1024 * 1024
    monkeypatch.setenv(cache.MEGABYTES_VARIABLE, "much")
    assert cache._cache().most_bytes == 16 * 1024 * 1024


def test_the_least_recently_used_goes_first():
    kept = cache.Cache(30, entry_bytes(3))
    for name in ("a", "b", "c"):
        kept.put(name, name.encode(), 100)
    assert kept.get("a") == b"a"
    kept.put("d", b"d", 100)
    assert [name for name in "abcd" if kept.get(name)] == ["a", "c", "d"]
    assert (len(kept), kept.bytes) == (3, entry_bytes(3))


def test_bytes_are_counted_through_replacement_age_and_refusal(clock):
    kept = cache.Cache(30, entry_bytes(2))
    kept.put("a", b"1", 100)
    kept.put("a", b"2", 50)
    assert (kept.get("a"), len(kept), kept.bytes) == (b"2", 1, entry_bytes(1, 50))
    kept.put("b", b"", entry_bytes(2))
    assert (kept.get("b"), kept.get("a")) == (None, b"2")
    clock[0] += 31
    assert (kept.get("a"), len(kept), kept.bytes) == (None, 0, 0)


def test_a_large_answer_makes_room_for_itself():
    kept = cache.Cache(30, entry_bytes(3))
    for name in ("a", "b", "c"):
        kept.put(name, b"", 100)
    kept.put("large", b"x", entry_bytes(3) - cache._ENTRY_BYTES)
    assert (len(kept), kept.get("large"), kept.bytes) == (1, b"x", entry_bytes(3))


def test_many_threads_leave_it_whole():
    kept = cache.Cache(30, entry_bytes(20))

    def work(number):
        for step in range(200):
            key = (number * 7 + step) % 40
            kept.put(key, str(key).encode(), 100)
            assert kept.get(key) in (None, str(key).encode())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert len(kept) <= 20
    assert kept.bytes == entry_bytes(len(kept))
