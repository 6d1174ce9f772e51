"""Readers share, a writer is alone, and neither starves the other."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.local.emulator.running import eventually
from vectordb.local.emulator.s3vectors.locks import SharedLock


def test_readers_are_together():
    lock = SharedLock()
    together = threading.Barrier(4)

    def read():
        with lock.shared():
            together.wait(5)  # breaks unless all four are in at once

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(read) for _ in range(4)]:
            one.result(10)


def test_a_writer_is_alone():
    lock = SharedLock()
    state = [0, 0]

    def read():
        with lock.shared():
            first = state[0]
            time.sleep(0)
            assert state == [first, first]

    def write():
        with lock.exclusive():
            state[0] += 1
            time.sleep(0)
            state[1] += 1
            assert state[0] == state[1]

    with ThreadPoolExecutor(8) as pool:
        for one in [pool.submit(work) for _ in range(100) for work in (read, write, read)]:
            one.result(10)
    assert state == [100, 100]


def test_a_reader_waits_for_one_writer_at_most_and_a_writer_for_no_later_reader():
    lock = SharedLock()
    order = []
    reading, done = threading.Event(), threading.Event()

    def first_read():
        with lock.shared():
            reading.set()
            done.wait(5)
            order.append("first reader")

    def write(name):
        with lock.exclusive():
            order.append(name)

    def read():
        with lock.shared():
            order.append("later reader")

    def waits(count):
        eventually(lambda: (lock._writers, lock._queued) == count)

    threads = [threading.Thread(target=first_read)]
    threads[0].start()
    assert reading.wait(5)
    for target, arguments, waiting in ((write, ("writer",), (1, 0)), (read, (), (1, 1)), (write, ("writer",), (2, 1))):
        threads.append(threading.Thread(target=target, args=arguments))
        threads[-1].start()
        waits(waiting)
    done.set()
    for thread in threads:
        thread.join(5)
    assert order == ["first reader", "writer", "later reader", "writer"]
