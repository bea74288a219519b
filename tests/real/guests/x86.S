# 32-bit paging: a program at 1 MiB, a user page, a read-only page, a large page.  Loaded as a multiboot kernel.
    .set MAGIC, 0x1BADB002
    .section .text
    .code32
    .align 4
    .long MAGIC, 0, -MAGIC
    .globl _start
_start:
    mov $directory, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x10, %eax              # PSE
    mov %eax, %cr4
    mov %cr0, %eax
    or $0x80010000, %eax        # PG, WP
    mov %eax, %cr0
    .globl ready
ready:
    pause
    .ifdef HALTS
    cli
    hlt
    .endif
    jmp ready

    .align 4096
directory:
    .long table + 7             # 0: a table that lets users in
    .long table + 1             # 4 MiB: the same table, read-only and the kernel's
    .fill 510, 4, 0
    .long 0x00800087            # 0x8000_0000: a large page of 4 MiB, user, writable
    .fill 511, 4, 0
table:
    .set page, 0
    .rept 512
    .long page + 3              # the kernel's
    .set page, page + 0x1000
    .endr
    .long 0x00300007            # 0x20_0000: a user page
    .long 0x00302005            # read-only
    .long 0x00303001            # read-only, the kernel's
    .fill 509, 4, 0
