/*
 * status FIELD VALUE: held, where that field of the own /proc/self/status reads VALUE (O5).
 * status walls [PATH]: all that a jailed program must find about itself at once; PATH is a file of the host that must be out of reach.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "verdict.h"

static const char *field(const char *name)
{
	static char line[4096];
	size_t length = strlen(name);
	FILE *file = fopen("/proc/self/status", "re");

	if (!file)
		unclear("/proc/self/status");
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, length) == 0 && line[length] == ':') {
			(void)fclose(file);
			line[strcspn(line, "\n")] = '\0';
			return line + length + 1 + strspn(line + length + 1, "\t ");
		}
	(void)fclose(file);
	return "(no such field)";
}

static void want(const char *name, const char *value)
{
	const char *is = field(name);

	if (strcmp(is, value) != 0)
		escaped("%s is %s, not %s", name, is, value);
}

static void want_no_descriptors(void)
{
	struct stat st;

	for (int fd = 3; fd < 4096; fd++)
		if (fstat(fd, &st) == 0)
			escaped("descriptor %d is open (mode %o)", fd, st.st_mode);
}

int main(int argc, char **argv)
{
	static const char *const none[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};

	if (argc < 3 || strcmp(argv[1], "walls") != 0) {
		if (argc != 3)
			return 2;
		want(argv[1], argv[2]);
		contained("%s is %s", argv[1], argv[2]);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		want(none[i], "0000000000000000");
	want("NoNewPrivs", "1");
	want("Seccomp", "2");
	want_no_descriptors();
	if (open(argv[2], O_RDONLY | O_CLOEXEC) >= 0)
		escaped("%s can be opened", argv[2]);
	if (getuid() == 0)
		escaped("the uid is 0");
	contained("every wall stands");
}
