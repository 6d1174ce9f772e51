"""The way in through Systems Manager: the host, the documents of its sessions, and who may start them."""
