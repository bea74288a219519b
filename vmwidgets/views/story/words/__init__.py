"""The sentences under the pictures, by subject: of single events (`*_events`) and of operations (`*_operations`)."""
