# Four levels, or five where LA57 is 1: long mode, with a segment of 32 bits, so that multiboot can load it.
    .set MAGIC, 0x1BADB002
    .section .text
    .code32
    .align 4
    .long MAGIC, 0, -MAGIC
    .globl _start
_start:
    mov %cr4, %eax
    or $(0x20 | LA57 << 12), %eax   # PAE, LA57
    mov %eax, %cr4
    .if LA57
    mov $root5, %eax
    .else
    mov $root, %eax
    .endif
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $0x900, %eax                 # EFER: LME, NXE
    wrmsr
    mov %cr0, %eax
    or $0x80010000, %eax
    mov %eax, %cr0
    .globl ready
ready:
    pause
    jmp ready

    .align 4096
root5:
    .long root + 7, 0
    .fill 510, 8, 0
    .long root + 3, 0
root:
    .long pointers + 7, 0
    .fill 510, 8, 0
    .long pointers + 3, 0           # the highest 512 GiB: the same, the kernel's
pointers:
    .long directory + 7, 0
    .quad 0x40000087                # 1 GiB for users
    .fill 509, 8, 0
    .long directory + 5, 0x80000000 # read-only, never executed
directory:
    .quad 0x00000083
    .long table + 7, 0
    .quad 0x00600085
    .fill 509, 8, 0
table:
    .quad 0x00300007
    .quad 0x00301005
    .quad 0
    .long 0x00303003, 0x80000000
    .fill 508, 8, 0
