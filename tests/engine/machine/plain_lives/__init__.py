"""Lives in which several contracts meet, held against plain bytes: see :mod:`.life`."""
