"""Full-text keys: what separates an index from its declaration, and every way from one to the other."""

import json
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from vectordb import text_search
from vectordb.cli.app import app
from vectordb.database import aws
from vectordb.database.talk import Deadline
from vectordb.errors import VectordbError
from vectordb.text_search import Declared, Difference, Indexes, State, compare, from_environment, from_outputs, own_keys

ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/b/index/docs"


def error(code, message="no", operation="UpdateMetadataConfiguration"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Service:
    """S3 Vectors' GetIndex and UpdateMetadataConfiguration of one index.

    Args:
        keys: key → language.
        building: how many looks it takes until a new key is built; None: for ever.
        busy: how many changes are refused with a conflict first.
    """

    def __init__(self, keys=(), *, mode="ENHANCED", building=0, busy=0):
        self.keys, self.mode, self.building, self.busy = dict(keys), mode, building, busy
        self.under_way = {}
        self.calls = []

    def get_index(self, indexArn):  # noqa: N803 - boto's name
        assert indexArn == ARN
        for key in list(self.under_way):
            if self.building is not None:
                self.under_way[key] -= 1
                if self.under_way[key] < 0:
                    del self.under_way[key]
        rows = [
            {"metadataKey": key, "status": "BUILDING" if key in self.under_way else "ACTIVE"}
            | ({"language": language} if language else {})
            for key, language in self.keys.items()
        ]
        index = {"indexArn": ARN, "indexMode": self.mode}
        return {"index": index | ({"metadataConfiguration": {"textSearchConfigurations": rows}} if rows else {})}

    def update_metadata_configuration(self, indexArn, **change):  # noqa: N803 - boto's name
        assert indexArn == ARN
        assert len(change) == 1  # either, never both
        if self.busy:
            self.busy -= 1
            raise error("ConflictException")
        [(kind, wanted)] = change.items()
        rows = wanted["textSearchConfigurations"]
        self.calls.append((kind, [row["metadataKey"] for row in rows]))
        for row in rows:
            if kind == "delete":
                del self.keys[row["metadataKey"]]
                self.under_way.pop(row["metadataKey"], None)
            elif row["metadataKey"] in self.keys:
                raise error("ConflictException")
            else:
                self.keys[row["metadataKey"]] = row.get("language", "")
                self.under_way[row["metadataKey"]] = self.building or 0
        assert len(self.keys) <= 10


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(text_search, "_PAUSES", (0.0,))


def apply(service, keys, *, seconds=60.0, **options):
    said = []
    outcome = Indexes("us-east-1", service).apply(
        Declared(ARN, keys), deadline=Deadline(seconds), say=said.append, **options
    )
    return outcome, said


@pytest.mark.parametrize(
    ("declared", "there", "options", "expected"),
    [
        ({}, {}, {}, Difference()),
        ({"a": "en"}, {"a": "en"}, {}, Difference()),
        ({"a": "en", "b": ""}, {}, {}, Difference(add=("a", "b"))),
        ({"a": "en"}, {"a": ""}, {}, Difference(change=("a",))),
        ({"a": ""}, {"a": "en"}, {}, Difference(change=("a",))),
        # Somebody else's stays; one of this step's own, and with `delete` each, goes.
        ({"a": ""}, {"a": "", "b": ""}, {}, Difference(kept=("b",))),
        ({"a": ""}, {"a": "", "b": "", "c": ""}, {"own": ["b"]}, Difference(delete=("b",), kept=("c",))),
        ({"a": ""}, {"a": "", "b": "", "c": ""}, {"delete": True}, Difference(delete=("b", "c"))),
        # What is declared is never taken away.
        ({"a": ""}, {"a": ""}, {"own": ["a"], "delete": True}, Difference()),
    ],
)
def test_what_separates_an_index_from_its_declaration(declared, there, options, expected):
    assert compare(Declared(ARN, declared), State("ENHANCED", there), **options) == expected


def test_a_key_that_is_being_built_is_named_when_it_is_declared():
    state = State("ENHANCED", {"a": "", "b": ""}, frozenset({"a", "b"}))
    assert compare(Declared(ARN, {"a": ""}), state) == Difference(kept=("b",), building=("a",))


def test_what_is_missing_is_added_in_one_call_and_waited_for():
    service = Service({"mine": "fr"}, building=3)
    outcome, said = apply(service, {"body": "en", "title": ""})
    assert service.calls == [("add", ["body", "title"])]
    assert service.keys == {"mine": "fr", "body": "en", "title": ""}
    assert outcome.as_json() == {
        "arn": ARN, "declared": ["body", "title"], "added": ["body", "title"], "changed": [], "deleted": [], "kept": ["mine"],
        "building": [],
    }  # fmt: skip
    assert said == ["docs: added body, title", "docs: S3 Vectors is building body, title ..."]


def test_another_language_is_deleted_and_added():
    service = Service({"body": "en", "title": ""})
    outcome, _ = apply(service, {"body": "de", "title": ""})
    assert service.calls == [("delete", ["body"]), ("add", ["body"])]
    assert service.keys == {"title": "", "body": "de"}
    assert (outcome.changed, outcome.added, outcome.deleted) == (["body"], [], [])


def test_what_the_step_declared_before_is_taken_away_with_what_changes():
    service = Service({"old": "", "body": "en", "theirs": ""})
    outcome, _ = apply(service, {"body": "de", "new": "en"}, own=["old", "body"])
    assert service.calls == [("delete", ["body", "old"]), ("add", ["body", "new"])]
    assert (outcome.deleted, outcome.changed, outcome.added) == (["old"], ["body"], ["new"])
    assert outcome.kept == ("theirs",)


def test_a_second_run_changes_nothing():
    service = Service()
    apply(service, {"body": "en"})
    service.calls.clear()
    outcome, said = apply(service, {"body": "en"}, own=["body"])
    assert (service.calls, said, outcome.added) == ([], [], [])


def test_an_index_that_is_being_changed_is_tried_again():
    service = Service(busy=5)
    outcome, _ = apply(service, {"body": "en"})
    assert (service.calls, outcome.added) == ([("add", ["body"])], ["body"])


def test_another_run_that_was_faster_is_no_failure():
    service = Service()
    refuse = service.update_metadata_configuration

    def faster(**arguments):
        service.keys["body"] = "en"
        refuse(**arguments)

    service.update_metadata_configuration = faster
    outcome, _ = apply(service, {"body": "en"})
    assert (service.keys, outcome.added) == ({"body": "en"}, [])


def test_an_index_that_stays_busy_is_said_to_be_when_the_time_is_up():
    with pytest.raises(VectordbError, match=r"being changed by somebody else, for 0\.05 s") as caught:
        apply(Service(busy=10**9), {"body": "en"}, seconds=0.05)
    assert caught.value.remedy == "Run it again: it goes on from what is there."


def test_building_that_takes_longer_is_no_failure_and_the_next_run_waits_on():
    service = Service(building=None)
    outcome, _ = apply(service, {"body": "en"}, seconds=0.05)
    assert (outcome.added, outcome.building) == (["body"], ("body",))
    service.building = 2
    service.under_way = {"body": 2}
    outcome, said = apply(service, {"body": "en"})
    assert (outcome.added, outcome.building) == ([], ())
    assert said == ["docs: S3 Vectors is building body ..."]
    assert service.calls == [("add", ["body"])]


def test_it_tells_every_half_minute_that_it_waits(monkeypatch):
    service, clock = Service({"body": "en"}, building=None), [0.0]
    service.under_way = {"body": 0}
    deadline = Deadline(100)
    monkeypatch.setattr(deadline, "elapsed", lambda: clock[0])
    monkeypatch.setattr(deadline, "pause", lambda _: clock.__setitem__(0, clock[0] + 10))
    said = []
    Indexes("us-east-1", service).apply(Declared(ARN, {"body": "en"}), deadline=deadline, say=said.append)
    assert said == ["docs: S3 Vectors is building body ..."] * 4  # at 0, 30, 60 and 90 s


def test_an_index_in_classic_mode_is_refused_with_the_command_that_helps():
    service = Service(mode="CLASSIC")
    with pytest.raises(
        VectordbError, match="docs is in CLASSIC mode, in which no text can be searched by words"
    ) as caught:
        apply(service, {"body": "en"})
    assert f"update-index-mode --index-arn {ARN} --index-mode ENHANCED" in caught.value.remedy
    assert service.calls == []
    assert apply(service, {})[0].added == []


def test_more_than_ten_keys_together_are_refused_before_any_call():
    service = Service({f"theirs{n}": "" for n in range(8)})
    with pytest.raises(
        VectordbError, match="would have 11 full-text keys, and 10 are allowed: it has theirs0"
    ) as caught:
        apply(service, {"a": "", "b": "", "c": ""})
    assert "vectordb indexes apply --delete" in caught.value.remedy
    assert service.calls == []
    apply(service, {"a": "", "b": "", "c": ""}, delete=True)
    assert service.keys == {"a": "", "b": "", "c": ""}


def test_an_index_that_is_gone_or_may_not_be_seen():
    service = Service()
    service.get_index = lambda **_: (_ for _ in ()).throw(error("NotFoundException", operation="GetIndex"))
    with pytest.raises(VectordbError, match=f"{ARN} does not exist"):
        apply(service, {"a": ""})
    service.get_index = lambda **_: (_ for _ in ()).throw(error("AccessDeniedException", operation="GetIndex"))
    with pytest.raises(VectordbError, match="look at the index docs") as caught:
        apply(service, {"a": ""})
    assert caught.value.remedy == f"Whoever deploys needs s3vectors:GetIndex on {ARN}."


def test_a_change_that_is_denied_names_the_action():
    service = Service()
    service.update_metadata_configuration = lambda **_: (_ for _ in ()).throw(error("AccessDeniedException"))
    with pytest.raises(VectordbError) as caught:
        apply(service, {"a": ""})
    assert caught.value.remedy == f"Whoever deploys needs s3vectors:UpdateMetadataConfiguration on {ARN}."


KEYS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["", "en", "de"]), max_size=5)


