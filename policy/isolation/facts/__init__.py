"""What is known of a plan or a state, as JSON: `python -m isolation`.

reach       what is exposed, who reaches whom
encrypted   where data lies, and what proves that it is encrypted
unknowns    what is judged only when it is deployed
whole       all of that, and who may do what (access/matrix)
"""
