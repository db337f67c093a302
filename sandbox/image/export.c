/* The verb export: a tree, as the container saw it, as one plain archive on standard output. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "image/options.h"
#include "image/pack.h"
#include "image/print.h"
#include "image/verbs.h"
#include "util/cleanup.h"

int verb_export(struct verb_context *context, int argc, char **argv)
{
	_cleanup_close_ int root = -1;
	struct pack_result result;
	int r = options_take(NULL, 0, &context->arena, &argc, argv, 1, 1, &context->err);

	if (r < 0)
		return r;
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_set(
			&context->err, -errno, argv[1], "cannot open it: %s", strerror(errno));
	r = pack_tree(root, layer_way_here(), PACK_TREE, NULL, NULL, &tar_to_stdout, &result,
		&context->err);
	if (r == 0 && result.skipped)
		print_note("%llu sockets and devices are left out",
			(unsigned long long)result.skipped);
	return r;
}
