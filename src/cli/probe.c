/*
 * Straight to the server: no proxy, no redirect, TLS 1.2 at least, and its certificate is verified.
 */
#include "cli/probe.h"

#include <curl/curl.h>
#include <string.h>

#include "base/buf.h"

enum { CONNECT_MS = 10 * 1000, WHOLE_MS = 30 * 1000, BODY_MOST = 64 * 1024, LINE_MOST = 200 };

static size_t
take_body(char *bytes, size_t size, size_t count, void *user)
{
	buf_add(user, bytes, size * count); /* what is too much is of no interest */
	return size * count;
}

static void
set_identity(CURL *easy, const struct x509_identity *identity)
{
	struct curl_blob certificate = {
		(void *)identity->cert_pem, strlen(identity->cert_pem), CURL_BLOB_COPY};
	struct curl_blob key = {
		(void *)identity->key_pem, strlen(identity->key_pem), CURL_BLOB_COPY};

	curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
	curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
	curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
	curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
}

static void
set_request(CURL *easy, const struct probe *probe, struct buf *body, char *reason)
{
	curl_easy_setopt(easy, CURLOPT_URL, probe->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)WHOLE_MS);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
	if (probe->ca != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, probe->ca);
	if (probe->identity != NULL)
		set_identity(easy, probe->identity);
	if (strcmp(probe->method, "GET") == 0)
		return;
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, probe->method);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(probe->body));
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, probe->body);
}

/* "Expire date:Nov 24 08:15:30 2027 GMT" of the first certificate. */
static int64_t
tls_end(CURL *easy)
{
	static const char name[] = "Expire date:";
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
		info->num_of_certs < 1)
		return 0;
	for (const struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next)
		if (strncmp(line->data, name, sizeof(name) - 1) == 0) {
			time_t end = curl_getdate(line->data + sizeof(name) - 1, NULL);

			return end > 0 ? (int64_t)end * 1000 : 0;
		}
	return 0;
}

static void
take_answer(CURL *easy, struct arena *arena, const struct buf *body, struct probe_answer *answer)
{
	size_t len = strcspn(body->bytes, "\r\n");
	long version = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	answer->is_http2 = version == CURL_HTTP_VERSION_2_0;
	answer->body = arena_memdup(arena, body->bytes, len < LINE_MOST ? len : LINE_MOST);
	answer->tls_not_after = tls_end(easy);
}

enum err_kind
probe_ask(struct arena *arena, const struct probe *probe, struct probe_answer *answer,
	struct err *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	enum err_kind kind = ERR_OK;
	struct buf body;
	CURLcode code;
	CURL *easy;

	*answer = (struct probe_answer){0};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl cannot start");
	easy = curl_easy_init();
	if (easy == NULL) {
		curl_global_cleanup();
		return err_set(err, ERR_INTERNAL, "libcurl cannot start");
	}
	buf_init(&body, arena, BODY_MOST);
	set_request(easy, probe, &body, reason);
	code = curl_easy_perform(easy);
	if (code == CURLE_OK)
		take_answer(easy, arena, &body, answer);
	else
		kind = err_set(
			err, ERR_IO, "%s", reason[0] != '\0' ? reason : curl_easy_strerror(code));
	curl_easy_cleanup(easy);
	curl_global_cleanup();
	return kind;
}
