/* A fork, and writes of both processes. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };
enum { PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

int main(void)
{
    char *p = mmap(0, 4 * PAGE, RW, PRIVATE, -1, 0);
    for (int i = 0; i < 4; i++)
        p[i * PAGE] = 'p';
    if (fork() == 0) {
        p[0] = p[PAGE]; /* reads one page, copies one */
        p[1] = 'c';     /* its own by now */
        _exit(0);
    }
    wait(0);
    p[0] = 'q'; /* the only one left with this frame */
    return p[PAGE] != 'p';
}
