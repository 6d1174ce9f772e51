"""The pipeline that keeps embeddings fresh: worker, queues, schedule, what each may do, and its settings."""
