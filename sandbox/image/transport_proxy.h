/*
 * Which proxy a request goes through: the user's environment, by the rules of curl(1) (http_proxy,
 * https_proxy, all_proxy, no_proxy). Decided here and told to libcurl, so that we know whether the
 * address that is connected to is the server's or the proxy's. Pure. Second program only.
 */
#ifndef IMMURE_IMAGE_TRANSPORT_PROXY_H
#define IMMURE_IMAGE_TRANSPORT_PROXY_H

#include <stdbool.h>

/* The URL of the proxy, or "" for none. lookup: getenv, or a test's. */
const char *proxy_choose(bool https, const char *host, char *(*lookup)(const char *name));

#endif
