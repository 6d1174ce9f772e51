"""The stack on this machine: the program that deploys to AWS, executed against stand-ins."""
