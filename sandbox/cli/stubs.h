/* The mount points that a container's launch has made, by what the container has kept. */
#ifndef IMMURE_CLI_STUBS_H
#define IMMURE_CLI_STUBS_H

#include "container/container.h"
#include "container/stub.h"
#include "image/record.h"
#include "profile/load.h"

/*
 * Adds to ret those that are in the upper of layers now (trees and upper are set). What its options
 * and its profile say cannot be asked for any more: then those that every container has. Call it
 * once a process.
 */
void stubs_find(const struct container *container, const struct image_record *record,
	const struct layers *layers, const struct profile_variables *variables,
	struct stub_list *ret);

#endif
