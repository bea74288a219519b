/* Links 2,048 nodes of 64 bytes in a shuffled order, and goes along the list four times, counting in each node. */
enum { NODES = 2048, ROUNDS = 4 };

static struct node {
    struct node *next;
    long visits;
    char data[48];
} nodes[NODES] __attribute__((aligned(4096)));

int main(void)
{
    unsigned place = 0;
    for (int i = 0; i < NODES; i++) { /* this generator has a period of exactly NODES */
        unsigned next = (place * 1365u + 1571u) % NODES;
        nodes[place].next = &nodes[next];
        place = next;
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct node *node = nodes;
        do {
            node->visits++;
            node = node->next;
        } while (node != nodes);
    }
    return 0;
}
