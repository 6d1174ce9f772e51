"""What the tests of s3vl.copy_to_index share; their table public.source is a fixture of conftest."""

import json

COPY = "CALL s3vl.copy_to_index(%s, 'copies', %s, %s)"
ALL = "SELECT id, embedding, jsonb_build_object('kind', kind) FROM public.source"
ROWS = 1050


def batches(database):
    """The keys of each request of the function, in the order in which they were asked."""
    asked = [json.loads(event)["arguments"] for event in database.lambda_.events]
    return [[vector["key"] for vector in arguments["vectors"]] for arguments in asked]


def in_order(numbers):
    return sorted(str(n) for n in numbers)


def jobs(session):
    return session.execute(
        "SELECT job, index_name, vectors, last_key, finished_at IS NOT NULL FROM s3vl.list_copies()"
    ).fetchall()


def stop_at(database, number, how):
    """An answer to the requests of the function: `how` is called before the one of that number, from 1."""

    def behaviour(event):
        if len(database.lambda_.events) == number:
            how()
        return database.lambda_.honest(event)

    return database.lambda_.behaving(behaviour)
