// A shell of four words, and a life that fork, exec, sbrk, stores and exit make up.
#include "kernel.h"

static void life_of(struct proc *p, int round)
{
  exec(p, 6);
  growproc(p, 5 * PGSIZE);
  for (int page = 1; page < 11; page++)
    if (store(p, page * PGSIZE, page + round) != 0 && page != 4)
      print("store refused\n");
  struct proc *child = fork(p);
  struct proc *second = fork(child);
  store(child, 2 * PGSIZE, 100);
  store(p, 3 * PGSIZE, 101);
  if (load(second, 2 * PGSIZE) != 2 + round || load(second, 3 * PGSIZE) != 3 + round)
    print("wrong bytes\n");
  growproc(child, -4 * (long)PGSIZE);
  exit(child);
  store(second, 9 * PGSIZE, 102);
  exec(second, 7);
  exit(second);
  growproc(p, -3 * (long)PGSIZE);
#ifndef LAB_lazy
  p->sz = LIMIT - 3 * PGSIZE;
  if (growproc(p, 20 * PGSIZE) == 0)
    print("grew beyond the limit\n");
  p->sz = 8 * PGSIZE;
#endif
}

void life(int rounds)
{
  for (int round = 0; round < rounds; round++) {
    struct proc *p = allocproc("life\0\0\0\0\0\0\0\0\0\0\0");
    life_of(p, round);
    exit(p);
  }
}

// A process of 3,000 pages that forks.
static void large(void)
{
  struct proc *p = allocproc("large\0\0\0\0\0\0\0\0\0\0");
  exec(p, 6);
  growproc(p, 3000 * (long)PGSIZE);
  struct proc *child = fork(p);
  for (int page = 5; page < 1000; page += 50)
    store(child, page * PGSIZE, 1);
  exit(p);
  exit(child);
}

static int equal(const char *one, const char *other)
{
  for (; *one && *one == *other; one++, other++)
    ;
  return *one == *other;
}

void shell(void)
{
  static char line[32];
  struct proc *sh = allocproc("sh\0\0\0\0\0\0\0\0\0\0\0\0\0");
  exec(sh, 6);
  sh->state = SLEEPING;
  for (;;) {
    int count = 0, byte;
    print("$ ");
    while ((byte = getc()) != '\n' && byte != '\r')
      if (count < 31)
        line[count++] = byte;
    line[count] = 0;
    if (equal(line, "life"))
      life(1);
    else if (equal(line, "lives"))
      life(8);
    else if (equal(line, "large"))
      large();
    else if (equal(line, "panic"))
      panic("freewalk: leaf");
    else if (equal(line, "spin"))
      for (;;)
        asm volatile("nop");
    else {
      print("exec ");
      print(line);
      print(" failed\n");
    }
  }
}
