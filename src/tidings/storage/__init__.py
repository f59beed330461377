"""All SQL: tables, statements, and the two databases they run on."""
