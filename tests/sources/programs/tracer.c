/* What a compiled program does with memory: linked to it, it notes each access that gcc -fsanitize=thread reports, and
   the calls that ld --wrap sends here.  Nothing of the program's text is changed.  The parent prints the notes at its end. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

struct note {
    const char *what;
    int child;
    uintptr_t pc, address;
    long size;
};
struct notes {
    int count;
    struct note all[1000];
};
static struct notes *notes; /* shared with children */
static int is_child;

void *__real_mmap(void *, size_t, int, int, int, off_t);
void *__real_malloc(size_t);
void __real_free(void *);
pid_t __real_fork(void);
void __real__exit(int) __attribute__((noreturn));

static void note(const char *what, void *pc, const void *address, long size)
{
    struct note one = { what, is_child, (uintptr_t)pc - 1, (uintptr_t)address, size };
    notes->all[notes->count++] = one;
}
#define HERE __builtin_return_address(0)

__attribute__((constructor)) static void begin(void)
{
    notes = __real_mmap(0, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}
__attribute__((destructor)) static void end(void)
{
    for (struct note *one = notes->all; one < notes->all + notes->count; one++)
        printf("%s %s %#lx %#lx %ld\n", one->what, one->child ? "child" : "main", (long)one->pc, (long)one->address,
               one->size);
}

void __tsan_init(void) {}
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void) {}
void __tsan_read1(void *at) { note("read", HERE, at, 1); }
void __tsan_read4(void *at) { note("read", HERE, at, 4); }
void __tsan_write1(void *at) { note("write", HERE, at, 1); }
void __tsan_write4(void *at) { note("write", HERE, at, 4); }

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int file, off_t offset)
{
    void *start = __real_mmap(at, size, prot, flags, file, offset);
    note("map", HERE, start, size);
    return start;
}

/* The word before a block of glibc's is its size; bit 1 says that it is a mapping of its own, which begins 16 bytes before it. */
static size_t header(void *block) { return ((size_t *)block)[-1]; }
static int is_mapping(void *block) { return header(block) & 2; }

void *__wrap_malloc(size_t size)
{
    char *before = sbrk(0), *block = __real_malloc(size), *after = sbrk(0);
    if (after != before)
        note("heap", HERE, before, after - before);
    if (is_mapping(block))
        note("map", HERE, block - 16, header(block) & ~7UL);
    return block;
}
void __wrap_free(void *block)
{
    char *before = sbrk(0);
    if (is_mapping(block))
        note("unmap", HERE, (char *)block - 16, header(block) & ~7UL);
    __real_free(block);
    if (sbrk(0) != before)
        note("heap", HERE, before, (char *)sbrk(0) - before);
}
pid_t __wrap_fork(void)
{
    note("fork", HERE, 0, 0);
    pid_t child = __real_fork();
    is_child = child == 0;
    return child;
}
void __wrap__exit(int code)
{
    note("exit", HERE, 0, 0);
    __real__exit(code);
}
