"""Run the program in process, record what it registers, check it, report it."""
