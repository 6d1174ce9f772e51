"""Resource type → its requests, as in table.py: queues, schedules and what Lambda takes from them."""

from tests.components.models.requests import Entry, Request

EMBEDDING = {
    "aws:lambda/eventSourceMapping:EventSourceMapping": Entry((Request("lambda", "CreateEventSourceMapping"),)),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Entry(
        (Request("lambda", "PutFunctionEventInvokeConfig"),)
    ),
    "aws:scheduler/schedule:Schedule": Entry((Request("scheduler", "CreateSchedule", named="Name"),)),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Entry((Request("scheduler", "CreateScheduleGroup", named="Name"),)),
    "aws:sqs/queue:Queue": Entry(
        (
            Request(
                "sqs",
                "CreateQueue",
                {
                    "name": "QueueName",
                    "kmsMasterKeyId": "Attributes.KmsMasterKeyId",
                    "messageRetentionSeconds": "Attributes.MessageRetentionPeriod",
                    "visibilityTimeoutSeconds": "Attributes.VisibilityTimeout",
                    "redrivePolicy": "Attributes.RedrivePolicy",
                },
                named="QueueName",
            ),
        )
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Entry((Request("sqs", "SetQueueAttributes", {"policy": "Attributes.Policy"}),)),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": Entry(
        (Request("sqs", "SetQueueAttributes", {"redriveAllowPolicy": "Attributes.RedriveAllowPolicy"}),)
    ),
}
