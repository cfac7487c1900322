"""The tables, the connection, releases and marts."""
