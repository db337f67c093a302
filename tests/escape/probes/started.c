/* started: what a launcher runs that ought to have refused. */
#include "verdict.h"

int main(void)
{
	escaped("the program was started");
}
