/* malloc and free: calls of a library, not of the kernel. */
#include <stdlib.h>

int main(void)
{
    char *small = malloc(24); /* the heap begins: brk */
    small[0] = 's';
    char *next = malloc(24); /* the heap has room */
    next[0] = 'n';
    char *large = malloc(1 << 20); /* a mapping: mmap */
    large[0] = 'l';
    large[1 << 19] = 'l';
    free(large); /* munmap */
    free(next);  /* kept for the next malloc */
    char *again = malloc(24);
    again[0] = 'a'; /* where next was */
    free(again);
    free(small);
    return 0;
}
