/*
 * Between the enrollment page and the simulated device that is to enroll from it.
 */
#include "codec/page.h"

#include <libxml/HTMLparser.h>
#include <libxml/uri.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Elements that lead somewhere, and by what. */
static const struct {
	const char *element, *attribute;
	bool is_form;
} leads[] = {{"form", "action", true}, {"a", "href", false}};

/* A copy of the attribute; NULL when it is not there. */
static const char *
attribute(struct arena *arena, xmlNode *node, const char *name)
{
	xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
	const char *copy = arena_strdup(arena, (const char *)value);

	xmlFree(value);
	return copy;
}

static bool
ends_in(const char *text, const char *suffix)
{
	size_t len = strlen(text), want = strlen(suffix);

	return len >= want && strcmp(text + len - want, suffix) == 0;
}

/* Is it a way to the download? */
static bool
take(struct arena *arena, xmlNode *node, const char *suffix, struct page_download *download)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		const char *method;

		if (xmlStrcasecmp(node->name, (const xmlChar *)leads[i].element) != 0)
			continue;
		download->url = attribute(arena, node, leads[i].attribute);
		if (download->url == NULL || !ends_in(download->url, suffix))
			return false;
		method = leads[i].is_form ? attribute(arena, node, "method") : NULL;
		download->method =
			method != NULL && strcasecmp(method, "post") == 0 ? "POST" : "GET";
		return true;
	}
	return false;
}

/* The next node in the order of the page; NULL behind the last. */
static xmlNode *
next_node(xmlNode *node)
{
	if (node->children != NULL && node->type == XML_ELEMENT_NODE)
		return node->children;
	while (node != NULL && node->next == NULL)
		node = node->parent != NULL && node->parent->type == XML_ELEMENT_NODE ? node->parent
										      : NULL;
	return node != NULL ? node->next : NULL;
}

static enum err_kind
resolve(struct arena *arena, const char *base_url, struct page_download *download, struct err *err)
{
	xmlChar *url = xmlBuildURI((const xmlChar *)download->url, (const xmlChar *)base_url);

	if (url == NULL)
		return err_set(err, ERR_BAD_INPUT, "the page's download has no proper address");
	download->url = arena_strdup(arena, (const char *)url);
	xmlFree(url);
	return ERR_OK;
}

enum err_kind
page_find_download(struct arena *arena, const char *html, size_t len, const char *base_url,
	const char *suffix, struct page_download *download, struct err *err)
{
	enum err_kind kind = ERR_NOT_FOUND;
	htmlDocPtr doc;

	*download = (struct page_download){0};
	if (len > PAGE_MOST)
		return err_set(err, ERR_TOO_LARGE, "the page has more than %d bytes", PAGE_MOST);
	doc = htmlReadMemory(html, (int)len, NULL, "UTF-8",
		HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_RECOVER);
	if (doc == NULL || xmlDocGetRootElement(doc) == NULL) {
		xmlFreeDoc(doc);
		return err_set(err, ERR_BAD_INPUT, "this is no page in HTML");
	}
	for (xmlNode *node = xmlDocGetRootElement(doc); node != NULL; node = next_node(node))
		if (node->type == XML_ELEMENT_NODE && take(arena, node, suffix, download)) {
			kind = resolve(arena, base_url, download, err);
			break;
		}
	xmlFreeDoc(doc);
	if (kind != ERR_OK)
		*download = (struct page_download){0};
	return kind == ERR_NOT_FOUND
		       ? err_set(err, kind, "nothing on the page leads to a %s", suffix)
		       : kind;
}
