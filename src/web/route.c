#include "web/route.h"

#include <string.h>

#include "web/endpoint_mdm.h"
#include "web/endpoint_scep.h"
#include "web/endpoint_status.h"

static const struct route routes[] = {
	{"PUT, POST", "/mdm", ROUTE_DEVICE, ROUTE_PLIST, 0, ROUTE_TRANSACTION, endpoint_mdm_writes,
		endpoint_mdm},
	{"PUT, POST", "/checkin", ROUTE_DEVICE, ROUTE_PLIST, 0, ROUTE_TRANSACTION,
		endpoint_mdm_writes, endpoint_mdm},
	{"PUT, POST", "/server", ROUTE_DEVICE, ROUTE_PLIST, 0, ROUTE_TRANSACTION,
		endpoint_mdm_writes, endpoint_mdm},
	{"GET, POST", "/scep", ROUTE_ANYBODY, ROUTE_BYTES, 64 * 1024, ROUTE_OWN, NULL,
		endpoint_scep},
	{"GET, HEAD", "/healthz", ROUTE_ANYBODY, ROUTE_NO_BODY, 1024, ROUTE_TRANSACTION, NULL,
		endpoint_healthz},
	{"GET, HEAD", "/version", ROUTE_ANYBODY, ROUTE_NO_BODY, 1024, ROUTE_NO_STORE, NULL,
		endpoint_version},
};

/* Is METHOD one of the words of METHODS? */
static bool
allows(const char *methods, const char *method)
{
	size_t len = strlen(method);

	while (*methods != '\0') {
		size_t word = strcspn(methods, ", ");

		if (word == len && memcmp(methods, method, len) == 0)
			return true;
		methods += word;
		methods += strspn(methods, ", ");
	}
	return false;
}

enum err_kind
route_find(const char *method, const char *path, const struct route **route, const char **allow,
	struct err *err)
{
	*route = NULL;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		if (!allows(routes[i].methods, method)) {
			*allow = routes[i].methods;
			return err_set(
				err, ERR_NOT_ALLOWED, "%s takes %s", path, routes[i].methods);
		}
		*route = &routes[i];
		return ERR_OK;
	}
	return err_set(err, ERR_NOT_FOUND, "there is nothing here");
}
