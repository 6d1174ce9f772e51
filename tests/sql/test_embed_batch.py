"""Backfill by batch inference: whatever is changed, killed, late, lost or wrong, nothing is missing, stale or an orphan in the end."""

import json

import psycopg
import pytest

from embedder.batch import exporting, importing
from embedder.batch.jobs import Jobs
from embedder.database import RefusedError
from tests.sql.embed_batch import SETTINGS, Killed
from tests.sql.embed_cases import ENQUEUE, HOLD

# One version of PostgreSQL is enough for what happens between the steps; each applies the SQL.
pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"])
ROWS = 14
FEW = 12


def test_a_table_goes_out_as_records_and_comes_back_as_vectors(site):
    site.docs(ROWS)
    site.until("running")
    ((state, rows, records),) = site.jobs("state, rows, records")
    assert (state, rows, records) == ("running", ROWS, ROWS)
    (job,) = site.cloud.jobs.values()
    assert job["timeoutDurationInHours"] == 24
    assert job["roleArn"] == SETTINGS["roleArn"]
    assert job["outputDataConfig"]["s3OutputDataConfig"]["s3EncryptionKeyId"] == SETTINGS["keyArn"]
    assert job["inputDataConfig"]["s3InputDataConfig"]["s3BucketOwner"] == SETTINGS["account"]
    (file,) = site.cloud.objects.values()
    first = json.loads(file.splitlines()[0])
    assert first["recordId"] == "R0000000000"
    assert first["modelInput"]["dimensions"] == 256
    # The ordinary way leaves them alone, and nobody is alarmed.
    site.work()
    status = "SELECT pending, leased, oldest_age, backfilling FROM embed.status"
    assert site.bench.run(status) == [(ROWS, ROWS, None, False)]
    site.cloud.complete()
    site.until("done")
    assert site.jobs("status, imported, returned") == [("Completed", ROWS, 0)]
    site.check()


@pytest.mark.parametrize(("shuffle", "least"), [(False, 15), (True, 7)])
def test_a_row_of_many_chunks_comes_back_in_any_order_and_in_parts(site, monkeypatch, shuffle, least):
    monkeypatch.setattr(importing, "READ_BYTES", 9000)
    monkeypatch.setattr(exporting, "FILE_RECORDS", 12)
    monkeypatch.setattr(exporting, "CLAIM_ROWS", 4)
    site.docs(FEW, chunking="embed.chunk_fixed(20)")
    site.bench.run("TRUNCATE app.docs")
    site.bench.run(
        "INSERT INTO app.docs SELECT n, 't', repeat('word ' || n || ' ', 9) FROM generate_series(1, 12) AS n"
    )
    site.bench.run("DELETE FROM embed.work; DELETE FROM embed.inbox")
    site.bench.run("DELETE FROM embed.sweep")
    site.until("running")
    assert len(site.cloud.objects) > 1
    records = site.jobs("records")[0][0]
    assert records > 3 * FEW
    site.cloud.complete(shuffle=shuffle)
    steps = 0
    while site.jobs("state") != [("done",)]:
        site.step()
        steps += 1
    assert steps >= least, steps
    assert site.jobs("imported, returned") == [(FEW, 0)]
    assert site.bench.reconciled() == (0, 0, 0, 0)
    stored = dict(
        site.bench.run("SELECT id, string_agg(chunk, '' ORDER BY chunk_number) FROM embeddings.docs GROUP BY id")
    )
    assert {key: text.replace(" ", "") for key, text in stored.items()} == {
        n: f"word{n}" * 9 for n in range(1, FEW + 1)
    }


def test_what_changes_meanwhile_is_not_overwritten(site):
    site.docs(ROWS)
    site.until("running")
    site.bench.run("UPDATE app.docs SET body = 'new words' WHERE id = 1")
    site.bench.run("DELETE FROM app.docs WHERE id = 2")
    site.bench.run("UPDATE app.docs SET id = 103 WHERE id = 3")
    site.bench.run("INSERT INTO app.docs VALUES (99, 't', 'late')")
    site.bench.run("UPDATE app.docs SET views = 7 WHERE id = 4")
    site.work()  # the fresh ones at once
    assert site.bench.value("SELECT count(*) FROM embeddings.docs") == 3
    site.bench.run("UPDATE app.docs SET body = 'newer words' WHERE id IN (1, 5)")
    site.bench.run("DELETE FROM app.docs WHERE id = 6")
    site.bench.run("INSERT INTO app.docs VALUES (6, 't', 'another six')")
    site.cloud.complete()
    site.until("done")
    # 1, 2, 3, 5 and 6 were the job's no more.
    assert site.jobs("imported, returned") == [(ROWS - 5, 0)]
    site.work()
    site.check()


