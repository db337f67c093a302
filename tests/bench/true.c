/* The program that the benchmark jails: nothing but its own start and end. */
int main(void)
{
	return 0;
}
