"""Batch inference: CreateModelInvocationJob, GetModelInvocationJob, ListModelInvocationJobs and StopModelInvocationJob over moto's S3.

A job goes through its states as time passes (`POST /_vectordb/clock` makes it pass), and does its work when somebody looks: it
validates what AWS documents that it validates, embeds by the local models, and writes its files as AWS does.

    POST /_vectordb/batch {"next": {"status": "Expired", "errors": [0, 7], "only": 50, "shuffle": true}}

makes the next job that is created end like that: with another status, with errors in place of these records' answers (counted over all
files), after so many records, with its lines in another order.

Left out: vpcConfig and tags, which are taken and not looked at; modelInvocationType Converse; iam:PassRole is not judged; jobs end
with the process, as moto's S3 does; prices and quotas of jobs at once.
"""
