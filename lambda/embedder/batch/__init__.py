"""Backfill by batch inference of Amazon Bedrock: rows into files in S3, a job over them, and what it embedded back into the database.

Whatever is half done stands in the database (embed.batch_job) before it is begun, so a worker may die between any two steps, and
another goes on. The rows of a job are under its lease in embed.work: a row that changes meanwhile is taken away from it.
"""
