"""Which of moto's services are asked one call at a time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from vectordb.local.emulator.moto_mount import MotoMount


class Dispatcher:
    """moto's, with applications that note how many calls they have at once."""

    def __init__(self, service, meeting):
        self.meeting = meeting  # where several calls have to be at once; without one, they have time to
        self.at_once = self.most = 0
        self._lock = threading.Lock()
        self.app_instances = {service: self.application}

    def get_application(self, environ):
        return self.app_instances[environ["service"]]

    def application(self, environ, start_response):
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        if self.meeting:
            self.meeting.wait(30)
        else:
            time.sleep(0.02)
        with self._lock:
            self.at_once -= 1
        return [b"done"]


@pytest.mark.parametrize(("service", "most"), [("iam", 1), ("awslambda", 1), ("sqs", 4), ("sns", 4)])
def test_calls_that_go_through_moto_s_dictionaries_do_not_meet(monkeypatch, service, most):
    dispatcher = Dispatcher(service, threading.Barrier(most) if most > 1 else None)
    mount = MotoMount()
    monkeypatch.setattr(mount, "_dispatcher", dispatcher)
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: mount({"service": service}, None), range(8)))
    assert replies == [[b"done"]] * 8
    assert dispatcher.most == most
