#include "web/route.h"

#include <string.h>

#include "web/endpoint_enroll.h"
#include "web/endpoint_mdm.h"
#include "web/endpoint_ota.h"
#include "web/endpoint_scep.h"
#include "web/endpoint_status.h"

enum { FORM_MOST = 4096 };

static const struct route routes[] = {
	{"PUT, POST", "/mdm", ROUTE_DEVICE, ROUTE_PLIST, 0, ROUTE_TRANSACTION, endpoint_mdm_writes,
		endpoint_mdm},
	{"PUT, POST", "/checkin", ROUTE_DEVICE, ROUTE_PLIST, 0, ROUTE_TRANSACTION,
		endpoint_mdm_writes, endpoint_mdm},
	{"PUT, POST", "/server", ROUTE_DEVICE, ROUTE_PLIST, 0, ROUTE_TRANSACTION,
		endpoint_mdm_writes, endpoint_mdm},
	{"GET, POST", "/scep", ROUTE_ANYBODY, ROUTE_BYTES, 64 * 1024, ROUTE_OWN, NULL,
		endpoint_scep},
	{"GET, HEAD", "/enroll", ROUTE_ANYBODY, ROUTE_NO_BODY, FORM_MOST, ROUTE_TRANSACTION, NULL,
		endpoint_enroll},
	{"GET, HEAD, POST", "/enroll/", ROUTE_ANYBODY, ROUTE_NO_BODY, FORM_MOST, ROUTE_TRANSACTION,
		endpoint_enroll_writes, endpoint_enroll},
	{"POST", "/ota", ROUTE_ANYBODY, ROUTE_BYTES, 64 * 1024, ROUTE_TRANSACTION,
		endpoint_ota_writes, endpoint_ota},
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

static bool
has_tail(const struct route *route)
{
	return route->path[strlen(route->path) - 1] == '/';
}

static bool
matches(const struct route *route, const char *path)
{
	return has_tail(route) ? strncmp(route->path, path, strlen(route->path)) == 0
			       : strcmp(route->path, path) == 0;
}

const char *
route_shown_path(const struct call *call)
{
	if (call->route == NULL || !has_tail(call->route) || *call->tail == '\0')
		return call->request->path;
	return arena_printf(call->request->arena, "%s*", call->route->path);
}

enum err_kind
route_find(const char *method, const char *path, const struct route **route, const char **allow,
	struct err *err)
{
	*route = NULL;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!matches(&routes[i], path))
			continue;
		*route = &routes[i];
		if (!allows(routes[i].methods, method)) {
			*allow = routes[i].methods;
			return err_set(err, ERR_NOT_ALLOWED, "%s takes %s", routes[i].path,
				routes[i].methods);
		}
		return ERR_OK;
	}
	return err_set(err, ERR_NOT_FOUND, "there is nothing here");
}
