/* Adds up a matrix of 32 pages, row after row: neighbours in memory come one after the other. */
enum { N = 128 };

_Alignas(4096) double matrix[N][N];
double sum;

int main(void)
{
    for (int row = 0; row < N; row++)
        for (int column = 0; column < N; column++)
            sum += matrix[row][column];
    return 0;
}
