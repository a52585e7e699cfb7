"""What a source table is: contracts, the office's mapping, import, quality, and the canonical rows engines read.

A definition imports from here the words of a contract.
"""

from jcml.tables.table import (
    Column,
    EntityTable,
    EventTable,
    boolean,
    code,
    date,
    decimal,
    integer,
    moment,
    money,
    text,
)

__all__ = [
    "Column",
    "EntityTable",
    "EventTable",
    "boolean",
    "code",
    "date",
    "decimal",
    "integer",
    "moment",
    "money",
    "text",
]
