"""Turns what is queued in schema `embed` into vectors: the worker, as a Lambda function and as a container alike.

Entry points: `embedder.handler.handle` on Lambda, `python -m embedder` in a container. All state is the database's; two workers,
or twenty, need to know nothing of each other.
"""
