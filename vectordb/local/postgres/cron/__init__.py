"""pg_cron's scheduler, outside of the server: it reads `cron.job`, runs what is due and writes `cron.job_run_details`.

The extension's tables and functions are extension/pg_cron--1.6.sql. As on RDS, where background workers run the jobs: a command is one
transaction, which no command of its own may begin or end; a message in `job_run_details` is the last command's tag or the error with
its detail, hint and context; one run of a job at a time, others wait; five jobs at once; time in GMT; a job that is unscheduled or
deactivated while it runs is ended; what ran when the server went is marked `server restarted` when it is back, and the minutes in
between are not made up for.

Left out: `cron.log_statement`, `cron.timezone` other than GMT, `cron.enable_superuser_jobs`, `cron.match_dom_and_dow`; a job's session
is a client's (`pg_stat_activity` shows it as such, and `cron.max_running_jobs` is not bounded by worker processes). Where nothing could be
compiled, a job's command could make itself the superuser again.
"""

from vectordb.local.postgres.cron.scheduler import CronScheduler

__all__ = ["CronScheduler"]
