# Sv39: a gigapage for the program, pages of 4 KiB, a megapage.  Loaded at 0x8000_0000 by -bios none.
    .section .text
    .globl _start
_start:
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0xf
    csrw pmpcfg0, t0
    la t0, root
    srli t0, t0, 12
    li t1, 8 << 60
    or t0, t0, t1
    csrw satp, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x0800               # MPP: supervisor
    csrs mstatus, t0
    la t0, ready
    csrw mepc, t0
    mret
    .globl ready
ready:
    .ifdef HALTS
    wfi
    .endif
    j ready

    .align 12
root:
    .dword 0x20000801             # table1, at 0x8000_2000
    .dword 0
    .dword 0x200000cf           # 0x8000_0000: a gigapage, rwx
    .fill 508, 8, 0
    .dword 0x20000801             # table1, at 0x8000_2000
table1:
    .dword 0x20000c01             # table0, at 0x8000_3000
    .dword 0x200000d7 | 0x80000 # 0x20_0000: a megapage, rw for users
    .fill 510, 8, 0
table0:
    .dword 0
    .dword 0x200400db           # 0x1000: r-x for users
    .dword 0x200404d7           # 0x2000: rw
    .dword 0x200408d3           # 0x3000: r
    .dword 0x20040cc7           # 0x4000: rw, the kernel's (a guard)
    .dword 0x20041000 | 0xd5    # 0x5000: W without R, which is reserved
    .fill 506, 8, 0
