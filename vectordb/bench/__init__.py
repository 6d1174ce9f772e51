"""Measurements, each against a plain way to do the same, side by side in one run: `vectordb bench`.

| Module | Holds |
|---|---|
| `service`, `seed` | S3 Vectors behind HTTPS in a process of its own, with a service time that can be set |
| `invoke` | Lambda's Invoke for the functions of both sides, each in a process of its own |
| `packages` | what the two functions are made of: the project's package, and the plain one in `plain` |
| `plain` | the other side: a bridge in the shape of AWS's sample |
| `harness` | all of it beside a PostgreSQL with both schemas; one measured call |
| `bridge`, `rounds`, `statements` | what is measured, in which order, and by which statements |
| `embed`, `embedding/` | `vectordb bench embed`: what is measured; both sides and the model between them |
| `clocks`, `machine`, `spread`, `result` | processor time of a process; the machine in words; medians; rows and verdicts |
| `table`, `markdown`, `picture`, `shown` | the same rows three ways |
| `shares` | processor time at other memory sizes, by arithmetic |
| `documents` | the blocks of pages that are written by a run |
| `combined`, `rerank`, `recall`, `corpus_stack` | search under a condition that the database knows, and exact re-rank, on real data |
"""