def test_what_changes_behind_the_triggers_back_is_found_by_its_content(site):
    site.docs(ROWS)
    site.until("running")
    with site.bench.database.server.superuser_connection("vectordb") as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE app.docs SET body = 'unseen' WHERE id = 1")
        superuser.execute("DELETE FROM app.docs WHERE id = 2")
    site.cloud.complete()
    site.until("done")
    assert site.jobs("imported, returned") == [(ROWS - 2, 2)]
    site.work()
    site.check()


def test_a_truncate_meanwhile(site):
    site.docs(ROWS)
    site.until("running")
    site.bench.run("TRUNCATE app.docs")
    site.bench.run("INSERT INTO app.docs VALUES (1, 't', 'after')")
    site.cloud.complete()
    site.until("done")
    site.work()
    site.check()


def test_records_with_errors_and_without_answers_go_the_ordinary_way(site):
    site.docs(ROWS)
    site.until("running")
    site.cloud.complete("PartiallyCompleted", errors={0, 5}, only=9)
    site.until("done")
    assert site.jobs("status, imported, returned") == [("PartiallyCompleted", 7, 7)]
    assert site.bench.value("SELECT DISTINCT priority FROM embed.work") == 9
    site.work()
    site.check()


def test_lines_that_are_no_records_and_vectors_that_are_none(site):
    site.docs(ROWS)
    site.until("running")
    site.cloud.complete()
    (key,) = [key for key in site.cloud.objects if key.endswith(".jsonl.out")]
    lines = site.cloud.objects[key].splitlines()
    wrong = json.loads(lines[1])
    wrong["modelOutput"]["embedding"] = wrong["modelOutput"]["embedding"][:-1]
    lines[1] = json.dumps(wrong).encode()
    lines[2] = lines[2][:40]
    lines[3] = json.dumps(json.loads(lines[3]) | {"recordId": "R0000009999"}).encode()
    lines += [b"", b"null", lines[4]]
    site.cloud.objects[key] = b"\n".join(lines)
    site.until("done")
    assert site.jobs("imported, returned") == [(ROWS - 3, 3)]
    site.work()
    site.check()


@pytest.mark.parametrize(
    "status",
    ["Failed", pytest.param("Expired", marks=pytest.mark.long), pytest.param("Stopped", marks=pytest.mark.long)],
)
def test_a_job_that_ends_without_output(site, status):
    site.docs(ROWS)
    site.until("running")
    site.cloud.complete(status, only=0)
    site.until("done")
    assert site.jobs("status, imported, returned") == [(status, 0, ROWS)]
    site.work()
    site.check()


def test_a_job_of_which_nothing_is_heard_loses_its_rows_and_what_it_says_later_is_not_taken(site):
    site.docs(ROWS)
    site.until("running")
    site.bench.run("UPDATE embed.work SET lease_until = now(), not_before = now()")
    site.bench.run("UPDATE embed.batch_job SET ends_at = now()")
    site.work()
    assert site.bench.value("SELECT count(*) FROM embeddings.docs") == ROWS
    site.bench.run("UPDATE app.docs SET body = 'later'")
    site.work()
    site.until("done")
    assert [job["status"] for job in site.cloud.jobs.values()] == ["Stopped"]
    assert site.jobs("imported, returned") == [(0, 0)]
    site.check()


def test_a_job_that_bedrock_does_not_know_any_more(site):
    site.docs(ROWS)
    site.until("running")
    site.cloud.jobs.clear()
    site.until("done")
    site.work()
    site.check()


@pytest.mark.parametrize("state", ["exporting", "running", "importing"])
def test_what_it_was_for_is_dropped_meanwhile(site, state):
    site.docs(ROWS)
    if state == "exporting":
        site.step()
    else:
        site.until("running")
    if state == "importing":
        site.cloud.complete()
        site.step()
    site.bench.run("SELECT embed.drop_vectorizer('docs')")
    site.settle()
    assert site.jobs("state") == [("done",)]
    assert site.cloud.objects == {}
    assert all(job["status"] != "InProgress" for job in site.cloud.jobs.values())
    assert site.bench.run("SELECT FROM embed.work") == []


def test_a_part_that_is_read_twice_changes_nothing(site):
    site.docs(ROWS)
    site.until("running")
    site.cloud.complete()
    site.until("importing")
    site.step()
    assert site.jobs("imported") == [(ROWS,)]
    before = site.bench.run("SELECT embed_at FROM embeddings.docs_generation_1_rows ORDER BY id")
    site.bench.run("UPDATE embed.batch_job SET output = NULL, output_offset = 0")
    site.until("done")
    assert site.jobs("imported, returned") == [(ROWS, 0)]
    assert site.bench.run("SELECT embed_at FROM embeddings.docs_generation_1_rows ORDER BY id") == before
    site.check()


