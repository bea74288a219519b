// Pages of physical memory: a list of free ones, and how many descriptors lead to each.
#include "kernel.h"

extern char end[];
struct kmem kmem;
int refcount[PAGES];

#define COUNT(pa) refcount[((uint64)(pa) - KERNBASE) / PGSIZE]

void kinit(void)
{
  for (uint64 pa = PGROUNDUP((uint64)end); pa < PHYSTOP; pa += PGSIZE) {
    COUNT(pa) = 1;
    kfree((void *)pa);
  }
}

// One descriptor less leads to the page; the last gives it back.
void kfree(void *pa)
{
  if ((uint64)pa % PGSIZE || (char *)pa < end || (uint64)pa >= PHYSTOP)
    panic("kfree");
  acquire(&kmem.lock);
  if (COUNT(pa) > 0)
    COUNT(pa)--;
  if (COUNT(pa) == 0) {
    struct run *page = pa;
    page->next = kmem.freelist;
    kmem.freelist = page;
  }
  release(&kmem.lock);
}

void *kalloc(void)
{
  acquire(&kmem.lock);
  struct run *page = kmem.freelist;
  if (page) {
    kmem.freelist = page->next;
    COUNT(page) = 1;
  }
  release(&kmem.lock);
  if (page)
    memset(page, 5, PGSIZE);
  return page;
}

void kshare(void *pa)
{
  acquire(&kmem.lock);
  COUNT(pa)++;
  release(&kmem.lock);
}

int kcount(void *pa)
{
  return COUNT(pa);
}
