/* Adds up a matrix of 32 pages, column after column: what comes next is 1 KiB further on. */
enum { N = 128 };

_Alignas(4096) double matrix[N][N];
double sum;

int main(void)
{
    for (int column = 0; column < N; column++)
        for (int row = 0; row < N; row++)
            sum += matrix[row][column];
    return 0;
}
