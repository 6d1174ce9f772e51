"""AWS Lambda's Invoke: the deployed handlers, run in warm child processes.

moto keeps the functions, versions, aliases and their configuration; this package runs them. A package is unpacked under
DIR/functions and its handler runs under this Python with `-I -S`: only the standard library and the package itself can be
imported, so a package that runs here is complete. The environment is Lambda's and the declared variables, nothing of this
process's. Logs go to DIR/logs/FUNCTION.log and to moto's CloudWatch Logs.

A call with InvocationType Event is queued, repeated and recorded by the function's event invoke config (`asynchronous`).

Left out: other runtimes than Python, and the declared Python version (it runs under this one); layers, container images,
extensions; limits on memory, /tmp and CPU; VPCs; response streaming; weighted aliases; SnapStart and provisioned
concurrency (a published alias has one worker started beforehand); destinations other than SQS, SNS and Lambda; that an
asynchronous call may arrive twice. A failed asynchronous call is retried after seconds where AWS waits minutes, and is
forgotten when the emulator ends. A package directory can be written to. Event source mappings are in `event_sources`.
Functions can reach the network as any process here.
"""
