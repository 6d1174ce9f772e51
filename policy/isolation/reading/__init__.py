"""What can be read in a resource: facts about values, which know nothing of rules.

properties        unknown-safe access to a resource's properties
addresses         CIDR blocks
documents, conditions, actions    policy documents
unscoped_actions  actions that AWS authorises on no resource
credentials       what looks like a credential
"""
