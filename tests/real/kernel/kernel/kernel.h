// A kernel for the tests.  The names and argument orders of functions are xv6's; the text is this project's own.
typedef unsigned long uint64;
typedef uint64 pte_t;
typedef uint64 *pagetable_t;

enum { PGSIZE = 4096, NPROC = 16, NCPU = 8, PAGES = 32768 };

#define KERNBASE 0x80000000UL
#define PHYSTOP (KERNBASE + PAGES * (uint64)PGSIZE)
#define MAXVA (1UL << 38)
#define TRAMPOLINE (MAXVA - PGSIZE)
#define TRAPFRAME (TRAMPOLINE - PGSIZE)
#define KSTACK(p) (TRAMPOLINE - ((p) + 1) * 2UL * PGSIZE)
#define LIMIT (4096UL * PGSIZE) // of a process's memory
#define UART0 0x10000000UL

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_COW = 256 };

#define PX(level, va) ((va) >> (12 + 9 * (level)) & 511)
#define PA2PTE(pa) ((uint64)(pa) >> 12 << 10)
#define PTE2PA(pte) ((pte) >> 10 << 12)
#define PTE_FLAGS(pte) ((pte) & 1023)
#define PGROUNDUP(size) (((size) + PGSIZE - 1) & ~(PGSIZE - 1UL))

struct spinlock {
  int locked;
};

enum procstate { UNUSED, USED, SLEEPING, RUNNABLE, RUNNING, ZOMBIE };

struct proc {
  struct spinlock lock;
  enum procstate state;
  int pid;
  struct proc *parent;
  uint64 kstack;
  uint64 sz;
  pagetable_t pagetable;
  void *trapframe;
  char name[16];
};

struct run {
  struct run *next;
};

struct kmem {
  struct spinlock lock;
  struct run *freelist;
};

// main.c
void panic(const char *why);
void print(const char *text);
int getc(void);
void acquire(struct spinlock *lock);
void release(struct spinlock *lock);
void *memset(void *to, int byte, uint64 count);
void *memmove(void *to, const void *from, uint64 count);

// kalloc.c
extern struct kmem kmem;
extern int refcount[PAGES];
void kinit(void);
void *kalloc(void);
void kfree(void *pa);
void kshare(void *pa);
int kcount(void *pa);

// vm.c
extern pagetable_t kernel_pagetable;
void kvminit(void);
void kvminithart(void);
pte_t *walk(pagetable_t pagetable, uint64 va, int alloc);
int mappages(pagetable_t pagetable, uint64 va, uint64 size, uint64 pa, int perm);
void uvmunmap(pagetable_t pagetable, uint64 va, uint64 npages, int do_free);
uint64 uvmalloc(pagetable_t pagetable, uint64 oldsz, uint64 newsz, int xperm);
uint64 uvmdealloc(pagetable_t pagetable, uint64 oldsz, uint64 newsz);
int uvmcopy(pagetable_t old, pagetable_t new, uint64 sz);
void uvmclear(pagetable_t pagetable, uint64 va);
void uvmfree(pagetable_t pagetable, uint64 sz);
void freewalk(pagetable_t pagetable);
int vmfault(pagetable_t pagetable, uint64 sz, uint64 va, int write);

// proc.c
extern struct proc proc[NPROC];
struct proc *allocproc(const char *name);
struct proc *fork(struct proc *parent);
int exec(struct proc *p, uint64 pages);
int growproc(struct proc *p, long by);
int store(struct proc *p, uint64 va, char byte);
int load(struct proc *p, uint64 va);
void exit(struct proc *p);

// commands.c
void shell(void);
void life(int rounds);
