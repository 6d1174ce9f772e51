"""The plan as a reviewer reads it: what can reach the database, what changes, and what the policies say."""
