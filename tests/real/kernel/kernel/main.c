// From reset to a shell; the other harts live lives of their own.
#include "kernel.h"

static volatile int started;
volatile int panicked;

static volatile unsigned char *const uart = (unsigned char *)UART0;

void print(const char *text)
{
  for (; *text; text++) {
    while (!(uart[5] & 32))
      ;
    uart[0] = *text;
  }
}

int getc(void)
{
  while (!(uart[5] & 1))
    ;
  return uart[0];
}

void panic(const char *why)
{
  print("panic: ");
  print(why);
  print("\n");
  panicked = 1;
  for (;;)
    ;
}

void acquire(struct spinlock *lock)
{
  while (__sync_lock_test_and_set(&lock->locked, 1) != 0)
    ;
}

void release(struct spinlock *lock)
{
  __sync_lock_release(&lock->locked);
}

void *memset(void *to, int byte, uint64 count)
{
  uint64 word = (unsigned char)byte * 0x0101010101010101UL, *at = to;
  for (uint64 i = 0; i < count / 8; i++)
    at[i] = word;
  return to;
}

void *memmove(void *to, const void *from, uint64 count)
{
  char *at = to;
  const char *of = from;
  for (uint64 i = 0; i < count; i++)
    at[i] = of[i];
  return to;
}

void main(uint64 hart)
{
  if (hart == 0) {
    kinit();
    kvminit();
    kvminithart();
    print("kernel up\n");
    __sync_synchronize();
    started = 1;
    shell();
  }
  while (!started)
    ;
  __sync_synchronize();
  kvminithart();
  life(3);
  for (;;)
    asm volatile("wfi");
}
