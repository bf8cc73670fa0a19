"""The tables; `migrations` holds how they came to be."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, MetaData, String, Table

METADATA: Final = MetaData(naming_convention={"ix": "ix_%(column_0_label)s", "pk": "pk_%(table_name)s"})

CLAIMS: Final = Table(
    "claims",
    METADATA,
    Column("question", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reply", BigInteger, index=True),
    Column("layout", Boolean, nullable=False),
    Column("changed", Float, nullable=False),
)