@settings(max_examples=200, deadline=None)
@given(KEYS, KEYS, st.sets(st.sampled_from("abcdefgh")), st.booleans(), st.integers(0, 2))
def test_whatever_was_there_the_declared_is_there_afterwards_and_nothing_of_others_is_lost(
    declared, there, own, delete, busy
):
    service = Service(there, building=1, busy=busy)
    expected = {k: v for k, v in there.items() if k not in declared and not delete and k not in own} | declared
    if len(expected) > 10:
        return
    outcome, _ = apply(service, declared, own=own, delete=delete)
    assert service.keys == expected
    assert set(outcome.kept) == expected.keys() - declared.keys()
    untouched = {k for k, v in there.items() if expected.get(k) == v}
    assert not untouched & {key for _, keys in service.calls for key in keys}
    assert len(service.calls) <= 2
    service.calls.clear()
    apply(service, declared, own=own, delete=delete)
    assert service.calls == []


def test_what_the_program_tells_its_step():
    told = [{"arn": ARN, "keys": [{"key": "a", "language": "en"}, {"key": "b"}], "created": "2026-11-21T12:00:00Z"}]
    environment = {"VECTORDB_REGION": "eu-west-1", "VECTORDB_TEXT_SEARCH": json.dumps(told)}
    assert from_environment(environment) == ("eu-west-1", [Declared(ARN, {"a": "en", "b": ""})])


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"VECTORDB_TEXT_SEARCH": "[]"}, "VECTORDB_REGION is not set"),
        ({"VECTORDB_REGION": "r", "VECTORDB_TEXT_SEARCH": "x"}, "VECTORDB_TEXT_SEARCH is no JSON list"),
        ({"VECTORDB_REGION": "r", "VECTORDB_TEXT_SEARCH": "3"}, "VECTORDB_TEXT_SEARCH is no JSON list"),
        ({"VECTORDB_REGION": "r", "VECTORDB_TEXT_SEARCH": '["x"]'}, "VECTORDB_TEXT_SEARCH is no JSON list"),
        ({"VECTORDB_REGION": "r", "VECTORDB_TEXT_SEARCH": '[{"arn": "a"}]'}, "'keys'"),
        (
            {
                "VECTORDB_REGION": "r",
                "VECTORDB_TEXT_SEARCH": '[{"arn": "a", "keys": [{"key": "k", "language": "xx"}]}]',
            },
            "'xx' is no language of S3 Vectors. Allowed: en, fr",
        ),
    ],
)
def test_what_it_must_not_be_told(environment, message):
    with pytest.raises(VectordbError, match="VECTORDB_") as caught:
        from_environment(environment)
    assert message in caught.value.message


