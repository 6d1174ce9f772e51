"""Who may do what: every policy of a stack, as rows of principal, actions and resources.

places      where policies stand: which property of which resource type
grants      resources that permit something without a document
rows        a statement as a row, with what is notable about it as flags
matrix      all rows of a stack
"""
