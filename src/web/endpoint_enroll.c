#include "web/endpoint_enroll.h"

#include <string.h>

#include "mdm/enroll_link.h"
#include "mdm/event.h"
#include "mdm/profile.h"
#include "mdm/setting.h"
#include "web/enroll_page.h"

enum { SECRET_LEN = 32, DETAIL_MOST = 4096 };

static const char profile_name[] = "profile.mobileconfig";

/* What is asked for, and by whom. */
struct visit {
	const char *secret; /* of the link; NULL: none */
	bool download;
	struct enroll_link link;
	const char *person; /* whom the web server has authenticated, or NULL */
};

/* ---- what is asked for ---- */

static bool
is_secret(const char *text, size_t len)
{
	return len == SECRET_LEN && strspn(text, "0123456789abcdef") >= len;
}

static enum err_kind
read_path(struct call *call, struct visit *visit, struct err *err)
{
	const char *tail = call->tail;
	size_t len = strcspn(tail, "/");

	if (strcmp(call->request->path, "/enroll") == 0)
		return ERR_OK;
	if (strcmp(tail, profile_name) == 0) {
		visit->download = true;
		return ERR_OK;
	}
	visit->download = tail[len] == '/' && strcmp(tail + len + 1, profile_name) == 0;
	if (!is_secret(tail, len) || (tail[len] != '\0' && !visit->download))
		return err_set(err, ERR_NOT_FOUND, "this link is not known");
	visit->secret = arena_memdup(call->request->arena, tail, len);
	return ERR_OK;
}

static bool
is_post(const struct call *call)
{
	return strcmp(call->request->method, "POST") == 0;
}

bool
endpoint_enroll_writes(const struct call *call)
{
	return is_post(call);
}

/* ---- who may ---- */

/* Without a link. */
static enum err_kind
admit(struct call *call, struct visit *visit, struct err *err)
{
	const char *person = request_param(call->request, "REMOTE_USER"), *rule;

	if (setting_get(call->mdm, "enroll_open", &rule, err) != ERR_OK)
		return err->kind;
	if (strcmp(rule, "open") == 0)
		return ERR_OK;
	if (strcmp(rule, "person") != 0)
		return err_set(err, ERR_FORBIDDEN, "a link is needed");
	if (*person == '\0')
		return err_set(err, ERR_FORBIDDEN, "the web server has authenticated nobody");
	visit->person = person;
	return ERR_OK;
}

/* ---- pages ---- */

static const char *
host_of(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	return arena_memdup(arena, host, strcspn(host, "/"));
}

static enum err_kind
show_page(struct call *call, const struct visit *visit, struct reply *reply, struct err *err)
{
	struct arena *arena = call->request->arena;
	struct enroll_page page = {.once = visit->secret != NULL};
	const char *url;

	if (setting_get(call->mdm, "server_url", &url, err) != ERR_OK ||
		setting_get(call->mdm, "organization", &page.organization, err) != ERR_OK ||
		setting_get(call->mdm, "enroll_description", &page.description, err) != ERR_OK ||
		profile_rights(call->mdm, &page.rights, err) != ERR_OK)
		return err->kind;
	if (url == NULL)
		return err_set(err, ERR_CONFLICT, "setting server_url is not set");
	page.host = host_of(arena, url);
	/* Relative, as a web server may have put the whole of it under a path of its own. */
	page.action = arena_printf(
		arena, "%s/%s", visit->secret != NULL ? visit->secret : "enroll", profile_name);
	page.url = visit->secret != NULL ? arena_printf(arena, "%s/enroll/%s", url, visit->secret)
					 : arena_printf(arena, "%s/enroll", url);
	enroll_page_write(reply, arena, &page);
	return ERR_OK;
}

/* What a person is told in place of an error. */
static void
refuse(struct call *call, struct reply *reply, const struct err *err)
{
	static const struct {
		enum err_kind kind;
		int status;
		const char *title, *advice;
	} pages[] = {
		{ERR_NOT_FOUND, 404, "This link is not known",
			"Look whether it is complete, or ask whoever sent it for another one."},
		{ERR_GONE, 410, NULL,
			"If you have just downloaded the profile, go on in the device's settings. "
			"Otherwise ask whoever sent the link for another one."},
		{ERR_FORBIDDEN, 403, "You need an invitation",
			"Devices are enrolled here by a personal link, or after signing in. Ask "
			"your organization for one."},
		{ERR_BUSY, 503, "Just a moment", "The server is busy. Try again in a minute."},
		{ERR_CONFLICT, 503, "Not ready yet",
			"The server is not ready to enroll devices. Tell your organization."},
	};
	struct arena *arena = call->request->arena;
	const char *title;

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (pages[i].kind != err->kind)
			continue;
		title = pages[i].title != NULL ? pages[i].title
					       : arena_printf(arena, "T%s", err->message + 1);
		reply_init(reply, arena);
		enroll_page_refuse(reply, arena, pages[i].status, title, pages[i].advice);
		return;
	}
}

