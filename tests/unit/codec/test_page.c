/*
 * What a page offers for download.
 */
#include "codec/page.h"

#include "unit.h"

#define BASE "https://h.example:8443/enroll/5ec3e7"

static const struct {
	const char *html;
	enum err_kind kind;
	const char *method, *url;
} cases[] = {
	{"<!DOCTYPE html><html><body><form method=\"post\" action=\"5ec3e7/p.mobileconfig\">"
	 "<button>Go</button></form></body></html>",
		ERR_OK, "POST", "https://h.example:8443/enroll/5ec3e7/p.mobileconfig"},
	{"<p>Hello<form METHOD=POST ACTION='/x/p.mobileconfig'>", ERR_OK, "POST",
		"https://h.example:8443/x/p.mobileconfig"},
	{"<div><div><a href=help.html>?</a></div></div><a "
	 "href=https://other.example/p.mobileconfig>get</a>",
		ERR_OK, "GET", "https://other.example/p.mobileconfig"},
	{"<form action=\"../a/./p.mobileconfig\"></form>", ERR_OK, "GET",
		"https://h.example:8443/a/p.mobileconfig"},
	{"<a href=one.mobileconfig>1</a><a href=two.mobileconfig>2</a>", ERR_OK, "GET",
		"https://h.example:8443/enroll/one.mobileconfig"},
	{"<a href=\"a&amp;b.mobileconfig\">1</a>", ERR_OK, "GET",
		"https://h.example:8443/enroll/a&b.mobileconfig"},
	{"<!-- <a href=p.mobileconfig></a> --><p>nothing", ERR_NOT_FOUND, NULL, NULL},
	{"<a name=p.mobileconfig>x</a><form method=post></form>", ERR_NOT_FOUND, NULL, NULL},
	{"<a href=p.mobileconfig.html>x</a>", ERR_NOT_FOUND, NULL, NULL},
	{"", ERR_BAD_INPUT, NULL, NULL},
};

static void
test_pages(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct page_download download;
		struct arena arena;
		struct err err = {0};
		enum err_kind kind;

		arena_init(&arena);
		kind = page_find_download(&arena, cases[i].html, strlen(cases[i].html), BASE,
			".mobileconfig", &download, &err);
		if (kind != cases[i].kind)
			fail_msg("%s: %s %s", cases[i].html, err_kind_name(kind), err.message);
		if (kind == ERR_OK) {
			assert_string_equal(download.method, cases[i].method);
			assert_string_equal(download.url, cases[i].url);
		} else {
			assert_null(download.url);
		}
		arena_release(&arena);
	}
}

static void
test_large_page(void **unused)
{
	struct page_download download;
	struct arena arena;
	char *html;

	(void)unused;
	arena_init(&arena);
	html = arena_alloc(&arena, PAGE_MOST + 1);
	memset(html, ' ', PAGE_MOST + 1);
	assert_int_equal(
		page_find_download(&arena, html, PAGE_MOST + 1, BASE, "x", &download, NULL),
		ERR_TOO_LARGE);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_large_page),
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
