"""SQS: moto keeps the queues; this package makes them sound, keeps them over restarts, and knows what their use takes.

moto changes a queue from several threads without a lock, which loses messages; delivers to functions inside SendMessage;
deletes by an outdated receipt handle; and knows no redrive-allow policy. Long polling, visibility timeouts and the move to the
dead-letter queue are moto's own rules under a lock, by the emulator's clock.

Messages that nobody has deleted are written when the emulator ends in an orderly way, and are in the queue of the same name
again when the next start creates it. Killed outright it loses them; on AWS queues are durable.

Left out: FIFO queues for event source mappings and schedules, the quota of messages in flight, message move tasks; encryption
itself (who uses a queue under a customer key must be allowed the key, but nothing is encrypted, and the key's own policy is
not judged).
"""
