/*
 * The devices' HTTP/1.1 reader, piece by piece; the form of a push; addresses; quantiles.
 */
#include "unit.h"

#include "sim/address.h"
#include "sim/apns_request.h"
#include "sim/http_client.h"
#include "sim/http_response.h"
#include "sim/stats.h"

/* ---- answers ---- */

static const struct {
	const char *text;
	int status;
	const char *body; /* NULL: none */
	bool keep_alive;
	int64_t retry_after;
	size_t behind; /* bytes that do not belong to the answer any more */
} good[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true, -1, 0},
	{"HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", 200, NULL, true, -1, 0},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhixyz", 200, "hi", true,
		-1, 3},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
	 "0\r\n\r\n",
		200, "abc0123456789", true, -1, 0},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", 200, NULL,
		true, -1, 0},
	{"HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nConnection: Close\r\nContent-Length: "
	 "1\r\n\r\n.",
		503, ".", false, 7, 0},
	{"HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: "
	 "0\r\n\r\n",
		503, NULL, true, -1, 0},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, NULL, true, -1, 0},
};

/* The same whether it comes at once or byte by byte. */
static void
test_good(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(good) * 2; i++) {
		const char *text = good[i / 2].text;
		size_t len = strlen(text), at = 0, used, step = i % 2 == 0 ? len : 1;
		struct http_response response = {0};
		struct err err = {0};

		while (at < len && response.phase != HTTP_WHOLE) {
			if (http_response_feed(&response, text + at, step, &used, &err) != ERR_OK)
				fail_msg("%s: %s", text, err.message);
			at += used;
		}
		assert_int_equal(response.phase, HTTP_WHOLE);
		assert_int_equal(response.status, good[i / 2].status);
		assert_int_equal(response.keep_alive, good[i / 2].keep_alive);
		assert_int_equal(response.retry_after, good[i / 2].retry_after);
		assert_int_equal(len - at, good[i / 2].behind);
		if (good[i / 2].body != NULL)
			assert_string_equal(response.body, good[i / 2].body);
		else
			assert_int_equal(response.body_len, 0);
		http_response_clear(&response);
		assert_int_equal(response.phase, HTTP_STATUS_LINE);
		http_response_release(&response);
	}
}

static void
test_media_type(void **unused)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
				   "Content-Length: 0\r\n\r\n";
	struct http_response response = {0};
	size_t used;

	(void)unused;
	assert_int_equal(
		http_response_feed(&response, text, sizeof(text) - 1, &used, NULL), ERR_OK);
	assert_string_equal(response.type, "text/html");
	http_response_clear(&response);
	assert_string_equal(response.type, "");
	http_response_release(&response);
}

static const char *const bad[] = {
	"HTTP/1.0 200 OK\r\n",
	"HTTP/2 200\r\n",
	"HTTP/1.1 2000 OK\r\n",
	"HTTP/1.1 900 OK\r\n",
	"HTTP/1.1 200OK\r\n",
	"hello\r\n",
	"HTTP/1.1 200 OK\n",
	"HTTP/1.1 200 OK\r\n\r\n", /* no length */
	"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	"HTTP/1.1 200 OK\r\nno colon\r\n",
	"HTTP/1.1 200 OK\r\n folded: x\r\n",
	"HTTP/1.1 200 OK\r\nspace : x\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
};

static void
test_bad(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct http_response response = {0};
		size_t used;

		if (http_response_feed(&response, bad[i], strlen(bad[i]), &used, NULL) == ERR_OK)
			fail_msg("taken: %s", bad[i]);
		http_response_release(&response);
	}
}

static void
test_endless_head(void **unused)
{
	struct http_response response = {0};
	static const char start[] = "HTTP/1.1 200 OK\r\n", more[] = "X-Header: x\r\n";
	enum err_kind kind;
	size_t used, fed = 0;

	(void)unused;
	kind = http_response_feed(&response, start, sizeof(start) - 1, &used, NULL);
	for (; kind == ERR_OK && fed < 2 * HTTP_HEAD_MOST; fed += used)
		kind = http_response_feed(&response, more, sizeof(more) - 1, &used, NULL);
	assert_int_equal(kind, ERR_TOO_LARGE);
	http_response_release(&response);
}

/* ---- pushes ---- */

