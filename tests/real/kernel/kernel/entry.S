    .section .first, "ax"
    .globl _entry
_entry:
    la sp, boot_stacks
    csrr a0, mhartid
    addi a1, a0, 1
    slli a1, a1, 13
    add sp, sp, a1              # 8 KiB for each hart
    mv tp, a0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0xf
    csrw pmpcfg0, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x0800               # mret goes to the supervisor
    csrs mstatus, t0
    csrw satp, zero
    la t0, main
    csrw mepc, t0
    la t0, stuck
    csrw mtvec, t0
    csrw stvec, t0
    mret
    .align 2
stuck:
    j stuck

    .section .trampoline, "ax"
    .globl trampoline
trampoline:
    nop
    j trampoline

    .section .bss
    .align 12
boot_stacks:
    .space 8 * 8192