def test_a_file_that_arrives_when_its_rows_are_parked_again_is_nobodys(site):
    site.docs(ROWS)

    def dies(said):
        if " PUT " in said:
            raise Killed

    site.cloud.after = dies
    with pytest.raises(Killed):
        site.step()
    site.cloud.after = lambda _: None
    late = dict(site.cloud.objects)
    site.bench.run("UPDATE app.docs SET body = 'changed in between' WHERE id = 1")
    site.until("running")
    assert site.jobs("rows, records") == [(ROWS - 1, 2 * ROWS - 1)]
    assert len(site.cloud.objects) == 1
    site.cloud.objects |= late
    assert site.cloud.complete() == 2 * ROWS - 1
    site.until("done")
    assert site.jobs("imported, returned") == [(ROWS - 1, 0)]
    site.work()
    site.check()


def test_a_user_who_holds_a_row_is_not_waited_for(site, monkeypatch):
    monkeypatch.setattr(importing, "LOCKED_SECONDS", 0.0)
    site.docs(ROWS)
    site.until("running")
    site.cloud.complete()
    with site.bench.session() as user, user.transaction(force_rollback=True):
        user.execute(HOLD, (["[1]"],))
        for _ in range(4):
            site.step()
        assert site.jobs("state, imported") == [("importing", ROWS - 1)]
    site.until("done")
    site.work()
    site.check()


def test_who_lost_a_job_can_say_nothing_of_it(site):
    site.docs(ROWS)
    jobs = Jobs(site.database.rows)
    ours = jobs.open(site.bench.value("SELECT id FROM embed.vectorizer"), 1, 2, 24)
    assert jobs.open(ours.vectorizer, 1, 2, 24) is None
    jobs.fill(ours, 5)
    site.bench.run("UPDATE embed.batch_job SET held_until = now()")
    theirs, _ = jobs.due()
    with pytest.raises(RefusedError, match="22023"):
        jobs.claim(ours, 5)
    with pytest.raises(RefusedError, match="22023"):
        jobs.step(ours, "submitting")
    assert len(jobs.claim(theirs, 5)) == 5
    site.settle()
    site.check()


def test_more_rows_than_a_job_takes_are_several_jobs(site, monkeypatch):
    monkeypatch.setenv(
        "VECTORDB_EMBED_BATCH", json.dumps(SETTINGS | {"leastRecords": 10, "mostRecords": 10, "jobs": 2})
    )
    site.docs(35)
    site.until("running")
    site.bench.run("UPDATE embed.batch_job SET look_at = 'infinity'")
    while site.batches().step():
        pass
    assert site.jobs("records") == [(10,), (10,)]
    assert site.bench.value("SELECT count(*) FROM embed.work") <= 30  # and the rest is not in the queue
    site.settle()
    # The last five are fewer than a job takes.
    assert site.jobs("records, imported, returned") == [(10, 10, 0), (10, 10, 0), (10, 10, 0), (5, 0, 5)]
    site.check()


def test_what_no_call_can_embed_goes_the_ordinary_way(site):
    site.docs(ROWS, backfill="'none'")
    site.bench.run("UPDATE app.docs SET body = NULL WHERE id = 1")
    site.bench.run("UPDATE app.docs SET body = ' ' WHERE id = 2")
    site.bench.run("UPDATE app.docs SET body = repeat('x', 60000) WHERE id = 3")
    site.work()
    site.bench.run("DELETE FROM embed.dead")
    site.bench.run("DELETE FROM embeddings.docs_generation_1_rows")
    assert site.bench.value("SELECT embed.batch_backfill('docs')") == 1
    site.until("running")
    assert site.jobs("rows, returned") == [(ROWS - 3, 3)]
    site.settle()
    assert site.bench.run("SELECT key, class FROM embed.dead") == [("[3]", "poison")]
    assert site.bench.value("SELECT count(*) FROM embeddings.docs") == ROWS - 3
    assert site.bench.work() == []


def test_what_is_paused_asks_for_nothing_and_goes_on(site):
    site.docs(ROWS)
    site.step()
    site.bench.run("SELECT embed.pause('docs')")
    for _ in range(3):
        assert not site.step()
    assert site.cloud.jobs == {}
    site.bench.run("SELECT embed.resume('docs')")
    site.settle()
    assert site.jobs("imported, returned") == [(ROWS, 0)]
    site.check()


def test_rows_that_are_hidden_from_the_worker_stop_the_jobs(site):
    site.docs(ROWS)
    site.bench.run("ALTER TABLE app.docs ENABLE ROW LEVEL SECURITY")
    site.step()
    site.until("done")
    ((reason, imported),) = site.jobs("reason, imported")
    assert (reason, imported) == ("the database refuses it: 42501", 0)
    site.bench.run("ALTER TABLE app.docs DISABLE ROW LEVEL SECURITY")
    site.bench.run("SELECT embed.resume('docs')")
    site.work()
    site.check()


