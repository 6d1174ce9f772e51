"""Full-text search over metadata: words of a text (`analysis`), which vectors hold them (`inverted`), in what order
(`ranking`), and which keys are searchable (`configuration`).
"""
