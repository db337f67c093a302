/* Whole trees of files that a program in a jail wrote: as deep, and with such modes, as it liked.
 */
#ifndef IMMURE_UTIL_TREE_H
#define IMMURE_UTIL_TREE_H

/*
 * Removes name in directory with everything below it, through descriptors, following no link. Takes
 * neither recursion nor a descriptor a level, so that no depth ends it; needs no memory but its
 * stack. -EACCES or -EPERM where something belongs to another id: what could be removed is gone
 * then, and who holds that id can go on. 0 (also where there is nothing), or -errno.
 */
int tree_remove(int directory, const char *name);

#endif
