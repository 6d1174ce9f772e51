"""A small double of Pulumi's AWS provider: the protocol is real, the account is made up.

It answers what the engine asks (Check, Diff, Create, Read, Update, Delete, Invoke) out of memory. What has a stand-in in a local
stack is made by it (`vectordb.local.handlers`): PostgreSQL really runs, and what the emulator keeps is there. Everything else gets
the ids and ARNs that a local stack invents. It refuses what AWS refuses for order: to delete what something in the network names.

Left out, so nothing here speaks for it: the provider's own checks of inputs and its defaults, default tags, names that it makes,
time-outs and retries, what an update or a deletion changes in the stand-ins (they keep what was created), and the account's limits.
"""
