"""Page tables from outside: recorded cases with queries and answers."""
