// AArch64 with both roots, 48 bits, 4 KiB: blocks of 1 GiB for the program, pages and a block of 2 MiB above.
    .section .text
    .globl _start
_start:
    adrp x0, lower
    msr ttbr0_el1, x0
    adrp x0, upper
    msr ttbr1_el1, x0
    ldr x0, =0x580100010        // IPS 48 bits, TG1 4 KiB, T1SZ 16, T0SZ 16
    orr x0, x0, #0x80000000
    msr tcr_el1, x0
    mov x0, #0xff
    msr mair_el1, x0
    isb
    mrs x0, sctlr_el1
    orr x0, x0, #1
    msr sctlr_el1, x0
    isb
    .globl ready
ready:
    nop
    b ready
    .ltorg

    .align 12
lower:
    .quad lower1 + 3
    .fill 511, 8, 0
lower1:
    .quad 0
    .quad 0x40000701            // 1 GiB of RAM as a block
    .fill 510, 8, 0
upper:
    .quad upper1 + 3
    .fill 510, 8, 0
    .quad upper1 + 3 + (1 << 62) // the same, read-only
upper1:
    .quad upper2 + 3
    .fill 511, 8, 0
upper2:
    .quad upper3 + 3
    .quad 0x40200701            // 2 MiB
    .fill 510, 8, 0
upper3:
    .quad 0
    .quad 0x40100703            // the kernel's
    .quad 0x40105743            // users may read and write
    .quad 0x401067c3            // users may read
    .fill 508, 8, 0
