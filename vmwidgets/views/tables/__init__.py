"""Pictures of the hardware: walks, page tables bit by bit, translation lookaside buffers, formats side by side.

Read `walk` first; `bits` draws a descriptor, and `slices` divides an address.
"""
