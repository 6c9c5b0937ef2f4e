"""A study as one page and the tables behind it."""
