"""EventBridge Scheduler: moto keeps the schedules; here they run.

rate(), cron() with AWS's six fields and at(), in the schedule's time zone, between its start and end dates; targets are a
function (called with InvocationType Event) or an SQS queue, with the schedule's input and its context attributes. The
schedule's role must trust scheduler.amazonaws.com for the schedule *group* (EventBridge Scheduler user guide, confused deputy
prevention), which CreateSchedule checks, and must be allowed the call, which is judged each time. A failed call is repeated by
the retry policy, after one second, two, four and so on up to a minute; then its input goes to the dead-letter queue.

    POST /_vectordb/schedules {"name": "sweep", "group": "default"}

runs a schedule now, whatever its expression or state says, and waits for the first try: {"delivered": true, "error": null}.
POST /_vectordb/clock makes time pass for all of them.

Left out, and refused: flexible windows, universal targets and other templated targets, FIFO queues. Left out, silently: the
precision of a minute (a schedule here runs in the second it is due). What fell due while the emulator was not running, or
while the clock jumped, runs once at most. A rate starts anew with the emulator.
"""
