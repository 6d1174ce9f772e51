"""A subject without a stack behind it, and AWS's answers given beforehand."""

import contextlib
from dataclasses import replace

import botocore.session
import pytest
from botocore.stub import Stubber

from tests.vectordb.doctor.subjects import NOW, SETTINGS
from vectordb.doctor.board import Board
from vectordb.doctor.context import Context, Subject
from vectordb.doctor.findings import Outcome, State


class Amazon:
    """Clients that answer what a test has lined up, and refuse everything else."""

    def __init__(self, session):
        self.session = session
        self.stubs = {}

    def __call__(self, service):
        return self.stub(service).client

    def stub(self, service):
        if service not in self.stubs:
            client = self.session.create_client(
                service,
                region_name="us-east-1",
                aws_access_key_id="LKIATESTS",
                aws_secret_access_key="no-secret",
                endpoint_url="http://127.0.0.1:9",
            )
            self.stubs[service] = Stubber(client)
            self.stubs[service].activate()
        return self.stubs[service]

    def answers(self, service, operation, answer, expected=None):
        self.stub(service).add_response(operation, answer, expected)

    def refuses(self, service, operation, code, message="no", **more):
        self.stub(service).add_client_error(operation, code, message, **more)


@pytest.fixture(scope="session")
def session():
    """One for all: it keeps the models that it has read."""
    return botocore.session.get_session()


@pytest.fixture
def amazon(session):
    made = Amazon(session)
    yield made
    for stub in made.stubs.values():
        stub.assert_no_pending_responses()


@pytest.fixture
def make_context(amazon, tmp_path):
    """A context whose earlier checks were sound unless told otherwise."""
    made = []

    def make(*, settings=None, outputs=None, outcomes=None, now=lambda: NOW, resolve=None, **changes):
        board = Board(list(outcomes or {}))
        for name, state in (outcomes or {}).items():
            board.report(Outcome(name, State(state), 0.0, "", ""))
        subject = Subject(
            settings=replace(settings or SETTINGS, **changes), outputs=outputs or {}, sql=tmp_path, user="vectordb_app"
        )
        context = Context(subject, board, now=now, make_client=amazon, resolve=resolve or _nowhere)
        made.append(context)
        return context

    yield make
    for context in made:
        with contextlib.suppress(Exception):
            context.close()


def _nowhere(name):
    raise OSError(f"nobody knows {name}")
