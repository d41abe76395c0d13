"""Rows of one statement, as PostgreSQL reads arrays."""

from __future__ import annotations

from omniroute.stores.sql.batches import as_columns


def test_rows_become_an_array_for_each_column() -> None:
    rows = [
        ("one", 1, None, '{"a":"\\u00e9"}'),
        ("NULL", -(2**62), 5, ""),
        ("a, {b}", 3, None, "é中"),
    ]
    assert as_columns(rows) == (
        '{"one","NULL","a, {b}"}',
        "{1,-4611686018427387904,3}",
        "{NULL,5,NULL}",
        r"""{"{\"a\":\"\\u00e9\"}","","é中"}""",
    )
