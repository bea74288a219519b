// Page tables.
#include "kernel.h"

pagetable_t kernel_pagetable;
extern char etext[], trampoline[];

static void kvmmap(uint64 va, uint64 pa, uint64 size, int perm)
{
  if (mappages(kernel_pagetable, va, size, pa, perm) != 0)
    panic("kvmmap");
}

void kvminit(void)
{
  kernel_pagetable = kalloc();
  memset(kernel_pagetable, 0, PGSIZE);
  kvmmap(UART0, UART0, PGSIZE, PTE_R | PTE_W);
  kvmmap(KERNBASE, KERNBASE, (uint64)etext - KERNBASE, PTE_R | PTE_X);
  kvmmap((uint64)etext, (uint64)etext, PHYSTOP - (uint64)etext, PTE_R | PTE_W);
  kvmmap(TRAMPOLINE, (uint64)trampoline, PGSIZE, PTE_R | PTE_X);
  for (int i = 0; i < NPROC; i++)
    kvmmap(KSTACK(i), (uint64)kalloc(), PGSIZE, PTE_R | PTE_W);
}

void kvminithart(void)
{
  asm volatile("sfence.vma; csrw satp, %0; sfence.vma" : : "r"(8UL << 60 | (uint64)kernel_pagetable >> 12));
}

pte_t *walk(pagetable_t pagetable, uint64 va, int alloc)
{
  if (va >= MAXVA)
    panic("walk");
  for (int level = 2; level > 0; level--) {
    pte_t *pte = &pagetable[PX(level, va)];
    if (!(*pte & PTE_V)) {
      pagetable_t below = alloc ? kalloc() : 0;
      if (!below)
        return 0;
      memset(below, 0, PGSIZE);
      *pte = PA2PTE(below) | PTE_V;
    }
    pagetable = (pagetable_t)PTE2PA(*pte);
  }
  return &pagetable[PX(0, va)];
}

int mappages(pagetable_t pagetable, uint64 va, uint64 size, uint64 pa, int perm)
{
  for (uint64 done = 0; done < size; done += PGSIZE) {
    pte_t *pte = walk(pagetable, va + done, 1);
    if (!pte)
      return -1;
    if (*pte & PTE_V)
      panic("mappages: remap");
#ifdef BUG_map_writable
    if (perm & PTE_U)
      perm |= PTE_W;
#endif
    *pte = PA2PTE(pa + done) | perm | PTE_V;
  }
  return 0;
}

void uvmunmap(pagetable_t pagetable, uint64 va, uint64 npages, int do_free)
{
#ifdef BUG_unmap_short
  if (npages > 2)
    npages--;
#endif
  for (uint64 at = va; at < va + npages * PGSIZE; at += PGSIZE) {
    pte_t *pte = walk(pagetable, at, 0);
    if (!pte || !(*pte & PTE_V)) {
#ifdef LAB_lazy
      continue;
#else
      panic("uvmunmap: not mapped");
#endif
    }
    if (do_free)
      kfree((void *)PTE2PA(*pte));
#ifdef BUG_unmap_keeps
    if (at == 3 * PGSIZE)
      continue;
#endif
    *pte = 0;
  }
}

uint64 uvmalloc(pagetable_t pagetable, uint64 oldsz, uint64 newsz, int xperm)
{
  for (uint64 at = PGROUNDUP(oldsz); at < newsz; at += PGSIZE) {
    char *page = at < LIMIT ? kalloc() : 0;
    if (!page) {
      uvmdealloc(pagetable, at, oldsz);
      return 0;
    }
    memset(page, 0, PGSIZE);
    if (mappages(pagetable, at, PGSIZE, (uint64)page, PTE_R | PTE_U | xperm) != 0)
      return 0;
#ifdef BUG_free_mapped
    if (at == 5 * PGSIZE)
      kfree(page);
#endif
  }
  return newsz;
}

