"""The revisions of the tables, one file each, in Alembic's form.

A revision is a snapshot: it says in full what it does and looks at no declaration of today's. Its
`upgrade(op, schema)` gets Alembic's operations as an argument, and not through `alembic.op`, of
which a process has only one: so a host's own migration may run these.
"""