/* To the page that the profile belongs to; relative, as above. */
static void
lead_to_page(struct call *call, const struct visit *visit, struct reply *reply)
{
	reply->status = 303;
	reply->headers = arena_printf(call->request->arena, "%sLocation: ../%s\r\n",
		enroll_page_private_headers, visit->secret != NULL ? visit->secret : "enroll");
}

/* ---- the profile ---- */

static enum err_kind
add_event(struct call *call, const struct visit *visit, bool ota, struct err *err)
{
	struct arena *arena = call->request->arena;
	struct plist *detail = plist_dict(arena);
	struct buf json;

	plist_set(arena, detail, "by",
		plist_string(arena, visit->secret != NULL   ? "link"
				    : visit->person != NULL ? "person"
							    : "open"));
	if (visit->secret != NULL)
		plist_set(arena, detail, "link", plist_integer(arena, visit->link.no));
	if (visit->link.for_id != NULL)
		plist_set(arena, detail, "for", plist_string(arena, visit->link.for_id));
	if (visit->person != NULL && strlen(visit->person) < DETAIL_MOST / 8)
		plist_set(arena, detail, "person", plist_string(arena, visit->person));
	plist_set(arena, detail, "ota", plist_boolean(arena, ota));
	buf_init(&json, arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(call->mdm, EVENT_PROFILE, 0, json.bytes, NULL, 0, err);
}

static enum err_kind
make_profile(struct call *call, const struct visit *visit, const void **profile, size_t *len,
	struct err *err)
{
	const struct profile_terms terms = {.for_id = visit->link.for_id};
	struct mdm *mdm = call->mdm;
	const char *value, *challenge;
	enum err_kind kind;
	struct buf made;
	bool ota;

	if (setting_get(mdm, "enroll_ota", &value, err) != ERR_OK)
		return err->kind;
	ota = strcmp(value, "on") == 0;
	buf_init(&made, mdm->arena, PROFILE_MOST);
	if (!ota)
		kind = profile_enrollment(mdm, &terms, &made, err);
	else {
		kind = enroll_ota_create(mdm, terms.for_id, &challenge, err);
		if (kind == ERR_OK)
			kind = profile_service(mdm, challenge, &made, err);
	}
	*profile = made.bytes;
	*len = made.len;
	if (kind == ERR_OK)
		kind = profile_sign(mdm, profile, len, err);
	return kind == ERR_OK ? add_event(call, visit, ota, err) : kind;
}

/* A new one, which uses a link up. */
static enum err_kind
issue(struct call *call, struct visit *visit, const void **profile, size_t *len, struct err *err)
{
	const char *address = request_param(call->request, "REMOTE_ADDR");
	enum err_kind kind = ERR_OK;

	if (visit->secret != NULL)
		kind = enroll_link_use(call->mdm, visit->secret, &visit->link, err);
	if (kind == ERR_OK)
		kind = make_profile(call, visit, profile, len, err);
	if (kind == ERR_OK && visit->secret != NULL)
		kind = enroll_link_keep(
			call->mdm, &visit->link, visit->secret, address, *profile, *len, err);
	return kind;
}

static enum err_kind
download(struct call *call, struct visit *visit, struct reply *reply, struct err *err)
{
	const char *address = request_param(call->request, "REMOTE_ADDR");
	unsigned char *kept = NULL;
	const void *profile = NULL;
	enum err_kind kind = ERR_NOT_FOUND;
	size_t len = 0;

	if (visit->secret != NULL)
		kind = enroll_link_kept(call->mdm, visit->secret, address, &kept, &len, err);
	profile = kept;
	if (kind == ERR_OK)
		call->remark = "the same profile again";
	else if (kind == ERR_NOT_FOUND && !is_post(call)) {
		lead_to_page(call, visit, reply);
		return ERR_OK;
	} else if (kind == ERR_NOT_FOUND)
		kind = issue(call, visit, &profile, &len, err);
	if (kind != ERR_OK)
		return kind;
	reply->content_type = PROFILE_MEDIA_TYPE;
	reply->headers = enroll_page_private_headers;
	buf_add(&reply->body, profile, len);
	return ERR_OK;
}

enum err_kind
endpoint_enroll(struct call *call, struct reply *reply, struct err *err)
{
	struct visit visit = {0};
	enum err_kind kind;

	call->refuse = refuse;
	kind = read_path(call, &visit, err);
	if (kind == ERR_OK && visit.secret == NULL)
		kind = admit(call, &visit, err);
	if (kind == ERR_OK && visit.download)
		return download(call, &visit, reply, err);
	if (kind == ERR_OK && is_post(call))
		return err_set(err, ERR_NOT_FOUND, "nothing is posted here");
	if (kind == ERR_OK && visit.secret != NULL)
		kind = enroll_link_check(call->mdm, visit.secret, &visit.link, err);
	return kind == ERR_OK ? show_page(call, &visit, reply, err) : kind;
}
