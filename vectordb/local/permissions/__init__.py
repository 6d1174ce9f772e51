"""IAM policies, evaluated here: is a call allowed, and is everything needed that is allowed.

Pure functions over policy documents; the emulator asks `evaluation.decide` for each call of a role, and the truth test
asks `truth.missing` and `truth.unneeded` about a whole plan.

| Module | Idea |
|---|---|
| patterns | the wildcards of actions and ARNs |
| conditions | the operators of a Condition element |
| documents | JSON to statements |
| evaluation | one request against the policies: allowed, or why not |
| roles | the roles of a recorded program: who may assume them, what for, their policies |
| needs | what roles need: calls that were recorded, and the table of what services do by themselves |
| truth | policies against needs, both ways |

Read are identity policies (inline, customer managed and AWS managed) and resource policies of one account. What is not
read is refused with UnsupportedPolicyError, never guessed: NotAction, NotResource, NotPrincipal, policy variables,
condition operators for numbers, dates, addresses and sets, condition keys that are not in `conditions`, permissions
boundaries, session policies. Left out, because the project has none: service control policies, resource control policies,
calls across accounts, and policies of VPC endpoints (no call passes an endpoint here).
"""


class UnsupportedPolicyError(ValueError):
    """A policy holds something whose meaning is not implemented here; the message names the policy and the thing."""
