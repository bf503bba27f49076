"""The truth: one row a task, one numbered history, and the statements that move them.

Functions take a `Connection` first and run inside the caller's transaction. Workers and the
dispatcher call them on psycopg2, the API through `AsyncConnection.run_sync` on asyncpg.
"""