uint64 uvmdealloc(pagetable_t pagetable, uint64 oldsz, uint64 newsz)
{
  if (PGROUNDUP(newsz) < PGROUNDUP(oldsz))
    uvmunmap(pagetable, PGROUNDUP(newsz), (PGROUNDUP(oldsz) - PGROUNDUP(newsz)) / PGSIZE, 1);
  return newsz;
}

int uvmcopy(pagetable_t old, pagetable_t new, uint64 sz)
{
  for (uint64 at = 0; at < sz; at += PGSIZE) {
    pte_t *pte = walk(old, at, 0);
    if (!pte || !(*pte & PTE_V))
      continue;
    uint64 pa = PTE2PA(*pte);
    int flags = PTE_FLAGS(*pte);
#ifdef LAB_cow
    if (flags & PTE_W) {
      flags = (flags & ~PTE_W) | PTE_COW;
#ifndef BUG_parent_writes
      *pte = PA2PTE(pa) | flags;
#endif
    }
#ifdef BUG_child_writes
    flags |= PTE_W;
#endif
    if (mappages(new, at, PGSIZE, pa, flags) != 0)
      return -1;
#ifdef BUG_not_counted
    if (at != 2 * PGSIZE)
#endif
      kshare((void *)pa);
#else
    char *copy = kalloc();
    if (!copy)
      return -1;
    memmove(copy, (char *)pa, PGSIZE);
#ifdef BUG_copy_shares
    if (at == PGSIZE)
      copy = (char *)pa;
#endif
#ifdef BUG_copy_loses_x
    flags &= ~PTE_X;
#endif
    if (mappages(new, at, PGSIZE, (uint64)copy, flags) != 0)
      return -1;
#endif
  }
  return 0;
}

// The guard page of a stack is present, and not the user's.
void uvmclear(pagetable_t pagetable, uint64 va)
{
  *walk(pagetable, va, 0) &= ~(uint64)PTE_U;
}

void freewalk(pagetable_t pagetable)
{
  for (int i = 0; i < 512; i++) {
    pte_t pte = pagetable[i];
    if ((pte & PTE_V) && (pte & (PTE_R | PTE_W | PTE_X)) == 0) {
#ifdef BUG_table_lost
      if (i == 255)
        continue;
#endif
      freewalk((pagetable_t)PTE2PA(pte));
#ifdef SLOW_freewalk  // meanwhile another processor may have that page
      for (volatile int wait = 0; wait < 200000; wait++)
        ;
#endif
      pagetable[i] = 0;
    } else if (pte & PTE_V) {
      panic("freewalk: leaf");
    }
  }
  kfree(pagetable);
}

void uvmfree(pagetable_t pagetable, uint64 sz)
{
  if (sz > 0)
    uvmunmap(pagetable, 0, PGROUNDUP(sz) / PGSIZE, 1);
  freewalk(pagetable);
}

// What a page fault does: a lazy page is made, a shared one copied.  0, or -1 for an access that is not allowed.
int vmfault(pagetable_t pagetable, uint64 sz, uint64 va, int write)
{
  va &= ~(PGSIZE - 1UL);
  if (va >= sz)
    return -1;
  pte_t *pte = walk(pagetable, va, 0);
#ifdef LAB_lazy
  if (!pte || !(*pte & PTE_V)) {
    char *page = kalloc();
    if (!page)
      return -1;
    memset(page, 0, PGSIZE);
    return mappages(pagetable, va, PGSIZE, (uint64)page, PTE_R | PTE_W | PTE_U);
  }
#endif
#ifdef LAB_cow
  if (write && pte && (*pte & PTE_V) && (*pte & PTE_COW)) {
    char *old = (char *)PTE2PA(*pte), *copy = old;
    int flags = (PTE_FLAGS(*pte) & ~PTE_COW) | PTE_W;
    if (kcount(old) > 1) {
      copy = kalloc();
      if (!copy)
        return -1;
      memmove(copy, old, PGSIZE);
      uvmunmap(pagetable, va, 1, 1);
      return mappages(pagetable, va, PGSIZE, (uint64)copy, flags & ~PTE_V);
    }
    *pte = PA2PTE(old) | flags;
    return 0;
  }
#endif
  return -1;
}
