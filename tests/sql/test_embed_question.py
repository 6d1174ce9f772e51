"""A search in words while the model is switched: an answer of one generation, whichever is live when it is searched."""

import pytest

from embedder import handler

EVENT = "embed.deliver_event()"


@pytest.fixture
def switching(stage):
    """A vectorizer of 256 dimensions with a generation of 512 that is complete, and what cuts over while a question is under way."""
    stage.docs(EVENT)
    stage.bench.run("INSERT INTO app.docs (id, body) VALUES (1, 'alpha'), (2, 'beta')")
    stage.work({"vectorizer": stage.bench.value("SELECT id FROM embed.vectorizer")})
    stage.bench.run(
        "SELECT embed.alter_vectorizer('docs', embedding => embed.bedrock('amazon.titan-embed-text-v2:0', dimensions => 512))"
    )
    stage.work({"vectorizer": stage.bench.value("SELECT id FROM embed.vectorizer")})
    return stage


@pytest.mark.parametrize("switches", [1, 2])
def test_a_model_that_is_switched_while_it_is_asked(switching, monkeypatch, switches):
    dimensions = []
    statements = ["SELECT embed.cutover('docs')", "SELECT embed.rollback('docs')"][:switches]
    handle = handler.handle

    def handled(event, context):
        dimensions.append(event["config"]["embedding"]["dimension"])
        if statements:
            with switching.bench.database.server.superuser_connection("vectordb") as another:
                another.execute(statements.pop(0))
        return handle(event, context)

    monkeypatch.setattr(handler, "handle", handled)
    rows = switching.bench.run("SELECT key, chunk FROM embed.search_text('docs', 'beta', 1)")
    assert rows == [([2], "beta")]
    assert dimensions == [256, 512, 256][: 1 + switches]


def test_within_a_transaction_that_sees_one_moment_it_is_that_moment_s(switching, monkeypatch):
    asked = []
    handle = handler.handle

    def handled(event, context):
        asked.append(event["config"]["embedding"]["dimension"])
        if len(asked) == 1:
            with switching.bench.database.server.superuser_connection("vectordb") as another:
                another.execute("SELECT embed.cutover('docs')")
        return handle(event, context)

    monkeypatch.setattr(handler, "handle", handled)
    owner = switching.bench.owner
    with owner.transaction():
        owner.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for _ in range(2):
            found = owner.execute("SELECT key FROM embed.search_text('docs', 'beta', 1)").fetchall()
            assert found == [([2],)]
    assert asked == [256, 256]
    assert owner.execute("SELECT key FROM embed.search_text('docs', 'nothing', 1)").fetchall() != []
    assert asked == [256, 256, 512]