#define TOPIC "com.apple.mgmt.External.x"

struct push {
	const char *method, *path, *topic, *push_type, *payload;
	const char *name, *value; /* one more header; or NULL */
	int status;
	const char *reason; /* NULL: taken */
};

static const struct push pushes[] = {
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 200, NULL},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", "apns-priority", "10", 200,
		NULL},
	{"GET", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 405,
		"MethodNotAllowed"},
	{"POST", "/3/devices/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 404, "BadPath"},
	{"POST", "/3/device/", TOPIC, "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 400,
		"MissingDeviceToken"},
	{"POST", "/3/device/00FF", TOPIC, "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 400,
		"BadDeviceToken"},
	{"POST", "/3/device/00f", TOPIC, "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 400,
		"BadDeviceToken"},
	{"POST", "/3/device/00ff", "", "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 400, "MissingTopic"},
	{"POST", "/3/device/00ff", "a b", "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 400, "BadTopic"},
	{"POST", "/3/device/00ff", "other", "mdm", "{\"mdm\":\"m\"}", NULL, NULL, 400,
		"TopicDisallowed"},
	{"POST", "/3/device/00ff", TOPIC, "alert", "{\"mdm\":\"m\"}", NULL, NULL, 400,
		"InvalidPushType"},
	{"POST", "/3/device/00ff", TOPIC, "", "{\"mdm\":\"m\"}", NULL, NULL, 400,
		"InvalidPushType"},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "", NULL, NULL, 400, "PayloadEmpty"},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":1}", NULL, NULL, 400, "PayloadEmpty"},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\",\"aps\":{}}", NULL, NULL, 400,
		"PayloadEmpty"},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", "apns-topic", TOPIC, 400,
		"DuplicateHeaders"},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", "apns-id", "1", 400,
		"BadMessageId"},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", "apns-priority", "3", 400,
		"BadPriority"},
	{"POST", "/3/device/00ff", TOPIC, "mdm", "{\"mdm\":\"m\"}", "apns-expiration", "-1", 400,
		"BadExpirationDate"},
};

static void
add(struct apns_request *request, const char *name, const char *value)
{
	if (value != NULL)
		apns_request_header(request, name, strlen(name), value, strlen(value));
}

static void
test_pushes(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(pushes); i++) {
		const struct push *push = &pushes[i];
		struct apns_request request = {0};
		const char *reason;
		int status;

		add(&request, ":method", push->method);
		add(&request, ":path", push->path);
		add(&request, "apns-topic", push->topic);
		add(&request, "apns-push-type", push->push_type);
		add(&request, push->name != NULL ? push->name : "other", push->value);
		apns_request_data(&request, push->payload, strlen(push->payload));
		reason = apns_request_check(&request, TOPIC, &status);
		if (push->reason == NULL)
			assert_null(reason);
		else if (reason == NULL || strcmp(reason, push->reason) != 0)
			fail_msg("%zu: %s, not %s", i, reason != NULL ? reason : "taken",
				push->reason);
		assert_int_equal(status, push->status);
		/* a certificate without a topic may push to none */
		assert_non_null(apns_request_check(&request, NULL, &status));
	}
}

static void
test_large_payload(void **unused)
{
	struct apns_request request = {0};
	char piece[1000];
	int status;

	(void)unused;
	memset(piece, 'x', sizeof(piece));
	add(&request, ":method", "POST");
	add(&request, ":path", "/3/device/00");
	add(&request, "apns-topic", TOPIC);
	add(&request, "apns-push-type", "mdm");
	for (int i = 0; i < 5; i++)
		apns_request_data(&request, piece, sizeof(piece));
	assert_string_equal(apns_request_check(&request, TOPIC, &status), "PayloadTooLarge");
	assert_int_equal(status, 413);
}

/* ---- addresses ---- */

