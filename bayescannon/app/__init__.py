"""The verbs on files: stores, configuration, runs, demonstration, command line.

Paths and options come in; files and a report on the terminal go out.
"""
