"""Amazon S3 Vectors with full-text and hybrid search, kept on disk.

Exact nearest neighbours in float32 (the service's search is approximate: recall here is 1), BM25 and Reciprocal Rank
Fusion, every filter operator, paging, limits and error shapes of the API of 2025-07-15 as it stood in November 2026.
Vectors, indexes and buckets lie under DIR/s3vectors and outlive the process; an acknowledged write survives `kill -9`.
The words of searchable keys are in memory, read from the vectors at the first search after a start.

Adoption: the first CreateVectorBucket or CreateIndex after a start succeeds for what an earlier run stored, when the
dimension, metric and non-filterable keys are the same: it keeps the vectors and the text search configurations, to which
it adds those of the request for other keys, and takes the new encryption and tags (a deployment makes new keys for each
run). A second one is a ConflictException, as on AWS.

Left out: CLASSIC indexes; encryption itself; rate limits; bucket policies are kept and not evaluated; the 2 billion and
10,000 quotas.

Chosen where AWS's documentation is silent: `$ne` and `$nin` hold for a missing key; euclidean distance is the root, not
its square; a vector without metadata returns {}; of two records with one key in a PutVectors the later counts; float32
values are written with nine digits (all of them).

The same for text search (Amazon S3 User Guide, "Hybrid search with Amazon S3 Vectors", and the API's model):

- Analyzers are those of `text.analysis`: only English has stop words and a stemmer.
- A string is searchable, and the strings of a list; other values are stored and match nothing.
- BM25 has k1 = 1.2, b = 0.75 and the never negative idf ln(1 + (N - n + 0.5) / (n + 0.5)). N and the average length are
  those of the texts under the key that have a term, whatever the filter. A word that is asked for twice counts once.
  A text search ranks by the sum over its keys.
- In a hybrid search each of the two searches finds its topK best, under the filter; RRF has k = 60 and equal weights.
  `vectorDistance`, and `distance` with returnDistance, are those of results that the vector search found;
  `bm25Scores` of those that the text search found, and absent otherwise. A text search has no `distance`.
- A page token is bound to the queryTexts too; the return flags may change from page to page.
- A configuration is ACTIVE at once in CreateIndex, and BUILDING for a fifth of a second
  (VECTORDB_EMULATOR_BACKFILL_SECONDS) when it is added. A query on a key that is not configured, or BUILDING, is a
  ValidationException; so is the deletion of a key that is not configured. Adding a configured key is a
  ConflictException, in whatever language; adding an empty list does nothing. `status` in a request says nothing.
- Text of a filterable key counts among the 2,048 filterable bytes, as other metadata.
"""
