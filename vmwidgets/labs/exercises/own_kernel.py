"""The mistakes of the questions in notebook 12, which is not graded and has no exercise."""

from __future__ import annotations

from ..mistakes import Mistake, mistakes

mistakes(
    "12/cause",
    {
        "a load": Mistake("load for store", "13 is a load; 15 is a store, also an atomic instruction."),
        "fetch an instruction": Mistake(
            "fetch for store", "12 is a fetch. sepc is where the instruction is, in any case."
        ),
    },
)
mistakes(
    "12/steps",
    {
        "4": Mistake("another architecture", "Four levels are x86-64's; Sv39 has three."),
        "1": Mistake("a linear table", "Each level's descriptor leads to the next table, and all are read."),
        "2": Mistake("the last one forgotten", "The descriptor of the page itself is read, too."),
    },
)
mistakes(
    "12/bit",
    {
        "W: the page is read-only": Mistake(
            "15 is read-only", "7 is V, R and W: the page may be written, by the kernel."
        ),
        "V: the page is absent": Mistake("a fault is absence", "The lowest bit of the descriptor, V, is set."),
    },
)
mistakes(
    "12/lost",
    {
        "to read": Mistake("the wrong bit", "0xd7 and 0xd3 differ in W (4). R (2) is set in both."),
        "to use it as a program": Mistake("U for W", "0xd7 and 0xd3 differ in W (4). U (16) is set in both."),
    },
)
mistakes(
    "12/panic",
    {
        "yes, it panicked": Mistake(
            "found is made", "freewalk only checks; the page was left mapped by an earlier call."
        ),
    },
)
