"""What can reach what: a graph of the plan's networks, and the flows that pass through it.

ranges      sets of whole numbers, as intervals
blocks      sets of addresses
traffic     sets of protocols and ports
names       which resource a property names, known id or not
groups      the rules of security groups
acls        network ACLs
topology    VPCs, subnets, routes, what leads out of a VPC
nodes       whatever has a network interface
network     all of it, built once for a stack
flows       which node can open a connection to which
exposure    what can be reached from outside, and what that cannot be said of
declared    the table of declared flows, and how a plan differs from it
facts       all of that as plain data

Everything is a function of the plan. Where a value is only known after the deployment, what it might let pass is
possible, not certain: possible ways are listed, certain ones are violations.
"""
