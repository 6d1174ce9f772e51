"""Looks at every link between a person and an answer, each by itself, and says what to do about the broken ones."""
