"""How the rules are served to the Pulumi CLI, and what a stack says about them.

schemas, configuration, waivers   what a stack configures
pack                              the rules with their configuration
crossguard, servicer              the places that know the SDK: rules as Pulumi's policies, and how they answer
"""
