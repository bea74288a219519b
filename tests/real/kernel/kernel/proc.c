// Processes: their tables, and what their system calls do to these.  Nothing runs in user mode here.
#include "kernel.h"

struct proc proc[NPROC];
static struct spinlock pid_lock;
static int nextpid = 1;
extern char trampoline[];

static pagetable_t proc_pagetable(struct proc *p)
{
  pagetable_t pagetable = kalloc();
  if (!pagetable)
    panic("proc_pagetable");
  memset(pagetable, 0, PGSIZE);
  if (mappages(pagetable, TRAMPOLINE, PGSIZE, (uint64)trampoline, PTE_R | PTE_X) != 0 ||
      mappages(pagetable, TRAPFRAME, PGSIZE, (uint64)p->trapframe, PTE_R | PTE_W) != 0)
    panic("proc_pagetable");
  return pagetable;
}

static void proc_freepagetable(pagetable_t pagetable, uint64 sz)
{
  uvmunmap(pagetable, TRAMPOLINE, 1, 0);
  uvmunmap(pagetable, TRAPFRAME, 1, 0);
  uvmfree(pagetable, sz);
}

struct proc *allocproc(const char *name)
{
  struct proc *p;
  acquire(&pid_lock);
  for (p = proc; p < &proc[NPROC] && p->state != UNUSED; p++)
    ;
  if (p == &proc[NPROC])
    panic("allocproc");
  p->state = USED;
  p->pid = nextpid++;
  release(&pid_lock);
  memmove(p->name, name, 16);
  p->kstack = KSTACK(p - proc);
  p->sz = 0;
  p->trapframe = kalloc();
  p->pagetable = proc_pagetable(p);
  return p;
}

// A program of `pages` pages: text, data, the stack's guard page and the stack.
int exec(struct proc *p, uint64 pages)
{
  pagetable_t pagetable = proc_pagetable(p), old = p->pagetable;
  uint64 oldsz = p->sz, sz = uvmalloc(pagetable, 0, PGSIZE, PTE_X);
  sz = uvmalloc(pagetable, sz, pages * PGSIZE, PTE_W);
  if (!sz)
    return -1;
  uvmclear(pagetable, sz - 2 * PGSIZE);
  p->pagetable = pagetable;
  p->sz = sz;
  proc_freepagetable(old, oldsz);
  return 0;
}

int growproc(struct proc *p, long by)
{
#ifdef LAB_lazy
  if (by > 0) {
    p->sz += by;
    return 0;
  }
#endif
  uint64 sz = by > 0 ? uvmalloc(p->pagetable, p->sz, p->sz + by, PTE_W) : uvmdealloc(p->pagetable, p->sz, p->sz + by);
  if (!sz)
    return -1;
  p->sz = sz;
  return 0;
}

struct proc *fork(struct proc *parent)
{
  struct proc *child = allocproc(parent->name);
  if (uvmcopy(parent->pagetable, child->pagetable, parent->sz) < 0)
    panic("fork");
  child->sz = parent->sz;
  child->parent = parent;
  child->state = RUNNABLE;
  return child;
}

// The byte at `va` as a program of `p` reaches it, or 0.
static char *reached(struct proc *p, uint64 va, int write)
{
  for (int tries = 0; tries < 2; tries++) {
    pte_t *pte = va < MAXVA ? walk(p->pagetable, va, 0) : 0;
    int wanted = PTE_V | PTE_U | (write ? PTE_W : PTE_R);
    if (pte && (*pte & wanted) == wanted)
      return (char *)PTE2PA(*pte) + va % PGSIZE;
    if (vmfault(p->pagetable, p->sz, va, write) != 0)
      return 0;
  }
  return 0;
}

int store(struct proc *p, uint64 va, char byte)
{
  char *at = reached(p, va, 1);
  if (!at)
    return -1;
  *at = byte;
  return 0;
}

int load(struct proc *p, uint64 va)
{
  char *at = reached(p, va, 0);
  return at ? *at : -1;
}

void exit(struct proc *p)
{
  p->state = ZOMBIE;
  kfree(p->trapframe);
  p->trapframe = 0;
  proc_freepagetable(p->pagetable, p->sz);
  p->pagetable = 0;
  p->sz = 0;
  p->pid = 0;
  p->state = UNUSED;
}
