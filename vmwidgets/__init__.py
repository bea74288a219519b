"""vmwidgets: a teaching laboratory for virtual memory."""
