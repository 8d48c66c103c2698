"""
Tables of labels, in any format and layout.

Comes in: a file or a table in memory, and the choices of :mod:`bayescannon.io.label_tables.table_options`. Goes out: a
LabelTable, with notes of what was taken and what was dropped.
"""
