"""Arrays and distributions without astronomy: threads, packed matrices, neighbours, mixtures, p-values.

Plain arrays come in and go out; nothing here knows of stars, pixels or files.
"""
