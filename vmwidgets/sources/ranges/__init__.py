"""The ranges of a process as programs print them: each format has a module, and :data:`~.read.KINDS` lists them."""
