"""What can reach what: a graph of the plan's networks, and the flows that pass through it.

ranges        sets of whole numbers, as intervals
blocks        sets of addresses
traffic       sets of protocols and ports
names         which resource a property names, known id or not
prefix_lists  the addresses of prefix lists
groups        the rules of security groups
acls          network ACLs
routes        what leads out of a subnet
topology      VPCs, and subnets with their routes and ACLs
links         what joins a VPC with other networks
holders       which types have network interfaces, and where they say so
nodes         whatever of a plan has a network interface
network       all of it, built once for a stack
way           what lies between two nodes
gateways      gateway endpoints
flows         which node can open a connection to which
exposure      what can be reached from outside, and what that cannot be said of
declared      the table of declared flows
differences   how a plan differs from the table
paths         ways through several nodes

Everything is a function of the plan. Where a value is only known after the deployment, what it might let pass is
possible, not certain: possible ways are listed, certain ones are violations.
"""