def test_every_index_of_a_stack_is_looked_at():
    rows = [
        {"name": "docs", "arn": ARN, "fullTextKeys": [{"key": "a", "language": "en"}]},
        {"name": "x", "arn": "arn:x"},
    ]
    assert from_outputs({"indexes": rows}) == [Declared(ARN, {"a": "en"}), Declared("arn:x", {})]
    assert from_outputs({}) == []


def test_the_step_knows_its_own_from_what_it_printed():
    printed = json.dumps({"indexes": [{"arn": ARN, "declared": ["a", "b"], "added": []}]})
    assert own_keys(printed) == {ARN: frozenset({"a", "b"})}
    for other in ("", "x", "3", "[]", "{}", '{"indexes": [{"arn": "a"}]}', '{"applied": []}'):
        assert own_keys(other) == {}


@pytest.fixture
def step(monkeypatch):
    """The command as the Pulumi program runs it, against a service of the test's."""

    def run(service, *arguments, keys, previous=""):
        monkeypatch.setattr(aws, "client", lambda name, region: service)
        environment = {
            "VECTORDB_REGION": "us-east-1",
            "VECTORDB_TEXT_SEARCH": json.dumps([{"arn": ARN, "keys": keys}]),
            "PULUMI_COMMAND_STDOUT": previous,
        }
        return CliRunner().invoke(app, ["indexes", *arguments], env=environment)

    return run


