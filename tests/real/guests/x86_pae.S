# PAE: three levels; the same program.
    .set MAGIC, 0x1BADB002
    .section .text
    .code32
    .align 4
    .long MAGIC, 0, -MAGIC
    .globl _start
_start:
    mov $pointers, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax              # PAE
    mov %eax, %cr4
    mov %cr0, %eax
    or $0x80010000, %eax
    mov %eax, %cr0
    .globl ready
ready:
    pause
    jmp ready

    .align 4096
pointers:
    .long directory + 1, 0
    .quad 0, 0
    .long directory + 1, 0       # the highest GiB again
    .align 4096
directory:
    .quad 0x00000083            # 0: 2 MiB, the kernel's
    .long table + 7, 0
    .quad 0x00600085            # 4 MiB: 2 MiB, user, read-only
    .fill 509, 8, 0
table:
    .quad 0x00300007
    .quad 0x00301005
    .quad 0
    .quad 0x00303003
    .fill 508, 8, 0
