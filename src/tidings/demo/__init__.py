"""A small world to try everything on: a firm of accountants, three businesses, five users."""
