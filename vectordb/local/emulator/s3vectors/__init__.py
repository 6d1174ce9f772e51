"""Amazon S3 Vectors, complete but for full-text search, kept on disk.

Exact nearest neighbours in float32 (the service's search is approximate: recall here is 1), every filter operator, paging,
limits and error shapes of the API of 2025-07-15 as it stood in November 2026. Vectors, indexes and buckets lie under
DIR/s3vectors and outlive the process; an acknowledged write survives `kill -9`.

Adoption: the first CreateVectorBucket or CreateIndex after a start succeeds for what an earlier run stored, when the
dimension, metric and metadata configuration are the same: it keeps the vectors, and takes the new encryption and tags (a
deployment makes new keys for each run). A second one is a ConflictException, as on AWS.

Left out: full-text and hybrid search (UpdateMetadataConfiguration, textSearchConfigurations, queryTexts, returnScores
are refused with a ValidationException); CLASSIC indexes; encryption itself; rate limits; bucket policies are kept and
not evaluated; the 2 billion and 10,000 quotas.

Chosen where AWS's documentation is silent: `$ne` and `$nin` hold for a missing key; euclidean distance is the root, not
its square; a vector without metadata returns {}; of two records with one key in a PutVectors the later counts; float32
values are written with nine digits (all of them).
"""
