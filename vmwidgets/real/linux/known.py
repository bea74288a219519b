"""The known differences, each with the behaviour of POSIX, Linux and X15, and a way to recognize the difference."""

from __future__ import annotations

from ...comparisons.linux import Sayings

KNOWN = {
    "page of zeroes": Sayings(
        "memory reads as zeroes until it is written; faults are not POSIX's business",
        "the first read of a page maps one page of zeroes that all share, and the first write then faults again, for a "
        "frame; a fork does not copy the tables of a range in which nothing was written",
        "the first access takes a frame and fills it with zeroes; a write after a read takes no fault",
    ),
    "rights given back": Sayings(
        "mprotect says what is allowed; faults are not POSIX's business",
        "mprotect may give a page the right to write at once, or leave that to the next write's fault; versions differ",
        "the page gets the rights at once; where the page is another's too, the next write's fault decides",
    ),
    "entry without an object": Sayings(
        "what mmap has mapped can be read and written, as its protection says",
        "the process mapped anonymous memory there, by mmap",
        "vm_map_enter alone gives the entry no object, so nothing can give a page, and an access fails; mmap gives one",
    ),
    "hole in mprotect": Sayings(
        "the call fails (ENOMEM); whether a part of the range has changed is left open",
        "what lies before the hole has the new rights, then the call fails",
        "the call fails before anything has changed",
    ),
    "stack": Sayings(
        "stacks that grow by themselves are not in POSIX",
        "a stack keeps 256 pages below it free, and grows as far as RLIMIT_STACK",
        "X15 has no such stacks; here one page below is kept free, as in docs/deviations.md",
    ),
    "file that was cut": Sayings(
        "what is past the end of a file that became shorter raises SIGBUS; of private copies it says nothing",
        "private copies of the pages that were cut off are dropped, too",
        "X15 has no file system; here a private copy is the task's own page, and stays",
    ),
    "past a file's end": Sayings(
        "how long bytes are seen that were written past the end, in the file's last page, is left open",
        "they are seen while the page stays in memory",
        "X15 has no file system; here they are seen while the page stays in memory",
    ),
    "memory ran out": Sayings(
        "a call may fail for want of memory (ENOMEM)",
        "this computer had enough memory",
        "the machine had too little memory for a page, a table or an entry",
    ),
    "limit": Sayings(
        "RLIMIT_DATA bounds the heap, and RLIMIT_STACK the stack",
        "RLIMIT_DATA counts all private memory that can be written",
        "X15 has no limits; here the heap counts for the one, and a stack has its own",
    ),
    "brk": Sayings(
        "brk is not in POSIX",
        "the interpreter's heap is the real one, so the process plays brk by mmap and munmap; Linux wants a page free",
        "X15 has no brk; here the heap may end where another mapping begins",
    ),
}
"""The known differences by name, each with the rules of POSIX, Linux and X15."""
