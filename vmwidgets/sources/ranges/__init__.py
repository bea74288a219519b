"""The ranges of a process as programs print them: each format has a module, listed in :data:`~.read.KINDS`."""
