"""What `vectordb bench embed` is made of: embeddings that follow their rows, beside the shape of AWS's sample.

| Module | Holds |
|---|---|
| `model` | a model server with a quota, a latency, texts that it refuses, and counts |
| `worker` | the project's worker as its container runs it, behind TLS and an IAM login |
| `queue`, `sample` | the other side: a queue with receives and dead letters, functions called by it (`plain/consumer.py`, `plain/embedding.sql`) |
| `stage` | all of it beside one PostgreSQL; what is declared, written and counted on both sides |
| `race` | both sides at once, and what is seen of them while time goes on |
| `quota`, `single`, `statements`, `writes` | the measurements |
| `pgbench` | PostgreSQL's own benchmark program, for what many clients at once do |
| `picture` | the result at a glance |
"""
