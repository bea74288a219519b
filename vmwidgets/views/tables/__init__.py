"""Pictures of the hardware: walks, page tables bit by bit, translation lookaside buffers, formats side by side.

`walk` is the one to read first; `bits` draws a descriptor, `slices` cuts an address.
"""
