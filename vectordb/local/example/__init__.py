"""The worked example: the standard library's documentation, searchable by meaning in both stores."""
