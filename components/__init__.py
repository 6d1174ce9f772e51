"""The system's parts as Pulumi components: each file is one part, secure by default, usable on its own."""
