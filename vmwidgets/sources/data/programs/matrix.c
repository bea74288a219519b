/* Rows or columns: the same stores in two orders. */
enum { ROWS = 8, COLUMNS = 1024, STEP = 256 };
_Alignas(4096) int a[ROWS][COLUMNS]; /* a row a page */

int main(void)
{
    for (int i = 0; i < ROWS; i++)
        a[i][0] = 1; /* each page is used once */
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j += STEP)
            a[i][j] = 2; /* row by row */
    for (int j = 0; j < COLUMNS; j += STEP)
        for (int i = 0; i < ROWS; i++)
            a[i][j] = 3; /* column by column */
    return 0;
}
