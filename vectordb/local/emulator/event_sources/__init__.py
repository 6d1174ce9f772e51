"""Lambda's event source mappings from SQS: the pollers, and what they refuse.

A mapping's poller takes messages with the function's role, calls the function with a batch, and deletes what was done. What is
not deleted comes back after the queue's visibility timeout, and after `maxReceiveCount` times goes to the dead-letter queue,
which SQS itself does (`queues`). Declared are batch size, batching window, partial batch responses, maximum concurrency, and
whether it is enabled. A function that fails keeps its batch until the timeout; one that is throttled is called again until
then. Where the function, the queue or a permission is missing nothing is taken, and the mapping's LastProcessingResult says so.

Left out, and refused: filter criteria, FIFO queues, provisioned pollers, other sources than SQS. Left out, silently: a
mapping changes state at once, where AWS takes up to minutes; one poller gathers all batches, so a batch is as full as the
queue allows; polling does not slow down after failures; without a maximum concurrency half of the emulator's calls may be the
mapping's; metrics.
"""