def test_runs_of_the_step_one_after_the_other(step):
    service = Service({"theirs": ""})
    first = step(service, "apply", keys=[{"key": "a", "language": "en"}, {"key": "b"}])
    assert (first.exit_code, service.keys) == (0, {"theirs": "", "a": "en", "b": ""})
    assert "docs: theirs not declared here, left as it is (--delete takes it away)" in first.stderr
    second = step(service, "apply", keys=[{"key": "a", "language": "en"}], previous=first.stdout)
    assert service.keys == {"theirs": "", "a": "en"}
    assert json.loads(second.stdout)["indexes"][0]["deleted"] == ["b"]
    # Without the output of a run before, nothing is its own.
    step(service, "apply", keys=[])
    assert service.keys == {"theirs": "", "a": "en"}
    step(service, "apply", "--delete", keys=[])
    assert service.keys == {}


def test_a_check_fails_until_everything_is_there(step):
    service = Service({"theirs": ""}, building=None)
    keys = [{"key": "a", "language": "en"}]
    lacking = step(service, "check", keys=keys)
    assert (lacking.exit_code, lacking.stdout) == (1, "docs  lacks a\ndocs  has, not declared here, theirs\n")
    step(service, "apply", "--timeout", "1", keys=keys)
    building = step(service, "check", "--json", keys=keys)
    assert building.exit_code == 1
    assert json.loads(building.stdout) == {
        "indexes": [{"arn": ARN, "add": [], "change": [], "delete": [], "kept": ["theirs"], "building": ["a"]}]
    }
    service.under_way.clear()
    del service.keys["theirs"]
    done = step(service, "check", keys=keys)
    assert (done.exit_code, done.stdout) == (0, "docs  as declared: a (en)\n")
    assert service.calls == [("add", ["a"])]


def test_a_service_that_has_no_such_index_ends_the_step_in_words(step):
    service = Service()
    service.get_index = lambda **_: (_ for _ in ()).throw(error("NotFoundException", operation="GetIndex"))
    result = step(service, "apply", keys=[{"key": "a"}])
    assert isinstance(result.exception, VectordbError)
    assert replace(Declared(ARN, {}), keys={}).name in result.exception.message
