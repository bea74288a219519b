@ ARMv7 with short descriptors: sections for the program, small and large pages, TTBCR.N = 1 with a second root.
    .section .text
    .globl _start
_start:
    ldr r0, =lower
    mcr p15, 0, r0, c2, c0, 0   @ TTBR0
    ldr r0, =upper
    mcr p15, 0, r0, c2, c0, 1   @ TTBR1
    mov r0, #1
    mcr p15, 0, r0, c2, c0, 2   @ TTBCR.N
    ldr r0, =0x55555555
    mcr p15, 0, r0, c3, c0, 0   @ DACR
    mrc p15, 0, r0, c1, c0, 0
    orr r0, r0, #1
    mcr p15, 0, r0, c1, c0, 0
    isb
    .globl ready
ready:
    nop
    b ready
    .ltorg

    .align 14
lower:
    .fill 1024, 4, 0
    .word 0x40000c02            @ 0x4000_0000: a section
    .word second + 1
    .fill 1022, 4, 0
    .align 14
upper:
    .fill 2048, 4, 0
    .word second + 1            @ 0x8000_0000
    .word 0x40200c02
    .fill 2046, 4, 0
second:
    .rept 16
    .word 0x40300031            @ a large page, its sixteen copies
    .endr
    .word 0x40310032            @ small pages: the kernel's
    .word 0x40311032 | 0x20     @ users read
    .word 0
    .word 0x40313032 | 0x10     @ users read and write
    .fill 236, 4, 0
