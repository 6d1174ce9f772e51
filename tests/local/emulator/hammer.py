"""`python -m tests.local.emulator.hammer plain|sound`: threads send, receive and delete in moto's own queue, as it is or as it is
made here; prints how many messages were lost and how many came twice."""

import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from moto.sqs.models import SQSBackend, sqs_backends

from vectordb.local.emulator.clock import Clock
from vectordb.local.emulator.queues import moto_queues

COUNT, THREADS = 400, 4


def main(kind):
    sys.setswitchinterval(1e-6)
    if kind == "sound":
        moto_queues.extend_moto(Clock())
    backend: SQSBackend = sqs_backends["123456789012"]["us-east-1"]
    queue = backend.create_queue("q")
    received, done = [], threading.Event()

    def send(first):
        for n in range(first, COUNT, THREADS):
            backend.send_message("q", str(n))

    def receive(_):
        while not done.is_set() or queue.messages:
            for message in backend.receive_message("q", 3, 0, 30):
                received.append(message.body)
                backend.delete_message("q", message.receipt_handle)

    with ThreadPoolExecutor(2 * THREADS) as threads:
        receiving = [threads.submit(receive, n) for n in range(THREADS)]
        for sending in [threads.submit(send, n) for n in range(THREADS)]:
            sending.result()
        done.set()
        # Plain moto raises, too: what it deletes is gone by then.
        failed = sum(ended.exception() is not None for ended in receiving)
    counts = Counter(received)
    print(COUNT - len(counts), sum(count > 1 for count in counts.values()) + failed)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main(sys.argv[1])