def test_users_who_hold_rows_hold_up_the_export_of_those_only(site):
    site.docs(ROWS, backfill="'none'")
    site.bench.run("SELECT embed.batch_backfill('docs')")
    with site.bench.session() as user, user.transaction(force_rollback=True):
        user.execute(ENQUEUE, (["[1]", "[2]", "[3]"],))
        for _ in range(3):
            site.step()
        assert site.jobs("state, records") == [("exporting", ROWS - 3)]
    site.settle()
    assert site.jobs("records, imported") == [(ROWS, ROWS)]
    site.check()


def test_users_who_hold_all_that_is_left_do_not_make_one_empty_job_after_the_other(site):
    site.docs(ROWS)
    jobs = Jobs(site.database.rows)
    first = jobs.open(site.bench.value("SELECT id FROM embed.vectorizer"), 1, 2, 24)
    assert not jobs.fill(first, 50)
    jobs.step(first, "done")
    a_minute_later = "UPDATE embed.batch_job SET created_at = created_at - interval '1 minute'"
    site.bench.run(a_minute_later)
    with site.bench.session() as user, user.transaction(force_rollback=True):
        user.execute(HOLD, ([f"[{n}]" for n in range(1, ROWS + 1)],))
        for _ in range(8):
            site.step()
        assert site.jobs("state, records") == [("done", 0), ("done", 0)]
    site.bench.run(a_minute_later)
    site.settle()
    assert site.jobs("imported") == [(0,), (0,), (ROWS,)]
    site.check()


def test_a_job_is_cancelled(site):
    site.docs(ROWS)
    site.until("running")
    assert site.bench.value("SELECT embed.batch_cancel('docs')") == 1
    site.until("done")
    assert [job["status"] for job in site.cloud.jobs.values()] == ["Stopped"]
    assert site.jobs("imported, returned") == [(0, ROWS)]
    site.work()
    site.check()


def test_a_generation_that_builds_is_backfilled_by_batch(site):
    site.docs(ROWS)
    site.settle()
    site.check()
    site.bench.run("SELECT embed.alter_vectorizer('docs', template => 'a: $chunk')")
    assert site.bench.value("SELECT embed.batch_backfill('docs')") == 2
    site.settle()
    assert site.jobs("generation, imported") == [(1, ROWS), (2, ROWS)]
    assert site.bench.value("SELECT count(*) FROM embeddings.docs_generation_2") == ROWS


def test_a_worker_that_makes_no_jobs_lets_the_rows_go_the_ordinary_way(site, monkeypatch):
    site.docs(ROWS)
    monkeypatch.delenv("VECTORDB_EMBED_BATCH")
    assert not site.step()
    site.work()
    site.check()


@pytest.mark.parametrize("code", ["AccessDeniedException", pytest.param("ValidationException", marks=pytest.mark.long)])
def test_a_job_that_is_refused_is_not_asked_for_again(site, code):
    site.docs(ROWS)
    create, wanted = site.cloud.call, []

    def refused(name, region, method, url, body=b"", headers=None):
        if (name, method) == ("bedrock", "POST"):
            wanted.append(url)
            site.cloud.before(f"refused {code}")
        return create(name, region, method, url, body, headers)

    def refuse(said):
        if said.startswith("bedrock POST"):
            from embedder.errors import CallError, Kind

            raise CallError(Kind.CONFIGURATION, code, "no")

    site.cloud.before = refuse
    site.until("done")
    assert site.jobs("reason, returned") == [(f"{code}: no", ROWS)]
    site.cloud.before = lambda _: None
    assert not site.step()
    site.work()
    site.check()


@pytest.mark.parametrize(
    ("embedding", "deployed", "state", "says"),
    [
        ("embed.bedrock('cohere.embed-english-v3')", True, "22023", "no batch inference job"),
        ("embed.http('http://model.test', 'fake', 3)", True, "22023", "no batch inference job"),
        ("embed.bedrock('amazon.titan-embed-text-v2:0')", False, "55000", "may make no batch inference jobs"),
    ],
)
def test_what_could_not_be_done_is_refused(site, embedding, deployed, state, says):
    site.bench.docs(1)
    if not deployed:
        with site.bench.database.login("operator") as operator:
            operator.execute("SET ROLE vectordb_owner")
            operator.execute("SELECT embed.deploy_batch(false)")
    with pytest.raises(psycopg.Error, match=says) as caught:
        site.bench.vectorizer(embedding=embedding, backfill="'batch'")
    assert caught.value.sqlstate == state
