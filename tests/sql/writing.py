"""What the tests of s3vl.put_vectors and s3vl.delete_vectors share."""

UNIT = "[1,0,0,0,0,0,0,0]"
NUMBERS = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
PUT_MANY = (
    "SELECT s3vl.put_vectors(array_agg(lpad(n::text, 4, '0') ORDER BY n), array_agg('[1,0,0,0,0,0,0,0]'::vector),"
    " index_name => 'copies') FROM generate_series(1, %s) n"
)
SAFE = "Calling it again with all of them is safe: a vector is put, and deleted, by its key."
EPOCH = "SELECT s3vl.write_epoch(r) FROM s3vl.index_registry AS r WHERE r.index_name = 'copies'"


def put(database):
    """The sizes of the PutVectors calls."""
    return [len(parameters["vectors"]) for parameters in database.vectors.called("PutVectors")]


def epoch(database):
    return database.as_admin(EPOCH)[0][0]


def failing_at(copies, operation, number, reply):
    """Answer the call of that number, from 1, and those after it, with `reply`."""

    def before(name, parameters):
        return reply if name == operation and len(copies.called(operation)) >= number else None

    copies.before = before