static void
test_addresses(void **unused)
{
	struct address address;
	struct err err;

	(void)unused;
	assert_int_equal(address_parse(&address, "127.0.0.1:80", &err), ERR_OK);
	assert_string_equal(address.host, "127.0.0.1");
	assert_true(address.is_ip);
	assert_int_equal(address_parse_url(&address, "https://127.0.0.1/", &err), ERR_OK);
	assert_string_equal(address.authority, "127.0.0.1:443");
	assert_int_equal(address_parse(&address, "192.0.2.1:80", &err), ERR_FORBIDDEN);
	assert_int_equal(address_parse(&address, "127.0.0.1", &err), ERR_BAD_INPUT);
	assert_int_equal(address_parse(&address, ":80", &err), ERR_BAD_INPUT);
	assert_int_equal(address_parse_url(&address, "http://127.0.0.1:80", &err), ERR_BAD_INPUT);
	assert_int_equal(
		address_parse_url(&address, "https://127.0.0.1:80/mdm", &err), ERR_BAD_INPUT);
}

static const struct {
	const char *text;
	enum err_kind kind;
	bool tls;
	const char *authority, *path;
} urls[] = {
	{"https://127.0.0.1/enroll/abc", ERR_OK, true, "127.0.0.1:443", "/enroll/abc"},
	{"https://127.0.0.1:8443/a?b=c#d", ERR_OK, true, "127.0.0.1:8443", "/a?b=c"},
	{"http://[::1]/scep", ERR_OK, false, "[::1]:80", "/scep"},
	{"http://127.0.0.1", ERR_OK, false, "127.0.0.1:80", "/"},
	{"http://127.0.0.1?x", ERR_OK, false, "127.0.0.1:80", "/?x"},
	{"http://192.0.2.1/scep", ERR_FORBIDDEN, false, NULL, NULL},
	{"http://user@127.0.0.1/", ERR_BAD_INPUT, false, NULL, NULL},
	{"ftp://127.0.0.1/", ERR_BAD_INPUT, false, NULL, NULL},
	{"https://127.0.0.1/a b", ERR_BAD_INPUT, true, NULL, NULL},
	{"https:///x", ERR_BAD_INPUT, true, NULL, NULL},
};

static void
test_urls(void **unused)
{
	struct url url;

	(void)unused;
	for (size_t i = 0; i < COUNT(urls); i++) {
		if (address_read_url(&url, urls[i].text, NULL) != urls[i].kind)
			fail_msg("%s", urls[i].text);
		if (urls[i].kind != ERR_OK)
			continue;
		assert_int_equal(url.tls, urls[i].tls);
		assert_string_equal(url.address.authority, urls[i].authority);
		assert_string_equal(url.path, urls[i].path);
	}
}

/* ---- requests ---- */

static void
test_request(void **unused)
{
	const struct http_target target = {.address.authority = "h:1"};
	struct http_message get = {.method = "GET", .path = "/a"};
	struct http_message post = {.method = "POST",
		.path = "/b",
		.content_type = "text/plain",
		.headers = "X: y\r\n",
		.body = "hi",
		.body_len = 2};
	size_t len;
	char *bytes;

	(void)unused;
	bytes = http_request(&target, &get, &len);
	assert_int_equal(len, strlen(bytes));
	assert_string_equal(bytes, "GET /a HTTP/1.1\r\nHost: h:1\r\nUser-Agent: MDM/1.0\r\n\r\n");
	free(bytes);
	bytes = http_request(&target, &post, &len);
	assert_memory_equal(bytes,
		"POST /b HTTP/1.1\r\nHost: h:1\r\nUser-Agent: MDM/1.0\r\n"
		"Content-Type: text/plain\r\nContent-Length: 2\r\nX: y\r\n\r\nhi",
		len);
	free(bytes);
}

/* ---- quantiles ---- */

static void
test_histogram(void **unused)
{
	static struct histogram histogram;

	(void)unused;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	for (int64_t us = 1; us <= 1000; us++)
		histogram_add(&histogram, us);
	assert_in_range(histogram_quantile(&histogram, 0.5), 500, 535);
	assert_in_range(histogram_quantile(&histogram, 0.99), 990, 1000);
	assert_int_equal(histogram_quantile(&histogram, 1), 1000);
	histogram_add(&histogram, INT64_C(3600) * 1000 * 1000 * 1000);
	assert_int_equal(histogram.count, 1001);
	assert_int_equal(histogram_quantile(&histogram, 1), INT64_C(3600) * 1000 * 1000 * 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_media_type),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_endless_head),
		cmocka_unit_test(test_pushes),
		cmocka_unit_test(test_large_payload),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_histogram),
	};

	return cmocka_run_group_tests_name("sim http", tests, NULL, NULL);
}
